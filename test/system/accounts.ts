/** The promise of a 200, as sums: every acknowledged crash is processed once, and counted once. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Pool } from "@faultline/shared";

/** Waits until no crash waits for processing. */
export async function drained(pool: Pool, ms = 45_000): Promise<void> {
  for (const deadline = Date.now() + ms; ; await sleep(50)) {
    const { rows } = await pool.query<{ count: number }>("select count(*) as count from pending");
    if (rows[0]?.count === 0) return;
    if (Date.now() > deadline) {
      throw new Error(`${rows[0]?.count} crashes still wait for processing after ${ms} ms`);
    }
  }
}

/** Every id has one processed report, there is no further one, and all counts agree. */
export async function expectEachOnce(pool: Pool, ids: ReadonlySet<string>): Promise<void> {
  await drained(pool);
  const { rows: reports } = await pool.query<{ id: string; state: string; error: string | null }>(
    "select crash_id as id, state, error from reports",
  );
  expect(reports.filter((report) => report.state !== "processed")).toEqual([]);
  expect(reports.map((report) => report.id).toSorted()).toEqual([...ids].toSorted());
  const { rows } = await pool.query(
    `select (select count(*) from crashes) as crashes,
            (select sum(count)::int from groups) as groups,
            (select sum(count)::int from group_hours) as hours,
            (select sum(count)::int from group_facets where facet = 'host') as hosts,
            (select sum(count)::int from group_facets where facet = 'release') as releases`,
  );
  const all = ids.size;
  expect(rows[0]).toEqual({ crashes: all, groups: all, hours: all, hosts: all, releases: all });
}
