/** What a user makes of groups: transactions that hold the lock on joins. Nothing automatic overrides it. */
import { noteActivity } from "./group-activity.ts";
import { sumUpGroups } from "./group-counts.ts";
import { joinGroups, whileJoining } from "./group-joins.ts";
import type { GroupStatus } from "./group-queries.ts";
import type { Pool, Queryable } from "./pool.ts";

const setStatus = `
  with changed as (
    update groups g set status = $3, status_set_at = now()
      from (select coalesce(parent_id, id) as id from groups where id = $1) as shown
     where g.id = shown.id and ($2::integer[] is null or g.project_id = any($2))
    returning g.id
  )
  insert into group_activity (group_id, actor, what, detail)
  select id, $4, 'status', jsonb_build_object('status', $3::text) from changed`;

/** False when there is no such group. */
export async function setGroupStatus(
  db: Queryable,
  projectIds: readonly number[] | null,
  id: number,
  status: GroupStatus,
  actor: string,
): Promise<boolean> {
  const { rowCount } = await db.query(setStatus, [id, projectIds, status, actor]);
  return rowCount === 1;
}

/** One of the groups that are shown as one. */
interface Member {
  readonly id: number;
  readonly rootId: number;
  readonly projectId: number;
  readonly count: number;
  readonly status: string;
  readonly keys: readonly string[];
}

async function membersOf(
  db: Queryable,
  projectIds: readonly number[] | null,
  id: number,
): Promise<readonly Member[]> {
  const { rows } = await db.query<Member>(
    `select g.id, root.id as "rootId", g.project_id as "projectId", g.count, root.status,
            array(select k.hash from group_keys k where k.group_id = g.id order by k.created_at, k.hash) as keys
       from groups asked
       join groups root on root.id = coalesce(asked.parent_id, asked.id)
       join groups g on g.id = root.id or g.parent_id = root.id
      where asked.id = $1 and ($2::integer[] is null or root.project_id = any($2))
      order by g.count desc, g.id`,
    [id, projectIds],
  );
  return rows;
}

/** "absent": there is no such group. */
export type Merged = "merged" | "same" | "other-project" | "absent" | "absent-target";

/** Shows a group, with all that it shows, in another one. */
export async function mergeGroups(
  pool: Pool,
  projectIds: readonly number[] | null,
  id: number,
  into: number,
  actor: string,
): Promise<Merged> {
  return await whileJoining(pool, async (db) => {
    const [group] = await membersOf(db, projectIds, id);
    const [target] = await membersOf(db, projectIds, into);
    if (group === undefined) return "absent";
    if (target === undefined) return "absent-target";
    if (group.projectId !== target.projectId) return "other-project";
    const keys = (await membersOf(db, null, id)).flatMap((member) => member.keys);
    const root = await joinGroups(db, group.rootId, target.rootId, "user-merge");
    if (root === null) return "same";
    const detail = { into: root, keys };
    await noteActivity(db, [{ groupId: group.rootId, actor, what: "merge", detail }]);
    return "merged";
  });
}

/** The group that the parted keys have now; or why nothing was parted: keys of another group, or all of this one. */
export type Unmerged = number | "absent" | "unknown-keys" | "all-keys";

/**
 * Gives keys of a group one of their own, for good: whatever is filed under them, and was. Keys that lead to the same
 * crashes, of several algorithms, go together.
 */
export async function unmergeKeys(
  pool: Pool,
  projectIds: readonly number[] | null,
  id: number,
  keys: readonly string[],
  actor: string,
): Promise<Unmerged> {
  return await whileJoining(pool, async (db) => {
    const members = await membersOf(db, projectIds, id);
    const rootId = members[0]?.rootId;
    if (rootId === undefined) return "absent";
    const named = new Set(keys);
    const known = new Set(members.flatMap((member) => member.keys));
    if (keys.length === 0 || keys.some((key) => !known.has(key))) return "unknown-keys";
    const parted = members.filter((member) => member.keys.some((key) => named.has(key)));
    const left = members.filter((member) => !parted.includes(member));
    if (parted.length === 0) return "unknown-keys";
    if (left.length === 0) return "all-keys";
    const part = await standAlone(db, parted, rootId);
    const rest = await standAlone(db, left, rootId);
    await sumUpGroups(db, [part, rest]);
    const moved = parted.flatMap((member) => member.keys);
    await noteActivity(db, [
      { groupId: part, actor, what: "unmerge", detail: { from: rest, keys: moved } },
      { groupId: rest, actor, what: "unmerge", detail: { into: part, keys: moved } },
    ]);
    return part;
  });
}

/** Makes these members one group: the one that showed all so far stays what it is; else the largest shows the others. */
async function standAlone(
  db: Queryable,
  members: readonly Member[],
  rootId: number,
): Promise<number> {
  const root = members.find(({ id }) => id === rootId) ?? members[0];
  if (root === undefined) throw new RangeError("a group of no keys");
  const others = members.filter((member) => member !== root).map(({ id }) => id);
  await db.query(
    `update groups set parent_id = null, origin = 'user-split', status = $2,
            status_set_at = case when id = $3 then status_set_at else now() end
      where id = $1`,
    [root.id, root.status, rootId],
  );
  await db.query("update groups set parent_id = $2 where id = any($1::bigint[])", [
    others,
    root.id,
  ]);
  return root.id;
}
