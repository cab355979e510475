/** Table sightings: what crashes share with others, and how often it was seen. Joining groups by it is in attached-groups.ts. */
import { EXACT_SIGHTINGS } from "../limits.ts";
import type { GroupSeed } from "./groups.ts";
import { packRows, unpacked } from "./packed.ts";
import type { Queryable } from "./pool.ts";

/** What the engine joins a crash with others by, beside its keys. */
export interface SightingSeed {
  /** Of the keys and all of this: 32 hexadecimal digits. */
  readonly hash: string;
  /** A project's rule chose the key: nothing moves the crash. */
  readonly pinned: boolean;
  /** JSON. */
  readonly evidence: string;
  /** Of what that looks like: others cannot be read beside it. */
  readonly version: number;
}

/** A crash that has a sighting now. */
export interface Sighted {
  readonly projectId: number;
  readonly group: GroupSeed | null;
}

/** The sighting that a crash has no more. */
export interface Unsighted {
  readonly projectId: number;
  readonly hash: string;
}

/** SQL: a count says something that `noted` did not. */
const saysMore = (count: string, noted: string): string =>
  `abs(${count} - ${noted}) > ${noted} / 8`;

const newCount = "greatest(s.count + excluded.count, 0)";

/**
 * Rows are written in the order of their keys, so two batches cannot deadlock. A busy one is mostly left alone, unlocked:
 * it is drawn by lot, and the less often the more it then counts for, so that counts stay right; but once an hour it is
 * written in any case, or it would look forgotten.
 */
const countAll = `
  with changes as (
    select r.project_id, r.hash, r.ruleset, r.version, r.coarse, r.mid, r.link, r.pinned,
           convert_from(${unpacked}, 'UTF8') as evidence, r.by
      from jsonb_to_recordset($1::jsonb) as r (
        project_id integer, hash uuid, ruleset text, version integer, coarse text, mid text, link text,
        pinned boolean, by bigint, at integer, length integer)
    union all
    select s.project_id, s.hash, s.ruleset, s.version, s.coarse, s.mid, s.link, s.pinned, s.evidence, r.by
      from jsonb_to_recordset($3::jsonb) as r (project_id integer, hash uuid, by bigint)
      join lateral (select * from sightings o where o.project_id = r.project_id and o.hash = r.hash offset 0) as s on true
  ), lots as (
    select c.*, o.last_seen, share, random() < share as drawn
      from changes c
      left join lateral (select * from sightings o where o.project_id = c.project_id and o.hash = c.hash offset 0) as o on true
      cross join lateral (select least(1, ${EXACT_SIGHTINGS} / greatest(o.count, 1)::float8) as share) as l
  )
  insert into sightings as s (project_id, hash, ruleset, version, coarse, mid, link, pinned, evidence, count, last_seen)
  select project_id, hash, ruleset, version, coarse, mid, link, pinned, evidence,
         round(case when drawn then by / share else by end), now()
    from lots where drawn or last_seen < now() - interval '1 hour'
   order by project_id, hash
  on conflict (project_id, hash) do update
     set count = ${newCount}, last_seen = excluded.last_seen, is_new = s.is_new or ${saysMore(newCount, "s.noted")}`;

interface Change {
  readonly project_id: number;
  readonly hash: string;
  /** Of one that gains crashes. */
  readonly group: GroupSeed | null;
  by: number;
}

/** Counts crashes into their sightings, and those that were worked out anew out of the ones they had before. */
export async function countSightings(
  db: Queryable,
  sighted: readonly Sighted[],
  unsighted: readonly Unsighted[],
): Promise<void> {
  const changes = new Map<string, Change>();
  const change = (projectId: number, hash: string, group: GroupSeed | null, by: 1 | -1): void => {
    const name = `${projectId}/${hash}`;
    const one = changes.get(name) ?? { project_id: projectId, hash, group, by: 0 };
    one.by += by;
    changes.set(name, one);
  };
  for (const { projectId, group } of sighted)
    if (group !== null) change(projectId, group.sighting.hash, group, 1);
  for (const { projectId, hash } of unsighted) change(projectId, hash, null, -1);
  const changed = [...changes.values()].filter(({ by }) => by !== 0);
  if (changed.length === 0) return;
  const { json, bytes } = packRows(
    changed.filter(({ group }) => group !== null),
    rowOf,
    ({ group }) => Buffer.from(group?.sighting.evidence ?? ""),
  );
  const fewer = changed.filter(({ group }) => group === null);
  await db.query({
    name: "count-sightings",
    text: countAll,
    values: [json, bytes, JSON.stringify(fewer)],
  });
}

