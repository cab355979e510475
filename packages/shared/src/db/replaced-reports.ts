/**
 * Replacing reports: report, lacks, group and counts change together, so at any moment every crash is counted once,
 * where its report says. A crash's own row never changes.
 */
import { moveCounts, type Counted, type Moved } from "./group-counts.ts";
import { isDecided } from "./group-joins.ts";
import { fileCrashes, type Filed, type FiledBefore } from "./groups.ts";
import type { LackRow } from "./lacks.ts";
import { packRows, unpacked } from "./packed.ts";
import type { Queryable } from "./pool.ts";
import type { Outcome } from "./reports.ts";
import { countSightings, type Unsighted } from "./sightings.ts";
import { saveTags } from "./tags.ts";

/** Of a report that was made anew, beside the one there was. What is worse or the same is not saved. */
export type Verdict = "better" | "changed" | "same" | "worse";

/** A crash worked out anew. */
export interface NewReport {
  readonly outcome: Outcome;
  /** Null: as they were. */
  readonly lacks: readonly LackRow[] | null;
  /** Of the report that it was compared with: one that was replaced since is left alone. */
  readonly revision: number;
  readonly verdict: Verdict;
}

/** What a report's row says of its crash, and where that is filed. */
interface Place {
  readonly revision: number;
  readonly before: FiledBefore | null;
  readonly lacks: readonly number[];
  /** Null: it was saved before there were any. */
  readonly sighting: string | null;
  /** As it was counted by. */
  readonly counted: Pick<Counted, "crashId" | "occurredAt" | "release" | "environment" | "host">;
}

const lockAll = `
  select r.crash_id as "crashId", r.occurred_at as "occurredAt", r.release, r.environment, r.host,
         r.revision, r.lacks::float8[] as lacks, replace(r.sighting::text, '-', '') as sighting,
         g.id as "groupId", root.id as "rootId", root.status, ${isDecided("root.id")} as decided
    from reports r left join groups g on g.id = r.group_id left join groups root on root.id = coalesce(g.parent_id, g.id)
   where r.crash_id = any($1::uuid[]) order by r.crash_id for update of r`;

/** In the order of their ids, so two that replace the same reports wait for each other. */
async function lockReports(
  db: Queryable,
  made: readonly NewReport[],
): Promise<ReadonlyMap<string, Place>> {
  const ids = made.map(({ outcome }) => outcome.crashId);
  const { rows } = await db.query<
    Pick<Place, "revision" | "lacks" | "sighting"> & Place["counted"] & FiledBefore
  >({
    name: "lock-reports",
    text: lockAll,
    values: [ids.toSorted()],
  });
  return new Map(
    rows.map(({ groupId, rootId, status, decided, revision, lacks, sighting, ...counted }) => {
      const before = groupId === null ? null : { groupId, rootId, status, decided };
      return [counted.crashId, { revision, lacks, sighting, before, counted }];
    }),
  );
}

