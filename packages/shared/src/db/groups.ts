/** Tables groups, group_keys, group_hours and group_facets: writing them. Reading is in group-queries.ts. */
import type { Queryable } from "./pool.ts";

/** What a crash says about the group it belongs to. */
export interface GroupSeed {
  readonly ruleset: string;
  readonly coarse: string;
  /** The key the crash is filed under. */
  readonly mid: string;
  readonly link: string | null;
  readonly title: string;
  readonly culprit: string | null;
  readonly kind: string;
  readonly classification: string | null;
  readonly confidence: string;
}

interface Grouped {
  readonly crashId: string;
  readonly projectId: number;
  readonly occurredAt: Date;
  readonly group: GroupSeed | null;
}

const keyOf = (projectId: number, seed: GroupSeed): string =>
  `${projectId}/${seed.ruleset}/${seed.mid}`;

const findGroupKeys = `
  select k.project_id || '/' || k.ruleset || '/' || k.hash as name, k.group_id as id
    from jsonb_to_recordset($1::jsonb) as r (project_id integer, ruleset text, hash text)
    join group_keys k on k.project_id = r.project_id and k.ruleset = r.ruleset and k.level = 'mid' and k.hash = r.hash`;

/**
 * New keys, each with the id its group will have. A key that another transaction makes at the same
 * moment is waited for and then left alone; keys go in by their order, so two batches cannot deadlock.
 */
const insertGroups = `
  with keys as (
    insert into group_keys (project_id, ruleset, level, hash, group_id)
    select project_id, ruleset, 'mid', hash, nextval(pg_get_serial_sequence('groups', 'id'))
      from jsonb_to_recordset($1::jsonb) as r (project_id integer, ruleset text, hash text)
     order by project_id, ruleset, hash
    on conflict (project_id, ruleset, level, hash) do nothing
    returning project_id, ruleset, hash, group_id
  )
  insert into groups (id, project_id, title, culprit, kind, classification, confidence, first_seen, last_seen, newest_crash)
  overriding system value
  select keys.group_id, r.project_id, r.title, r.culprit, r.kind, r.classification, r.confidence, r.seen, r.seen, r.crash
    from jsonb_to_recordset($1::jsonb) as r (
      project_id integer, ruleset text, hash text, title text, culprit text, kind text, classification text,
      confidence text, seen timestamptz, crash uuid)
    join keys using (project_id, ruleset, hash)`;

/** The group of each crash that has one, made where its key is new. */
export async function groupIdsFor<G extends Grouped>(
  db: Queryable,
  crashes: readonly G[],
): Promise<ReadonlyMap<G, number>> {
  const seeds = new Map<string, Record<string, unknown>>();
  for (const { projectId, group, occurredAt, crashId } of crashes) {
    if (group === null || seeds.has(keyOf(projectId, group))) continue;
    const { mid, link: _link, coarse: _coarse, ...rest } = group;
    seeds.set(keyOf(projectId, group), {
      ...rest,
      project_id: projectId,
      hash: mid,
      seen: occurredAt,
      crash: crashId,
    });
  }
  const ids = await lookUp(db, [...seeds.values()]);
  const missing = [...seeds].filter(([name]) => !ids.has(name)).map(([, seed]) => seed);
  if (missing.length > 0) {
    await db.query({
      name: "insert-groups",
      text: insertGroups,
      values: [JSON.stringify(missing)],
    });
    for (const [name, id] of await lookUp(db, missing)) ids.set(name, id);
  }
  const found = new Map<G, number>();
  for (const crash of crashes) {
    const id = crash.group === null ? undefined : ids.get(keyOf(crash.projectId, crash.group));
    if (id !== undefined) found.set(crash, id);
  }
  return found;
}

async function lookUp(
  db: Queryable,
  seeds: readonly Record<string, unknown>[],
): Promise<Map<string, number>> {
  if (seeds.length === 0) return new Map();
  const { rows } = await db.query<{ name: string; id: number }>({
    name: "find-group-keys",
    text: findGroupKeys,
    values: [JSON.stringify(seeds)],
  });
  return new Map(rows.map((row) => [row.name, row.id]));
}