const rowOf = ({ group, ...row }: Change): Record<string, unknown> => ({
  ...row,
  ruleset: group?.ruleset,
  version: group?.sighting.version,
  coarse: group?.coarse,
  mid: group?.mid,
  link: group?.link,
  pinned: group?.sighting.pinned,
});

/** Crashes that are joined with each other: of one project, grouped by one algorithm, their evidence of one version. */
export interface Fleet {
  readonly projectId: number;
  readonly ruleset: string;
  readonly version: number;
}

/** Those of a version of which something was seen since they were joined. */
export async function listNewSightings(db: Queryable, version: number): Promise<readonly Fleet[]> {
  const { rows } = await db.query<Fleet>({
    name: "list-new-sightings",
    text: `select distinct project_id as "projectId", ruleset, version from sightings
            where is_new and version = $1 order by 1, 2`,
    values: [version],
  });
  return rows;
}

/** A sighting as it is stored. */
export interface StoredSighting {
  readonly hash: string;
  readonly coarse: string;
  readonly mid: string;
  readonly pinned: boolean;
  /** JSON. */
  readonly evidence: string;
  readonly count: number;
  readonly isNew: boolean;
}

/** All of a fleet, in a steady order. */
export async function loadSightings(
  db: Queryable,
  { projectId, ruleset, version }: Fleet,
): Promise<readonly StoredSighting[]> {
  const { rows } = await db.query<StoredSighting>({
    name: "load-sightings",
    text: `select hash, coarse, mid, pinned, evidence, count, is_new as "isNew" from sightings
            where project_id = $1 and ruleset = $2 and version = $3 order by hash`,
    values: [projectId, ruleset, version],
  });
  return rows;
}

const note = `
  with seen as (
    select s.hash, r.count
      from jsonb_to_recordset($2::jsonb) as r (hash uuid, count bigint)
      join sightings s on s.project_id = $1 and s.hash = r.hash
     order by s.hash for update of s
  ), dropped as (
    delete from sightings s using seen where s.project_id = $1 and s.hash = seen.hash and s.count <= 0
  )
  update sightings s set noted = seen.count, is_new = ${saysMore("s.count", "seen.count")} from seen
   where s.project_id = $1 and s.hash = seen.hash and s.count > 0`;

/** Remembers that these have been joined; those that no crash has any more go. */
export async function noteSightings(
  db: Queryable,
  projectId: number,
  sightings: readonly StoredSighting[],
): Promise<void> {
  const noted = sightings
    .filter((sighting) => sighting.isNew)
    .map(({ hash, count }) => ({ hash, count }));
  await db.query({
    name: "note-sightings",
    text: note,
    values: [projectId, JSON.stringify(noted)],
  });
}

const dropOld = `
  with ranked as (
    select hash, row_number() over last as nth, sum(length(evidence)) over last as chars
      from sightings where project_id = $1 window last as (order by last_seen desc, hash)
  ), old as materialized (
    select s.hash from ranked r join sightings s on s.project_id = $1 and s.hash = r.hash
     where r.nth > $2 or r.chars > $3 for update of s skip locked
  )
  delete from sightings s using old where s.project_id = $1 and s.hash = old.hash`;

/**
 * Drops those of a project that were not seen for longest: all but `most`, and but what has so many characters of
 * evidence. Answers with how many.
 */
export async function dropOldSightings(
  db: Queryable,
  projectId: number,
  most: number,
  mostChars: number,
): Promise<number> {
  const { rowCount } = await db.query({
    name: "drop-old-sightings",
    text: dropOld,
    values: [projectId, most, mostChars],
  });
  return rowCount ?? 0;
}
