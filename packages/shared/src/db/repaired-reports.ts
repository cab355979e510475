/**
 * The transaction that replaces reports by better ones: report, lacks, group and counts change together, so at any
 * moment every crash is counted once, where its report says. A crash's own row never changes.
 */
import { moveCounts, type Counted, type Moved } from "./group-counts.ts";
import { isDecided, joinSeekers, shareJoins } from "./group-joins.ts";
import { fileCrashes, noteLinks, type Filed, type FiledBefore, type NewLink } from "./groups.ts";
import { lackRow, type LackRow } from "./lacks.ts";
import { packRows, unpacked } from "./packed.ts";
import { transaction, type Pool, type Queryable } from "./pool.ts";
import { openOutdatedRepairs, type DueCrash, type RunningRepair } from "./repairs.ts";
import type { Outcome } from "./reports.ts";
import { saveTags } from "./tags.ts";

/** Of a report that was made anew, beside the one there was. What is worse or the same is not saved. */
export type Verdict = "better" | "changed" | "same" | "worse";

/** A crash worked out anew. */
export interface NewReport {
  readonly outcome: Outcome;
  /** Of the report that it was compared with: one that was replaced since is left alone. */
  readonly revision: number;
  readonly verdict: Verdict;
}

/** What became of one text's turn. */
export interface Repaired {
  readonly due: readonly DueCrash[];
  /** Empty when it could not be worked out: the old reports stay. */
  readonly reports: readonly NewReport[];
}

/**
 * Saves a batch. Whatever came out, its crashes' turn is over: their lacks are as new as the repairs that `running` are.
 */
export async function saveRepaired(
  pool: Pool,
  batch: readonly Repaired[],
  running: readonly RunningRepair[],
): Promise<void> {
  let links: readonly NewLink[] = [];
  await transaction(
    pool,
    async (db) => {
      const turns = await takeTurns(db, batch, running);
      const places = await lockReports(db, batch);
      const replaced = batch
        .flatMap(({ reports }) => reports)
        .filter(({ outcome, revision, verdict }) => {
          const isNew = verdict === "better" || verdict === "changed";
          return isNew && places.get(outcome.crashId)?.revision === revision;
        });
      const moved = await replace(db, replaced, places);
      links = moved.links;
      const better = replaced.filter((one) => isBetter(one, places));
      const improved = new Set(better.map(({ outcome }) => outcome.crashId));
      await countTurns(db, turns, improved, moved.moves, running);
      await openOutdatedRepairs(
        db,
        replaced.flatMap(({ outcome }) => outcome.lacks.map(lackRow)),
      );
    },
    `begin; set local synchronous_commit = off; ${shareJoins}`,
  );
  await joinSeekers(pool, links);
}

/** It tells more, or lacks less: other names in place of those that exported symbols suggested. */
const isBetter = ({ outcome, verdict }: NewReport, places: ReadonlyMap<string, Place>): boolean =>
  verdict === "better" || outcome.lacks.length < (places.get(outcome.crashId)?.lacks.length ?? 0);

/** What a report's row says of its crash, and where that is filed. */
interface Place {
  readonly revision: number;
  readonly before: FiledBefore | null;
  readonly lacks: readonly number[];
  /** As it was counted by. */
  readonly counted: Pick<Counted, "crashId" | "occurredAt" | "release" | "environment" | "host">;
}

const lockAll = `
  select r.crash_id as "crashId", r.occurred_at as "occurredAt", r.release, r.environment, r.host,
         r.revision, r.lacks::float8[] as lacks,
         g.id as "groupId", root.id as "rootId", root.status, ${isDecided("root.id")} as decided
    from reports r left join groups g on g.id = r.group_id left join groups root on root.id = coalesce(g.parent_id, g.id)
   where r.crash_id = any($1::uuid[]) order by r.crash_id for update of r`;

