/** The transaction that saves crashes which were worked out again because their symbols came. */
import type { Moved } from "./group-counts.ts";
import { shareJoins } from "./group-joins.ts";
import { transaction, type Pool, type Queryable } from "./pool.ts";
import { openOutdatedRepairs, type DueCrash, type RunningRepair } from "./repairs.ts";
import { replaceReports, type NewReport, type Replaced } from "./replaced-reports.ts";

/** What became of one text's turn. */
export interface Repaired {
  readonly due: readonly DueCrash[];
  /** Empty when it could not be worked out: the old reports stay. */
  readonly reports: readonly NewReport[];
}

/** Of transactions that replace reports; see `saveProcessed` for why they do not wait for the disk. */
export const beginReplacing = `begin; set local synchronous_commit = off; ${shareJoins}`;

/**
 * Saves a batch. Whatever came out, its crashes' turn is over: their lacks are as new as the repairs that `running` are.
 */
export async function saveRepaired(
  pool: Pool,
  batch: readonly Repaired[],
  running: readonly RunningRepair[],
): Promise<void> {
  await transaction(
    pool,
    async (db) => {
      const turns = await takeTurns(db, batch, running);
      const made = batch.flatMap(({ reports }) => reports);
      const replaced = await replaceReports(db, made, { free: [], follow: true });
      await countTurns(db, turns, replaced, running);
      const worked = replaced.reports.map(({ outcome, lacks }) => ({
        ...outcome,
        lacks: lacks ?? [],
      }));
      await openOutdatedRepairs(db, worked);
    },
    beginReplacing,
  );
}

const take = `
  update crash_lacks l set version = r.version
    from jsonb_to_recordset($1::jsonb) as r (crash_id uuid, key bigint, version bigint)
   where l.crash_id = r.crash_id and l.key = r.key and l.version < r.version
  returning l.crash_id as id, l.key`;

interface Turn {
  readonly id: string;
  readonly key: number;
}

/**
 * A turn is over whatever came of it, else it would come again and again. Answers with those that nobody else has
 * taken meanwhile.
 */
async function takeTurns(
  db: Queryable,
  batch: readonly Repaired[],
  running: readonly RunningRepair[],
): Promise<readonly Turn[]> {
  const versions = new Map(running.map(({ key, version }) => [key, version]));
  const rows = batch.flatMap(({ due }) =>
    due.flatMap(({ id, keys }) =>
      keys.map((key) => ({ crash_id: id, key, version: versions.get(key) ?? -1 })),
    ),
  );
  const { rows: taken } = await db.query<Turn>({
    name: "take-turns",
    text: take,
    values: [JSON.stringify(rows)],
  });
  return taken;
}

const count = `
  with counted as (
    update repairs p set done = p.done + r.done, improved = p.improved + r.improved, moved = p.moved + r.moved
      from jsonb_to_recordset($1::jsonb) as r (id bigint, done bigint, improved bigint, moved bigint)
     where p.id = r.id
  )
  insert into repair_groups (repair_id, from_group, to_group, crashes)
  select id, from_group, to_group, crashes
    from jsonb_to_recordset($2::jsonb) as r (id bigint, from_group bigint, to_group bigint, crashes bigint)
  on conflict (repair_id, from_group, to_group) do update set crashes = repair_groups.crashes + excluded.crashes`;

/** What one repair did in a transaction. */
export interface RepairCounts {
  readonly id: number;
  readonly done: number;
  readonly improved: number;
  readonly moved: readonly Moved[];
}

export async function countRepairs(db: Queryable, repairs: readonly RepairCounts[]): Promise<void> {
  const counts = repairs.map(({ moved, ...row }) => ({ ...row, moved: moved.length }));
  const groups = repairs.flatMap(({ id, moved }) =>
    [...Map.groupBy(moved, ({ from, groupId }) => `${from?.groupId}/${groupId}`).values()].map(
      (same) => ({
        id,
        from_group: same[0]?.from?.groupId ?? 0,
        to_group: same[0]?.groupId,
        crashes: same.length,
      }),
    ),
  );
  await db.query({
    name: "count-repairs-done",
    text: count,
    values: [JSON.stringify(counts), JSON.stringify(groups)],
  });
}

/** A crash counts for each repair whose turn it was. */
async function countTurns(
  db: Queryable,
  taken: readonly Turn[],
  { improved, moved }: Replaced,
  running: readonly RunningRepair[],
): Promise<void> {
  const counts = running.map(({ id, key }) => {
    const turns = taken.filter((turn) => turn.key === key);
    return {
      id,
      done: turns.length,
      improved: turns.filter((turn) => improved.has(turn.id)).length,
      moved: turns.flatMap((turn) => moved.get(turn.id) ?? []),
    };
  });
  await countRepairs(
    db,
    counts.filter(({ done }) => done > 0),
  );
}