/** One crash to be counted. */
export interface Counted {
  readonly groupId: number;
  readonly crashId: string;
  readonly occurredAt: Date;
  readonly release: string | null;
  readonly environment: string | null;
  readonly host: string | null;
}

interface Tally {
  count: number;
  first: Date;
  last: Date;
}

/**
 * One statement, so that a busy group is held no longer than it takes. The groups' rows are locked first
 * and in order; an hour or facet is only touched through its locked group, so batches cannot deadlock.
 */
const countAll = `
  with locked as (
    select g.id from groups g where g.id in (select (r->>'group_id')::bigint from jsonb_array_elements($1::jsonb) r)
     order by g.id for update
  ), counted as (
    update groups g
       set count = g.count + r.count, first_seen = least(g.first_seen, r.first), last_seen = greatest(g.last_seen, r.last),
           newest_crash = greatest(g.newest_crash, r.newest)
      from jsonb_to_recordset($1::jsonb) as r (group_id bigint, count bigint, first timestamptz, last timestamptz, newest uuid)
      join locked on locked.id = r.group_id
     where g.id = r.group_id
  ), hours as (
    insert into group_hours (group_id, hour, count)
    select r.group_id, r.hour, r.count
      from jsonb_to_recordset($2::jsonb) as r (group_id bigint, hour timestamptz, count bigint)
      join locked on locked.id = r.group_id
     order by r.group_id, r.hour
    on conflict (group_id, hour) do update set count = group_hours.count + excluded.count
  )
  insert into group_facets (group_id, facet, value, count, first_seen, last_seen)
  select r.group_id, r.facet, r.value, r.count, r.first, r.last
    from jsonb_to_recordset($3::jsonb) as r (
      group_id bigint, facet text, value text, count bigint, first timestamptz, last timestamptz)
    join locked on locked.id = r.group_id
   order by r.group_id, r.facet, r.value
  on conflict (group_id, facet, value) do update
     set count = group_facets.count + excluded.count,
         first_seen = least(group_facets.first_seen, excluded.first_seen),
         last_seen = greatest(group_facets.last_seen, excluded.last_seen)`;

/**
 * Adds a batch of crashes to their groups' counts: one row write a group, hour and facet value, however
 * many crashes fell into it.
 */
export async function countIntoGroups(db: Queryable, crashes: readonly Counted[]): Promise<void> {
  if (crashes.length === 0) return;
  const groups = new Map<number, Tally & { newest: string }>();
  const hours = new Map<string, { group_id: number; hour: Date; count: number }>();
  const facets = new Map<string, Tally & { group_id: number; facet: string; value: string }>();
  for (const crash of crashes) {
    const { groupId, occurredAt: seen, crashId } = crash;
    const group = tally(groups, groupId, seen, { newest: crashId });
    if (crashId > group.newest) group.newest = crashId;
    const hour = new Date(Math.floor(seen.getTime() / 3_600_000) * 3_600_000);
    const hourKey = `${groupId}/${hour.getTime()}`;
    const inHour = hours.get(hourKey) ?? { group_id: groupId, hour, count: 0 };
    inHour.count += 1;
    hours.set(hourKey, inHour);
    for (const facet of ["release", "environment", "host"] as const) {
      const value = crash[facet];
      if (value !== null)
        tally(facets, `${groupId}/${facet}/${value}`, seen, { group_id: groupId, facet, value });
    }
  }
  const groupRows = [...groups].map(([group_id, row]) => ({ group_id, ...row }));
  await db.query({
    name: "count-into-groups",
    text: countAll,
    values: [groupRows, [...hours.values()], [...facets.values()]].map((rows) =>
      JSON.stringify(rows),
    ),
  });
}

function tally<Key, Extra extends object>(
  into: Map<Key, Tally & Extra>,
  key: Key,
  seen: Date,
  extra: Extra,
): Tally & Extra {
  const row = into.get(key) ?? { ...extra, count: 0, first: seen, last: seen };
  row.count += 1;
  if (seen < row.first) row.first = seen;
  if (seen > row.last) row.last = seen;
  into.set(key, row);
  return row;
}
