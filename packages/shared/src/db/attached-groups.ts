/** Groups shown in others because their crashes share with each other what crashes of one bug do: what the engine answers, put into effect. */
import { planPlacements, type KeyAnswer, type Placement, type Standing } from "../attach-plan.ts";
import { noteActivity } from "./group-activity.ts";
import { isDecided, joinGroups, partGroup, whileJoining } from "./group-joins.ts";
import type { Pool, Queryable } from "./pool.ts";
import type { Fleet } from "./sightings.ts";

/** SQL: `g` stands where only this here has put it, in a group that no user has put together or parted. */
const isFree = `(g.origin in ('auto', 'attach') and not ${isDecided("coalesce(g.parent_id, g.id)")})`;

const standings = `
  select k.hash as mid, g.id, g.parent_id as "parentId", ${isFree} as free
    from unnest($3::text[]) as r (mid)
    join group_keys k on k.project_id = $1 and k.ruleset = $2 and k.level = 'mid' and k.hash = r.mid
    join groups g on g.id = k.group_id`;

/** A group that is parted takes those along that follow it, and others may belong with these: so often it is looked again. */
const MAX_LOOKS = 4;

/**
 * Shows groups where their crashes belong, a few at a time, since crashes wait meanwhile to be filed. May end at any
 * moment: what is left is found again by the same answers. Answers with how many groups it has moved.
 */
export async function attachGroups(
  pool: Pool,
  { projectId, ruleset }: Fleet,
  answers: readonly KeyAnswer[],
  atOnce: number,
): Promise<number> {
  let moved = 0;
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const { rows } = await pool.query<Standing>({
      name: "standings-of-keys",
      text: standings,
      values: [projectId, ruleset, answers.map(({ mid }) => mid)],
    });
    const before = moved;
    const placements = planPlacements(rows, answers);
    for (let at = 0; at < placements.length; at += atOnce) {
      const some = placements.slice(at, at + atOnce);
      moved += await whileJoining(pool, (db) => placeAll(db, some));
    }
    if (moved === before) break;
  }
  return moved;
}

async function placeAll(db: Queryable, placements: readonly Placement[]): Promise<number> {
  let moved = 0;
  for (const placement of placements) if (await place(db, placement)) moved += 1;
  return moved;
}

const look = `
  select coalesce(g.parent_id, g.id) as root, coalesce(t.parent_id, t.id) as target, ${isFree} as free
    from groups g join groups t on t.id = coalesce($2::bigint, g.id) where g.id = $1`;

/** As things are now: a user, or one of those before, may have moved it or its target since. */
async function place(db: Queryable, { id, into }: Placement): Promise<boolean> {
  const { rows } = await db.query<{ root: number; target: number; free: boolean }>({
    name: "look-at-placement",
    text: look,
    values: [id, into],
  });
  const [now] = rows;
  const target = into === null ? id : now?.target;
  if (now?.free !== true || target === undefined || target === now.root) return false;
  if (now.root !== id) await partGroup(db, id);
  const from = now.root === id ? {} : { from: now.root };
  if (into === null) {
    await noteActivity(db, [{ groupId: id, actor: null, what: "apart", detail: from }]);
    return true;
  }
  const shown = await joinGroups(db, id, target, "attach");
  const detail = { into: shown, ...from };
  await noteActivity(db, [{ groupId: id, actor: null, what: "attach", detail }]);
  return true;
}
