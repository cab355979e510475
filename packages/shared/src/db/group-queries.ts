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
  g.count, g.first_seen as "firstSeen", g.last_seen as "lastSeen", g.newest_crash as "newestCrash"`;

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

/** The rows of one page, greatest first by `sort`, then by id. */
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
            where ($1::integer[] is null or g.project_id = any($1))
              and ($2::text is null or g.status = $2)
              and ($3::text is null or exists (select 1 from group_facets f where f.group_id = g.id and f.facet = 'release' and f.value = $3))
              and ($4::text is null or exists (select 1 from group_facets f where f.group_id = g.id and f.facet = 'environment' and f.value = $4))
              and ($5::text is null or g.kind = $5)
              and ($6::text is null or position(lower($6) in lower(g.title || ' ' || coalesce(g.culprit, ''))) > 0)
              and ($7::${type} is null or (g.${sort}, g.id) < ($7::${type}, $8::bigint))
              ${tag === null ? "" : "and g.id in (select group_id from group_tags where tag = $10)"}
            order by g.${sort} desc, g.id desc limit $9`,
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

export async function findGroup(
  db: Queryable,
  projectIds: readonly number[] | null,
  id: number,
): Promise<GroupRow | null> {
  const { rows } = await db.query<GroupRow>(
    `select ${columns} from groups g where g.id = $1 and ($2::integer[] is null or g.project_id = any($2))`,
    [id, projectIds],
  );
  return rows[0] ?? null;
}

/** False when there is no such group. */
export async function setGroupStatus(
  db: Queryable,
  projectIds: readonly number[] | null,
  id: number,
  status: GroupStatus,
): Promise<boolean> {
  const { rowCount } = await db.query(
    "update groups set status = $3 where id = $1 and ($2::integer[] is null or project_id = any($2))",
    [id, projectIds, status],
  );
  return rowCount === 1;
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
      where group_id = $1 and hour >= $3 group by 1 order by 1`,
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
    `select value, count, first_seen as "firstSeen", last_seen as "lastSeen", count(*) over () as distinct
       from group_facets where group_id = $1 and facet = $2 order by count desc, value limit $3`,
    [id, facet, limit],
  );
  return {
    values: rows.map(({ distinct: _distinct, ...value }) => value),
    distinct: rows[0]?.distinct ?? 0,
  };
}
