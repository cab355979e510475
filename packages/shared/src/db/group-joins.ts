/**
 * Which group shows which: joins that follow from crashes that moved, those that a user makes (group-decisions.ts), and
 * those of what crashes share with others (attached-groups.ts). Each is a transaction of its own that holds the lock on
 * joins, for a few rows and a few milliseconds; saving crashes shares it. What a user did (origin user-…) is left alone
 * by everything else here.
 */
import { noteActivity } from "./group-activity.ts";
import { sumUpGroups } from "./group-counts.ts";
import { transaction, type Pool, type Queryable } from "./pool.ts";

const LOCK = 0x0fa1_7006;

/** SQL, of a transaction that files or counts crashes: where groups are shown stays as it is until its end. */
export const shareJoins = `select pg_advisory_xact_lock_shared(${LOCK})`;

/** Runs `work` while nobody files or counts crashes, or joins groups. */
export const whileJoining = <Result>(
  pool: Pool,
  work: (db: Queryable) => Promise<Result>,
): Promise<Result> => transaction(pool, work, `begin; select pg_advisory_xact_lock(${LOCK})`);

const place = `
  update groups g set parent_id = t.root, origin = $3
    from (select coalesce(parent_id, id) as root from groups where id = $2) as t
   where g.id = $1 and t.root <> g.id
  returning t.root`;

/**
 * Shows group `id`, which is shown itself, and all that is joined to it in the group that shows `other`. Answers with
 * that; null when it is `id` itself. For `whileJoining`.
 */
export async function joinGroups(
  db: Queryable,
  id: number,
  other: number,
  origin: "attach" | "alias" | "user-merge",
): Promise<number | null> {
  const { rows } = await db.query<{ root: number }>(place, [id, other, origin]);
  const root = rows[0]?.root ?? null;
  if (root === null) return null;
  await db.query("update groups set parent_id = $2 where parent_id = $1", [id, root]);
  await sumUpGroups(db, [root]);
  return root;
}

const standApart = `
  with was as (
    select g.id, root.id as root, root.status from groups g join groups root on root.id = g.parent_id where g.id = $1
  ), parted as (
    update groups g set parent_id = null, origin = 'auto', status = was.status from was where g.id = was.id
  ), along as (
    update groups g set parent_id = was.id from was
     where g.parent_id = was.root and g.origin = 'alias' and g.moved_to = was.id
  )
  select root from was`;

/**
 * Shows group `id`, which was joined by itself, apart from the one that shows it, and with it those whose crashes all
 * went to it. Answers with the other; null when it was shown. For `whileJoining`.
 */
export async function partGroup(db: Queryable, id: number): Promise<number | null> {
  const { rows } = await db.query<{ root: number }>(standApart, [id]);
  const root = rows[0]?.root ?? null;
  if (root !== null) await sumUpGroups(db, [root, id]);
  return root;
}

/** A user has joined groups in `root`, or parted it from another. */
export const isDecided = (root: string): string =>
  `exists (select from groups d where (d.id = ${root} or d.parent_id = ${root}) and d.origin in ('user-merge', 'user-split'))`;

const emptied = `
  select g.id, coalesce(t.parent_id, t.id) as target, g.status, g.status_set_at is not null as said,
         root.status_set_at is null as open
    from groups g join groups t on t.id = g.moved_to join groups root on root.id = coalesce(t.parent_id, t.id)
   where g.count = 0 and g.moved_to is not null and g.parent_id is null
     and coalesce(t.parent_id, t.id) <> g.id and not ${isDecided("g.id")}
   order by g.id limit $1`;

interface Emptied {
  readonly id: number;
  readonly target: number;
  readonly status: string;
  /** A user said so. */
  readonly said: boolean;
  /** Nobody has said anything of the target. */
  readonly open: boolean;
}

/**
 * A group whose every crash left for one and the same other is shown in that from now on: its key leads there, its
 * address answers, and what a user made of it holds there, unless a user has spoken of that one too.
 */
export async function settleEmptied(pool: Pool, most: number): Promise<number> {
  const waiting = await pool.query(emptied, [1]);
  if (waiting.rows.length === 0) return 0;
  return await whileJoining(pool, async (db) => {
    const { rows } = await db.query<Emptied>(emptied, [most]);
    for (const { id, target, status, said, open } of rows) {
      const into = await joinGroups(db, id, target, "alias");
      if (into === null) continue;
      await noteActivity(db, [{ groupId: id, actor: null, what: "alias", detail: { into } }]);
      if (said && open) await sayStatus(db, into, status);
    }
    return rows.length;
  });
}

const sayStatus = (db: Queryable, id: number, status: string): Promise<unknown> =>
  db.query("update groups set status = $2, status_set_at = now() where id = $1", [id, status]);
