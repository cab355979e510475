/** Reading groups: the list with its filters and pages, and one group with its counts. */
import type { Queryable } from "./pool.ts";
import { tagNumber } from "./tags.ts";

export const groupSorts = ["last_seen", "first_seen", "count"] as const;
export type GroupSort = (typeof groupSorts)[number];
export const groupStatuses = ["open", "resolved", "muted"] as const;
export type GroupStatus = (typeof groupStatuses)[number];

export interface GroupRow {
  readonly id: number;
  readonly projectId: number;
  readonly title: string;
  readonly culprit: string | null;
  readonly kind: string;
  readonly classification: string | null;
  readonly status: GroupStatus;
  readonly confidence: string;
  readonly count: number;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  readonly newestCrash: string;
}

const columns = `g.id, g.project_id as "projectId", g.title, g.culprit, g.kind, g.classification, g.status, g.confidence,
  g.all_count as count, g.all_first_seen as "firstSeen", g.all_last_seen as "lastSeen", g.all_newest_crash as "newestCrash"`;

export interface GroupFilter {
  /** Null: every project. */
  readonly projectIds: readonly number[] | null;
  readonly status: GroupStatus | null;
  readonly release: string | null;
  readonly environment: string | null;
  readonly kind: string | null;
  /** Part of the title or culprit, any case. */
  readonly text: string | null;
  /** "name:value"; a crash with it is in the group. */
  readonly tag: string | null;
}

/** Where a page starts: behind this row of the same sort. `value` as `cursorOf` made it. */
export interface GroupCursor {
  readonly value: string;
  readonly id: number;
}

const taggedGroups =
  "select coalesce(m.parent_id, m.id) from group_tags t join groups m on m.id = t.group_id where t.tag = $10";

/** SQL: a crash that is shown in `g` has that value of the facet. */
const hasFacet = (facet: string, value: string): string => `(${value}::text is null
  or exists (select from group_facets f where f.group_id = g.id and f.facet = '${facet}' and f.value = ${value})
  or exists (select from groups m join group_facets f on f.group_id = m.id
              where m.parent_id = g.id and f.facet = '${facet}' and f.value = ${value}))`;

/**
 * The rows of one page, greatest first by `sort`, then by id. Groups that are joined to others, and those that all
 * crashes have left, are not among them.
 */
export async function listGroups(
  db: Queryable,
  filter: GroupFilter,
  sort: GroupSort,
  after: GroupCursor | null,
  limit: number,
): Promise<readonly GroupRow[]> {
  const type = sort === "count" ? "bigint" : "timestamptz";
  const tag = filter.tag === null ? null : tagNumber(filter.tag);
  const { rows } = await db.query<GroupRow>({
    // planned anew for each tag: from the groups' side or from the tag's, whichever has fewer
    ...(tag === null ? { name: `list-groups-${sort}` } : {}),
    text: `select ${columns} from groups g
            where g.parent_id is null and g.all_count > 0
              and ($1::integer[] is null or g.project_id = any($1))
              and ($2::text is null or g.status = $2)
              and ${hasFacet("release", "$3")}
              and ${hasFacet("environment", "$4")}
              and ($5::text is null or g.kind = $5)
              and ($6::text is null or position(lower($6) in lower(g.title || ' ' || coalesce(g.culprit, ''))) > 0)
              and ($7::${type} is null or (g.all_${sort}, g.id) < ($7::${type}, $8::bigint))
              ${tag === null ? "" : `and g.id in (${taggedGroups})`}
            order by g.all_${sort} desc, g.id desc limit $9`,
    values: [
      filter.projectIds,
      filter.status,
      filter.release,
      filter.environment,
      filter.kind,
      filter.text,
      after?.value ?? null,
      after?.id ?? null,
      limit,
      ...(tag === null ? [] : [tag]),
    ],
  });
  return rows;
}

/** The cursor behind `row`. Times keep their milliseconds; equal ones are told apart by the id. */
export function cursorOf(row: GroupRow, sort: GroupSort): GroupCursor {
  const value = { last_seen: row.lastSeen, first_seen: row.firstSeen, count: row.count }[sort];
  return { value: value instanceof Date ? value.toISOString() : String(value), id: row.id };
}

/** The group that shows the one of that id: itself, unless it is joined to another. */
export async function findGroup(
  db: Queryable,
  projectIds: readonly number[] | null,
  id: number,
): Promise<GroupRow | null> {
  const { rows } = await db.query<GroupRow>(
    `select ${columns} from groups a join groups g on g.id = coalesce(a.parent_id, a.id)
      where a.id = $1 and ($2::integer[] is null or g.project_id = any($2))`,
    [id, projectIds],
  );
  return rows[0] ?? null;
}

