/**
 * Tables groups, group_hours and group_facets: counting crashes into the groups they are filed under, and out again.
 * A group's own columns and its hours and facets count what was filed under it; its all_… columns add those of the
 * groups that are joined to it.
 */
import type { Filed } from "./groups.ts";
import type { Queryable } from "./pool.ts";

/** One crash to be counted. */
export interface Counted extends Filed {
  readonly crashId: string;
  readonly occurredAt: Date;
  readonly release: string | null;
  readonly environment: string | null;
  readonly host: string | null;
}

/** A crash that changes its group; `from` null: it had none. */
export interface Moved extends Counted {
  readonly from: Filed | null;
}

/** Of crashes that were added; null when none were. */
interface Seen {
  first: Date | null;
  last: Date | null;
}
interface Tally extends Seen {
  count: number;
}
interface GroupTally extends Tally {
  newest: string | null;
  all_count: number;
  all_first: Date | null;
  all_last: Date | null;
  all_newest: string | null;
}

/** What a group that every crash has left says is of crashes that are no longer its own. */
const widened = (by: "least" | "greatest", count: string, column: string, value: string): string =>
  `case when g.${count} = 0 then coalesce(r.${value}, g.${column}) else ${by}(g.${column}, r.${value}) end`;

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
       set count = g.count + r.count,
           first_seen = ${widened("least", "count", "first_seen", "first")},
           last_seen = ${widened("greatest", "count", "last_seen", "last")},
           newest_crash = ${widened("greatest", "count", "newest_crash", "newest")},
           all_count = g.all_count + r.all_count,
           all_first_seen = ${widened("least", "all_count", "all_first_seen", "all_first")},
           all_last_seen = ${widened("greatest", "all_count", "all_last_seen", "all_last")},
           all_newest_crash = ${widened("greatest", "all_count", "all_newest_crash", "all_newest")}
      from jsonb_to_recordset($1::jsonb) as r (
        group_id bigint, count bigint, first timestamptz, last timestamptz, newest uuid,
        all_count bigint, all_first timestamptz, all_last timestamptz, all_newest uuid)
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
  select r.group_id, r.facet, r.value, r.count, coalesce(r.first, '-infinity'), coalesce(r.last, 'infinity')
    from jsonb_to_recordset($3::jsonb) as r (
      group_id bigint, facet text, value text, count bigint, first timestamptz, last timestamptz)
    join locked on locked.id = r.group_id
   order by r.group_id, r.facet, r.value
  on conflict (group_id, facet, value) do update
     set count = group_facets.count + excluded.count,
         first_seen = least(group_facets.first_seen, nullif(excluded.first_seen, '-infinity')),
         last_seen = greatest(group_facets.last_seen, nullif(excluded.last_seen, 'infinity'))`;

const HOUR_MS = 3_600_000;
export const groupFacets = ["release", "environment", "host"] as const;
export type GroupFacet = (typeof groupFacets)[number];

/** What a batch of crashes changes: one row a group, hour and facet value, however many crashes fell into it. */
class Tallies {
  readonly groups = new Map<number, GroupTally & { group_id: number }>();
  readonly hours = new Map<string, { group_id: number; hour: Date; count: number }>();
  readonly facets = new Map<
    string,
    Tally & { group_id: number; facet: GroupFacet; value: string }
  >();

  /** `by`: 1 to count a crash in, -1 to count it out. */
  add(crash: Counted, { groupId, rootId }: Filed, by: 1 | -1): void {
    const { crashId, occurredAt: seen } = crash;
    const own = this.#group(groupId);
    own.count += by;
    const all = this.#group(rootId);
    all.all_count += by;
    if (by === 1) {
      widen(own, seen);
      own.newest = later(own.newest, crashId);
      all.all_first = earliest(all.all_first, seen);
      all.all_last = latest(all.all_last, seen);
      all.all_newest = later(all.all_newest, crashId);
    }
    const hour = new Date(Math.floor(seen.getTime() / HOUR_MS) * HOUR_MS);
    const inHour = rowOf(this.hours, `${groupId}/${hour.getTime()}`, () => ({
      group_id: groupId,
      hour,
      count: 0,
    }));
    inHour.count += by;
    for (const facet of groupFacets) {
      const value = crash[facet];
      if (value === null) continue;
      const of = rowOf(this.facets, `${groupId}/${facet}/${value}`, () => ({
        group_id: groupId,
        facet,
        value,
        ...nothing(),
      }));
      of.count += by;
      if (by === 1) widen(of, seen);
    }
  }

  #group(id: number): GroupTally {
    return rowOf(this.groups, id, () => ({
      group_id: id,
      ...nothing(),
      newest: null,
      all_count: 0,
      all_first: null,
      all_last: null,
      all_newest: null,
    }));
  }

  async write(db: Queryable): Promise<void> {
    await db.query({
      name: "count-into-groups",
      text: countAll,
      values: [this.groups, this.hours, this.facets].map((rows) =>
        JSON.stringify([...rows.values()]),
      ),
    });
  }
}

const nothing = (): Tally => ({ count: 0, first: null, last: null });

function rowOf<Key, Row>(rows: Map<Key, Row>, key: Key, make: () => Row): Row {
  let row = rows.get(key);
  if (row === undefined) rows.set(key, (row = make()));
  return row;
}

function widen(row: Seen, seen: Date): void {
  row.first = earliest(row.first, seen);
  row.last = latest(row.last, seen);
}

const earliest = (one: Date | null, other: Date): Date =>
  one === null || other < one ? other : one;
const latest = (one: Date | null, other: Date): Date => (one === null || other > one ? other : one);
const later = (one: string | null, other: string): string =>
  one === null || other > one ? other : one;

/** Adds a batch of crashes to their groups' counts. The transaction shares the lock on joins. */
export async function countIntoGroups(db: Queryable, crashes: readonly Counted[]): Promise<void> {
  if (crashes.length === 0) return;
  const tallies = new Tallies();
  for (const crash of crashes) tallies.add(crash, crash, 1);
  await tallies.write(db);
}

/**
 * Counts a batch of crashes out of the groups they leave and into those they are filed under now. `follow`: a group
 * that all its crashes leave for one other is to be shown in that (`settleEmptied`).
 */
export async function moveCounts(
  db: Queryable,
  crashes: readonly Moved[],
  follow: boolean,
): Promise<void> {
  if (crashes.length === 0) return;
  const tallies = new Tallies();
  const left = crashes.flatMap((crash) =>
    crash.from === null ? [] : [{ ...crash, ...crash.from, to: follow ? crash.groupId : 0 }],
  );
  for (const crash of left) tallies.add(crash, crash, -1);
  for (const crash of crashes) tallies.add(crash, crash, 1);
  await tallies.write(db);
  if (left.length > 0) await shrink(db, left);
}

const dropEmpty = `
  with hours as (
    delete from group_hours h where h.group_id = any($1::bigint[]) and h.count <= 0
  )
  delete from group_facets f where f.group_id = any($1::bigint[]) and f.count <= 0`;

/** Of the crashes that are left, the one seen first or last with a facet's value. */
const facetEnd = (order: "asc" | "desc"): string => `
  (select x.occurred_at from reports x
    where x.group_id = r.group_id and r.value = case r.facet
      when 'release' then x.release when 'environment' then x.environment else x.host end
    order by x.occurred_at ${order} limit 1)`;

/**
 * First and last of a facet's value, where a crash that was one of them left. What is left may be crashes whose
 * reports are gone: older than any that is there, so what they said stays.
 */
const shrinkFacets = `
  update group_facets f
     set first_seen = case when r.first <= f.first_seen then coalesce(${facetEnd("asc")}, f.first_seen) else f.first_seen end,
         last_seen = case when r.last >= f.last_seen then coalesce(${facetEnd("desc")}, f.last_seen) else f.last_seen end
    from jsonb_to_recordset($1::jsonb) as r (
      group_id bigint, facet text, value text, first timestamptz, last timestamptz)
   where f.group_id = r.group_id and f.facet = r.facet and f.value = r.value
     and (r.first <= f.first_seen or r.last >= f.last_seen)`;

/** The same of a group itself, and where its crashes went. */
const shrinkGroups = `
  update groups g
     set first_seen = case when r.first <= g.first_seen
           then coalesce((select min(occurred_at) from reports where group_id = g.id), g.first_seen) else g.first_seen end,
         last_seen = case when r.last >= g.last_seen
           then coalesce((select max(occurred_at) from reports where group_id = g.id), g.last_seen) else g.last_seen end,
         newest_crash = case when r.newest >= g.newest_crash
           then coalesce((select crash_id from reports where group_id = g.id order by crash_id desc limit 1), g.newest_crash)
           else g.newest_crash end,
         moved_to = case when r.several or coalesce(g.moved_to, r.went_to) <> r.went_to then 0 else r.went_to end
    from jsonb_to_recordset($1::jsonb) as r (
      group_id bigint, first timestamptz, last timestamptz, newest uuid, went_to bigint, several boolean)
   where g.id = r.group_id`;

const sumUp = `
  update groups g
     set all_count = s.count, all_first_seen = s.first_seen, all_last_seen = s.last_seen, all_newest_crash = s.newest_crash
    from (select coalesce(m.parent_id, m.id) as id, sum(m.count) as count,
                 coalesce(min(m.first_seen) filter (where m.count > 0), min(m.first_seen)) as first_seen,
                 coalesce(max(m.last_seen) filter (where m.count > 0), max(m.last_seen)) as last_seen,
                 (array_agg(m.newest_crash order by m.count > 0 desc, m.newest_crash desc))[1] as newest_crash
            from groups m where m.id = any($1::bigint[]) or m.parent_id = any($1::bigint[]) group by 1) as s
   where g.id = s.id`;

/** What these groups show: of themselves and what is joined to them. They are locked, or nobody else counts. */
export async function sumUpGroups(db: Queryable, roots: readonly number[]): Promise<void> {
  await db.query({ name: "sum-up-groups", text: sumUp, values: [roots] });
}

type Left = Counted & { readonly to: number };

/** The groups are locked, and the reports say where their crashes are now. */
async function shrink(db: Queryable, left: readonly Left[]): Promise<void> {
  const ids = [...new Set(left.map(({ groupId }) => groupId))];
  const roots = [...new Set(left.map(({ rootId }) => rootId))];
  await db.query({ name: "drop-empty-counts", text: dropEmpty, values: [ids] });
  const facets = JSON.stringify(leftFacets(left));
  await db.query({ name: "shrink-facets", text: shrinkFacets, values: [facets] });
  const groups = JSON.stringify(leftGroups(left));
  await db.query({ name: "shrink-groups", text: shrinkGroups, values: [groups] });
  await sumUpGroups(db, roots);
}

function leftFacets(left: readonly Left[]): readonly object[] {
  const rows = new Map<string, Seen & { group_id: number; facet: GroupFacet; value: string }>();
  for (const crash of left) {
    for (const facet of groupFacets) {
      const value = crash[facet];
      if (value === null) continue;
      const row = { group_id: crash.groupId, facet, value, first: null, last: null };
      widen(
        rowOf(rows, `${crash.groupId}/${facet}/${value}`, () => row),
        crash.occurredAt,
      );
    }
  }
  return [...rows.values()];
}

function leftGroups(left: readonly Left[]): readonly object[] {
  const rows = new Map<number, Seen & { newest: string; went_to: number; several: boolean }>();
  for (const { groupId, occurredAt, crashId, to } of left) {
    const fresh = { group_id: groupId, newest: crashId, went_to: to, several: false };
    const row = rowOf(rows, groupId, () => ({ ...fresh, first: null, last: null }));
    widen(row, occurredAt);
    row.newest = later(row.newest, crashId);
    row.several ||= row.went_to !== to;
  }
  return [...rows.values()];
}