/** In the order of their ids, so two that replace the same reports wait for each other. */
async function lockReports(
  db: Queryable,
  batch: readonly Repaired[],
): Promise<ReadonlyMap<string, Place>> {
  const ids = batch.flatMap(({ reports }) => reports.map(({ outcome }) => outcome.crashId));
  const { rows } = await db.query<
    Pick<Place, "revision" | "lacks"> & Place["counted"] & FiledBefore
  >({
    name: "lock-reports",
    text: lockAll,
    values: [ids.toSorted()],
  });
  return new Map(
    rows.map(({ groupId, rootId, status, decided, revision, lacks, ...counted }) => {
      const before = groupId === null ? null : { groupId, rootId, status, decided };
      return [counted.crashId, { revision, lacks, before, counted }];
    }),
  );
}

const updateReports = `
  with replaced as (
    update reports o
       set group_id = r.group_id, state = 'processed', error = null, kind = r.kind, title = r.title, ruleset = r.ruleset,
           processed_at = now(), report = ${unpacked}, lacks = r.lacks, revision = o.revision + 1
      from jsonb_to_recordset($1::jsonb) as r (
        crash_id uuid, group_id bigint, kind text, title text, ruleset text, lacks bigint[], at integer, length integer)
     where o.crash_id = r.crash_id
  ), gone as (
    delete from crash_lacks l using jsonb_to_recordset($3::jsonb) as r (crash_id uuid, key bigint)
     where l.crash_id = r.crash_id and l.key = r.key
  )
  insert into crash_lacks (key, crash_id, version, files)
  select r.key, r.crash_id, r.version, r.files
    from jsonb_to_recordset($4::jsonb) as r (crash_id uuid, key bigint, version bigint, files bigint)
  on conflict (key, crash_id) do update
     set version = greatest(crash_lacks.version, excluded.version), files = excluded.files`;

const rename = `
  update groups g
     set title = r.title, culprit = r.culprit, kind = r.kind, classification = r.classification, confidence = r.confidence
    from jsonb_to_recordset($1::jsonb) as r (
      crash_id uuid, group_id bigint, title text, culprit text, kind text, classification text, confidence text)
   where g.id = r.group_id and g.newest_crash = r.crash_id`;

interface Moves {
  /** By crash id. */
  readonly moves: ReadonlyMap<string, Moved>;
  readonly links: readonly NewLink[];
}

type Placed = Outcome & { readonly before: FiledBefore | null };

async function replace(
  db: Queryable,
  replaced: readonly NewReport[],
  places: ReadonlyMap<string, Place>,
): Promise<Moves> {
  if (replaced.length === 0) return { moves: new Map(), links: [] };
  const outcomes: Placed[] = replaced.map(({ outcome }) => {
    const { before = null, counted } = places.get(outcome.crashId) ?? {};
    return { ...outcome, before, ...counted };
  });
  const filed = await fileAnew(db, outcomes);
  await lockGroups(db, filed);
  await writeReports(db, outcomes, filed, places);
  const moved = [...filed].flatMap(([outcome, to]) =>
    outcome.before?.groupId === to.groupId ? [] : [{ ...outcome, ...to, from: outcome.before }],
  );
  await saveTags(db, moved);
  const links = await noteLinks(db, outcomes, filed);
  await moveCounts(db, moved);
  const titles = [...filed].flatMap(([outcome, { groupId }]) => titleRow(outcome, groupId));
  await db.query({ name: "rename-groups", text: rename, values: [JSON.stringify(titles)] });
  return { moves: new Map(moved.map((one) => [one.crashId, one])), links };
}

/** Where each goes by its key, unless that would take it out of what a user put together. */
async function fileAnew(
  db: Queryable,
  outcomes: readonly Placed[],
): Promise<ReadonlyMap<Placed, Filed>> {
  const byKey = await fileCrashes(db, outcomes);
  return new Map(
    [...byKey].map(([outcome, to]) => {
      const { before } = outcome;
      const stays = before !== null && before.decided && before.rootId !== to.rootId;
      return [outcome, stays ? before : to];
    }),
  );
}