export const groupOrigins = ["auto", "attach", "alias", "user-merge", "user-split"] as const;
export type GroupOrigin = (typeof groupOrigins)[number];

/** One of the groups that are shown as one: what was filed under its keys. */
export interface GroupMember {
  readonly id: number;
  readonly title: string;
  readonly culprit: string | null;
  readonly origin: GroupOrigin;
  readonly splitFrom: number | null;
  readonly count: number;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  readonly keys: readonly { readonly ruleset: string; readonly key: string }[];
}

/** The most crashes first. */
export async function listGroupMembers(
  db: Queryable,
  rootId: number,
  limit: number,
): Promise<readonly GroupMember[]> {
  const { rows } = await db.query<GroupMember>(
    `select g.id, g.title, g.culprit, g.origin, g.split_from as "splitFrom", g.count, g.first_seen as "firstSeen",
            g.last_seen as "lastSeen", (
              select coalesce(json_agg(json_build_object('ruleset', k.ruleset, 'key', k.hash) order by k.created_at), '[]')
                from group_keys k where k.group_id = g.id) as keys
       from groups g where g.id = $1 or g.parent_id = $1 order by g.id = $1 desc, g.count desc, g.id limit $2`,
    [rootId, limit],
  );
  return rows;
}

/** Ids of a group and of those that it shows. */
const shownIn = "array(select m.id from groups m where m.id = $1 or m.parent_id = $1)";

/** SQL: the sightings of what is shown in group $1. */
const sightingsShown = `group_keys k join sightings s on s.project_id = k.project_id and s.ruleset = k.ruleset and s.mid = k.hash
  where k.group_id = any(${shownIn}) and k.level = 'mid'`;

/** From how many places of Python code (links) the crashes of a group came. */
export async function countCallers(db: Queryable, rootId: number): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(distinct (s.ruleset, s.link)) filter (where s.link is not null) as count from ${sightingsShown}`,
    [rootId],
  );
  return rows[0]?.count ?? 0;
}

/** Groups that were reached from the same Python functions, and are not joined: they may be the same bug. */
export async function listLikeGroups(
  db: Queryable,
  rootId: number,
  limit: number,
): Promise<readonly GroupRow[]> {
  const { rows } = await db.query<GroupRow>(
    `with mine as (
       select distinct s.project_id, s.ruleset, s.link from ${sightingsShown} and s.link is not null
     ), like_mine as (
       select distinct k.group_id as id
         from mine join sightings s using (project_id, ruleset, link)
         join group_keys k on k.project_id = s.project_id and k.ruleset = s.ruleset and k.level = 'mid' and k.hash = s.mid
     )
     select ${columns} from groups g
      where g.id in (select coalesce(m.parent_id, m.id) from like_mine join groups m using (id))
        and g.id <> $1 and g.all_count > 0
      order by g.all_count desc, g.id limit $2`,
    [rootId, limit],
  );
  return rows;
}

/** Crashes an hour (`unit` "hour") or a UTC day since `since`, oldest first; times without crashes are left out. */
export async function groupCounts(
  db: Queryable,
  id: number,
  unit: "hour" | "day",
  since: Date,
): Promise<readonly { time: Date; count: number }[]> {
  const { rows } = await db.query<{ time: Date; count: number }>(
    `select date_trunc($2, hour, 'UTC') as time, sum(count)::bigint as count from group_hours
      where group_id = any(${shownIn}) and hour >= $3 group by 1 order by 1`,
    [id, unit, since],
  );
  return rows;
}

export interface FacetCount {
  readonly value: string;
  readonly count: number;
  readonly firstSeen: Date;
  readonly lastSeen: Date;
}

/** The commonest values of a facet, most first, and how many values there are. */
export async function groupFacet(
  db: Queryable,
  id: number,
  facet: "release" | "environment" | "host",
  limit: number,
): Promise<{ values: readonly FacetCount[]; distinct: number }> {
  const { rows } = await db.query<FacetCount & { distinct: number }>(
    `select value, sum(count)::bigint as count, min(first_seen) as "firstSeen", max(last_seen) as "lastSeen",
            count(*) over () as distinct
       from group_facets where group_id = any(${shownIn}) and facet = $2
      group by value order by sum(count) desc, value limit $3`,
    [id, facet, limit],
  );
  return {
    values: rows.map(({ distinct: _distinct, ...value }) => value),
    distinct: rows[0]?.distinct ?? 0,
  };
}
