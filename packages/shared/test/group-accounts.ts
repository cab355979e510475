/** Counts worked out from the reports, beside those that were kept while they came and went. */
import { expect } from "vitest";
import type { Pool } from "../src/index.ts";

const rowsOf = async (pool: Pool, query: string): Promise<readonly object[]> =>
  (await pool.query<object>(query)).rows;

/** Groups, hours and facets say what the reports say; what a group shows is the sum of what is joined to it. */
export async function expectTrueCounts(pool: Pool): Promise<void> {
  expect(
    await rowsOf(
      pool,
      `select g.id, g.count, g.first_seen, g.last_seen, g.newest_crash from groups g where g.count <> 0 order by g.id`,
    ),
  ).toEqual(
    await rowsOf(
      pool,
      `select group_id as id, count(*) as count, min(occurred_at) as first_seen, max(occurred_at) as last_seen,
              (array_agg(crash_id order by crash_id desc))[1] as newest_crash
         from reports where group_id is not null group by group_id order by group_id`,
    ),
  );
  expect(
    await rowsOf(pool, "select group_id, hour, count from group_hours order by group_id, hour"),
  ).toEqual(
    await rowsOf(
      pool,
      `select group_id, date_trunc('hour', occurred_at, 'UTC') as hour, count(*) as count
         from reports where group_id is not null group by 1, 2 order by 1, 2`,
    ),
  );
  expect(
    await rowsOf(
      pool,
      `select group_id, facet, value, count, first_seen, last_seen from group_facets order by group_id, facet, value`,
    ),
  ).toEqual(
    await rowsOf(
      pool,
      `select group_id, facet, value, count(*) as count, min(occurred_at) as first_seen, max(occurred_at) as last_seen
         from reports cross join lateral (
           values ('release', release), ('environment', environment), ('host', host)) as f (facet, value)
        where group_id is not null and value is not null group by 1, 2, 3 order by 1, 2, 3`,
    ),
  );
  expect(
    await rowsOf(
      pool,
      `select g.id, g.all_count, g.all_first_seen, g.all_last_seen, g.all_newest_crash from groups g
        where g.parent_id is null and g.all_count <> 0 order by g.id`,
    ),
  ).toEqual(
    await rowsOf(
      pool,
      `select coalesce(parent_id, id) as id, sum(count)::bigint as all_count, min(first_seen) as all_first_seen,
              max(last_seen) as all_last_seen, (array_agg(newest_crash order by newest_crash desc))[1] as all_newest_crash
         from groups where count <> 0 group by 1 order by 1`,
    ),
  );
  expect(
    await rowsOf(
      pool,
      `select g.id from groups g join groups p on p.id = g.parent_id where p.parent_id is not null or p.id = g.id
       union all select id from groups where parent_id is not null and parent_id not in (select id from groups)`,
    ),
  ).toEqual([]);
}

/** Every crash with a group is counted by one sighting, that of its report. */
export async function expectTrueSightings(pool: Pool): Promise<void> {
  expect(
    await rowsOf(pool, "select hash, count from sightings where count <> 0 order by hash"),
  ).toEqual(
    await rowsOf(
      pool,
      `select sighting as hash, count(*)::integer as count from reports where sighting is not null group by 1 order by 1`,
    ),
  );
}