/** All of them at once and in order, as whoever counts does. */
async function lockGroups(db: Queryable, filed: ReadonlyMap<Placed, Filed>): Promise<void> {
  const ids = [...filed].flatMap(([{ before }, { groupId, rootId }]) => [
    groupId,
    rootId,
    ...(before === null ? [] : [before.groupId, before.rootId]),
  ]);
  await db.query({
    name: "lock-groups",
    text: "select from groups where id = any($1::bigint[]) order by id for update",
    values: [[...new Set(ids)]],
  });
}

async function writeReports(
  db: Queryable,
  outcomes: readonly Placed[],
  filed: ReadonlyMap<Placed, Filed>,
  places: ReadonlyMap<string, Place>,
): Promise<void> {
  const lacks = new Map(outcomes.map((outcome) => [outcome, outcome.lacks.map(lackRow)]));
  const rowsOf = (outcome: Placed): readonly LackRow[] => lacks.get(outcome) ?? [];
  const { json, bytes } = packRows(
    outcomes,
    (outcome) => ({
      crash_id: outcome.crashId,
      group_id: filed.get(outcome)?.groupId ?? null,
      kind: outcome.group?.kind ?? null,
      title: outcome.group?.title ?? null,
      ruleset: outcome.group?.ruleset ?? null,
      lacks: rowsOf(outcome).map(({ key }) => key),
    }),
    ({ report }) => report,
  );
  const gone = outcomes.flatMap((outcome) => {
    const kept = new Set(rowsOf(outcome).map(({ key }) => key));
    const old = places.get(outcome.crashId)?.lacks ?? [];
    return old.filter((key) => !kept.has(key)).map((key) => ({ crash_id: outcome.crashId, key }));
  });
  const lacking = outcomes.flatMap((outcome) =>
    rowsOf(outcome).map((row) => ({ crash_id: outcome.crashId, ...row })),
  );
  await db.query({
    name: "replace-reports",
    text: updateReports,
    values: [json, bytes, JSON.stringify(gone), JSON.stringify(lacking)],
  });
}

function titleRow({ crashId, group }: Outcome, groupId: number): readonly object[] {
  if (group === null) return [];
  const { title, culprit, kind, classification, confidence } = group;
  return [
    { crash_id: crashId, group_id: groupId, title, culprit, kind, classification, confidence },
  ];
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

const countAll = `
  with counted as (
    update repairs p set done = p.done + r.done, improved = p.improved + r.improved, moved = p.moved + r.moved
      from jsonb_to_recordset($1::jsonb) as r (id bigint, done bigint, improved bigint, moved bigint)
     where p.id = r.id
  )
  insert into repair_groups (repair_id, from_group, to_group, crashes)
  select id, from_group, to_group, crashes
    from jsonb_to_recordset($2::jsonb) as r (id bigint, from_group bigint, to_group bigint, crashes bigint)
  on conflict (repair_id, from_group, to_group) do update set crashes = repair_groups.crashes + excluded.crashes`;

/** A crash counts for each repair whose turn it was. */
async function countTurns(
  db: Queryable,
  taken: readonly Turn[],
  better: ReadonlySet<string>,
  moves: Moves["moves"],
  running: readonly RunningRepair[],
): Promise<void> {
  const counts: object[] = [];
  const groups: object[] = [];
  for (const { id, key } of running) {
    const turns = taken.filter((turn) => turn.key === key);
    if (turns.length === 0) continue;
    const moved = turns.flatMap((turn) => moves.get(turn.id) ?? []);
    const improved = turns.filter((turn) => better.has(turn.id)).length;
    counts.push({ id, done: turns.length, improved, moved: moved.length });
    for (const [, same] of Map.groupBy(moved, wayOf)) {
      const [{ from, groupId }] = same as [Moved, ...Moved[]];
      groups.push({ id, from_group: from?.groupId ?? 0, to_group: groupId, crashes: same.length });
    }
  }
  await db.query({
    name: "count-repairs-done",
    text: countAll,
    values: [JSON.stringify(counts), JSON.stringify(groups)],
  });
}

const wayOf = ({ from, groupId }: Moved): string => `${from?.groupId}/${groupId}`;