const updateReports = `
  with replaced as (
    update reports o
       set group_id = r.group_id, state = 'processed', error = null, kind = r.kind, title = r.title, ruleset = r.ruleset,
           sighting = r.sighting, processed_at = now(), report = ${unpacked}, lacks = coalesce(r.lacks, o.lacks), revision = o.revision + 1
      from jsonb_to_recordset($1::jsonb) as r (
        crash_id uuid, group_id bigint, kind text, title text, ruleset text, sighting uuid, lacks bigint[], at integer, length integer)
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

/** What replacing did. */
export interface Replaced {
  /** Those that were: the others were replaced by somebody else since they were loaded. */
  readonly reports: readonly NewReport[];
  /** Ids of crashes that tell more now, or lack less. */
  readonly improved: ReadonlySet<string>;
  /** By crash id. */
  readonly moved: ReadonlyMap<string, Moved>;
}

type Placed = Outcome & { readonly before: FiledBefore | null };

/** Why reports are replaced. */
export interface Cause {
  /** Groups that crashes may leave though a user put them together. */
  readonly free: readonly number[];
  /** A key that is left for good leads to where its crashes went; one that rules changed may come back with them. */
  readonly follow: boolean;
}

/** Replaces reports that are better or changed, in a transaction that shares the lock on joins. */
export async function replaceReports(
  db: Queryable,
  made: readonly NewReport[],
  { free, follow }: Cause,
): Promise<Replaced> {
  const places = await lockReports(db, made);
  const reports = made.filter(({ outcome, revision, verdict }) => {
    const isNew = verdict === "better" || verdict === "changed";
    return isNew && places.get(outcome.crashId)?.revision === revision;
  });
  const none = { reports, improved: new Set<string>(), moved: new Map() };
  if (reports.length === 0) return none;
  const outcomes: Placed[] = reports.map(({ outcome }) => {
    const { before = null, counted } = places.get(outcome.crashId) ?? {};
    const isFree = before !== null && free.includes(before.rootId);
    return { ...outcome, before: isFree ? { ...before, decided: false } : before, ...counted };
  });
  const filed = await fileAnew(db, outcomes);
  await countSightings(db, outcomes, sightingsBefore(outcomes, places));
  await lockGroups(db, filed);
  await writeReports(db, reports, filed, places);
  const moved = [...filed].flatMap(([outcome, to]) =>
    outcome.before?.groupId === to.groupId ? [] : [{ ...outcome, ...to, from: outcome.before }],
  );
  await saveTags(db, moved);
  await moveCounts(db, moved, follow);
  const titles = [...filed].flatMap(([outcome, { groupId }]) => titleRow(outcome, groupId));
  await db.query({ name: "rename-groups", text: rename, values: [JSON.stringify(titles)] });
  const better = reports.filter((one) => isBetter(one, places));
  return {
    reports,
    improved: new Set(better.map(({ outcome }) => outcome.crashId)),
    moved: new Map(moved.map((one) => [one.crashId, one])),
  };
}

const sightingsBefore = (
  outcomes: readonly Placed[],
  places: ReadonlyMap<string, Place>,
): readonly Unsighted[] =>
  outcomes.flatMap(({ crashId, projectId }) => {
    const hash = places.get(crashId)?.sighting ?? null;
    return hash === null ? [] : [{ projectId, hash }];
  });

/** It tells more, or lacks less: other names in place of those that exported symbols suggested. */
function isBetter(
  { outcome, verdict, lacks }: NewReport,
  places: ReadonlyMap<string, Place>,
): boolean {
  const before = places.get(outcome.crashId)?.lacks.length ?? 0;
  return verdict === "better" || (lacks !== null && lacks.length < before);
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
  reports: readonly NewReport[],
  filed: ReadonlyMap<Placed, Filed>,
  places: ReadonlyMap<string, Place>,
): Promise<void> {
  const groups = new Map([...filed].map(([{ crashId }, { groupId }]) => [crashId, groupId]));
  const { json, bytes } = packRows(
    reports,
    ({ outcome: { crashId, group }, lacks }) => ({
      crash_id: crashId,
      group_id: groups.get(crashId) ?? null,
      kind: group?.kind ?? null,
      title: group?.title ?? null,
      ruleset: group?.ruleset ?? null,
      sighting: group?.sighting.hash ?? null,
      lacks: lacks?.map(({ key }) => key) ?? null,
    }),
    ({ outcome }) => outcome.report,
  );
  const gone = reports.flatMap(({ outcome: { crashId }, lacks }) => {
    if (lacks === null) return [];
    const kept = new Set(lacks.map(({ key }) => key));
    const old = places.get(crashId)?.lacks ?? [];
    return old.filter((key) => !kept.has(key)).map((key) => ({ crash_id: crashId, key }));
  });
  const lacking = reports.flatMap(({ outcome: { crashId }, lacks }) =>
    (lacks ?? []).map((row) => ({ crash_id: crashId, ...row })),
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
