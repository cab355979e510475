/**
 * What dies under load: the symbolicator, ingest, Postgres. Every crash that got a 200 ends as exactly one
 * processed crash, and is counted once.
 *
 * FAULTLINE_TEST_LOAD=20000 makes the load a heavy one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "@faultline/shared";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startPostgresServer, type PostgresServer } from "../postgres-server.ts";
import { expectEachOnce, processed } from "./accounts.ts";
import { install, type TestInstallation } from "./installation.ts";
import { startLoad } from "./load.ts";

const LOAD = Number(process.env["FAULTLINE_TEST_LOAD"] ?? 300);
const BUGS = 7;
const TIMEOUT_MS = 120_000 + LOAD * 20;

let postgres: PostgresServer;
let at: TestInstallation;
beforeAll(async () => {
  postgres = await startPostgresServer();
});
afterAll(() => postgres.close());
beforeEach(async () => {
  at = await install(await postgres.createDatabase(), null);
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") process.stderr.write(at.logs());
  await at.close();
});

test(
  "the symbolicator and ingest killed at work, one after the other, twice",
  { timeout: TIMEOUT_MS },
  async () => {
    const ingest = await at.ingest();
    const worker = at.symbolicator();
    const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD, bugs: BUGS });
    await processed(at.pool, LOAD / 10);
    await worker.kill();
    await load.reached(LOAD / 3);
    await ingest.kill();
    const second = { ingest: await at.ingest(ingest.port), worker: at.symbolicator() };
    await load.reached((LOAD / 3) * 2);
    await second.ingest.kill();
    await second.worker.kill();
    await at.ingest(ingest.port);
    at.symbolicator();
    await load.done;
    expect(load.refusals).toEqual([]);
    await expectEachOnce(at.pool, load.acknowledged);
  },
);

test(
  "one of two ingests and one of two symbolicators killed",
  { timeout: TIMEOUT_MS },
  async () => {
    const [one, two] = [await at.ingest(), await at.ingest()];
    const worker = at.symbolicator();
    at.symbolicator();
    const urls = [one.url, two.url];
    const load = startLoad({ urls, key: at.key, count: LOAD, bugs: BUGS });
    await Promise.all([load.reached(LOAD / 3), processed(at.pool, LOAD / 10)]);
    await Promise.all([one.kill(), worker.kill()]);
    await load.done;
    expect(load.refusals).toEqual([]);
    await expectEachOnce(at.pool, load.acknowledged);
  },
);

test(
  "Postgres away for a while: crashes still get their 200, and all arrive",
  { timeout: TIMEOUT_MS },
  async () => {
    const ingest = await at.ingest();
    at.symbolicator();
    const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD, bugs: BUGS });
    await processed(at.pool, LOAD / 10);
    const before = load.acknowledged.size;
    await postgres.stop();
    await load.reached(Math.min(LOAD, before + LOAD / 4));
    await sleep(500);
    await postgres.start();
    await load.done;
    expect(load.refusals).toEqual([]);
    await expectEachOnce(at.pool, load.acknowledged);
  },
);

test(
  "an ingest killed while Postgres is away: what lies in its spool arrives when both are back",
  { timeout: TIMEOUT_MS },
  async () => {
    const ingest = await at.ingest();
    at.symbolicator();
    await postgres.stop();
    const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD / 4, bugs: BUGS });
    await load.done;
    await ingest.kill();
    await postgres.start();
    await at.ingest(ingest.port);
    expect(load.refusals).toEqual([]);
    await expectEachOnce(at.pool, load.acknowledged);
  },
);

test(
  "services told to stop finish what they began and end with 0",
  { timeout: TIMEOUT_MS },
  async () => {
    const ingest = await at.ingest();
    const worker = at.symbolicator();
    const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD / 2, bugs: BUGS });
    await load.done;
    // one that still starts has no work to finish, and ends of the signal
    await expect.poll(() => countReports(at.pool), { timeout: TIMEOUT_MS }).toBeGreaterThan(0);
    expect(await ingest.stop()).toBe(0);
    expect(await worker.stop()).toBe(0);
    at.symbolicator();
    expect(load.refusals).toEqual([]);
    await expectEachOnce(at.pool, load.acknowledged);
  },
);

async function countReports(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>("select count(*) from reports");
  return rows[0]?.count ?? 0;
}
