/**
 * Which group shows which: joins that follow from links and from crashes that moved, and those that a user makes. Each
 * is a transaction of its own that holds the lock on joins, for a few rows and a few milliseconds; saving crashes
 * shares it. What a user did (origin user-…) is left alone by everything else here.
 */
import { noteActivity } from "./group-activity.ts";
import { sumUpGroups } from "./group-counts.ts";
import { targetsOf, type NewLink } from "./groups.ts";
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

/** A user has joined groups in `root`, or parted it from another. */
export const isDecided = (root: string): string =>
  `exists (select from groups d where (d.id = ${root} or d.parent_id = ${root}) and d.origin in ('user-merge', 'user-split'))`;

const someSeekers = `
  select 1 from jsonb_to_recordset($1::jsonb) as r ("projectId" integer, link text)
    join groups g on g.project_id = r."projectId" and g.link = r.link and g.link_role = 'seeker' and g.parent_id is null
   limit 1`;

/** Joins seekers that have come before their targets. Those saved at this very moment are left to `settleLinks`. */
export async function joinSeekers(pool: Pool, links: readonly NewLink[]): Promise<void> {
  if (links.length === 0) return;
  const { rows } = await pool.query(someSeekers, [JSON.stringify(links)]);
  if (rows.length > 0) await whileJoining(pool, (db) => attachSeekers(db, links));
}

const joinable = `
  select g.id, t.target
    from groups g join (
      ${targetsOf(`(
        select distinct o.id::text as name, o.project_id, k.ruleset, o.link
          from jsonb_to_recordset($1::jsonb) as r ("projectId" integer, ruleset text, link text)
          join groups o on o.project_id = r."projectId" and o.link = r.link and o.link_role = 'seeker' and o.parent_id is null
          join group_keys k on k.group_id = o.id and k.ruleset = r.ruleset) as s`)}
    ) as t on t.name = g.id::text
   where g.id <> t.target and not ${isDecided("g.id")}
   order by g.id`;

async function attachSeekers(db: Queryable, links: readonly NewLink[]): Promise<void> {
  const { rows } = await db.query<{ id: number; target: number }>(joinable, [
    JSON.stringify(links),
  ]);
  for (const { id, target } of rows) await joinAlone(db, id, target, "attach");
}

/**
 * Looks once more for the seekers of links that are as old as `before`: by then whatever was saved when they were new
 * is there to be seen. Answers with how many links were looked at.
 */
export async function settleLinks(pool: Pool, before: Date, most: number): Promise<number> {
  const { rows } = await pool.query<NewLink>(
    `select distinct project_id as "projectId", ruleset, link from group_links
      where not settled and created_at < $1 limit $2`,
    [before, most],
  );
  if (rows.length === 0) return 0;
  await whileJoining(pool, async (db) => {
    await attachSeekers(db, rows);
    await db.query(
      `update group_links l set settled = true
         from jsonb_to_recordset($1::jsonb) as r ("projectId" integer, ruleset text, link text)
        where l.project_id = r."projectId" and l.ruleset = r.ruleset and l.link = r.link and l.created_at < $2`,
      [JSON.stringify(rows), before],
    );
  });
  return rows.length;
}

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
      const root = await joinAlone(db, id, target, "alias");
      if (root !== null && said && open) await sayStatus(db, root, status);
    }
    return rows.length;
  });
}

/** By nobody's word. */
async function joinAlone(
  db: Queryable,
  id: number,
  target: number,
  what: "attach" | "alias",
): Promise<number | null> {
  const into = await joinGroups(db, id, target, what);
  if (into !== null) await noteActivity(db, [{ groupId: id, actor: null, what, detail: { into } }]);
  return into;
}

const sayStatus = (db: Queryable, id: number, status: string): Promise<unknown> =>
  db.query("update groups set status = $2, status_set_at = now() where id = $1", [id, status]);
