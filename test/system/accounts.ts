/** The promise of a 200, as sums: every acknowledged crash is processed once, and counted once. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Pool } from "@faultline/shared";

const PATIENCE_MS = 45_000;
const PATIENCE_PER_CRASH_MS = 10;

/** Waits until no crash waits for processing, and at least `count` have been processed. */
export async function drained(pool: Pool, count = 0): Promise<void> {
  const patience = PATIENCE_MS + count * PATIENCE_PER_CRASH_MS;
  for (const deadline = Date.now() + patience; ; await sleep(50)) {
    const { rows } = await pool.query<{ waiting: number; done: number }>(
      "select (select count(*) from pending) as waiting, (select count(*) from reports) as done",
    );
    const { waiting = 0, done = 0 } = rows[0] ?? {};
    if (waiting === 0 && done >= count) return;
    if (Date.now() > deadline) {
      throw new Error(`after ${patience} ms ${waiting} crashes wait, ${done} are processed`);
    }
  }
}

/** Waits until the symbolicator is at work: `count` crashes have been processed. */
export async function processed(pool: Pool, count: number): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(10)) {
    const { rows } = await pool.query<{ done: number }>("select count(*) as done from reports");
    if ((rows[0]?.done ?? 0) >= count) return;
  }
  throw new Error(`after ${PATIENCE_MS} ms fewer than ${count} crashes are processed`);
}

/** Every id has one processed report, there is no further one, and all counts agree. */
export async function expectEachOnce(pool: Pool, ids: ReadonlySet<string>): Promise<void> {
  await drained(pool, ids.size);
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
