/**
 * The queue on Redis, as production runs it: services killed under load, and a Redis that comes back empty.
 * Needs a Docker engine. FAULTLINE_TEST_LOAD=20000 makes the load a heavy one.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  noContainers,
  startPostgresContainer,
  startRedis,
  type ContainerServer,
  type PostgresContainer,
} from "../containers.ts";
import { expectEachOnce, processed } from "./accounts.ts";
import { install, type TestInstallation } from "./installation.ts";
import { startLoad } from "./load.ts";

const LOAD = Number(process.env["FAULTLINE_TEST_LOAD"] ?? 300);
const BUGS = 7;
const TIMEOUT_MS = 120_000 + LOAD * 20;
const skipped = noContainers === null ? "" : ` (skipped: ${noContainers})`;

describe.skipIf(noContainers !== null)(`through Redis${skipped}`, { timeout: TIMEOUT_MS }, () => {
  let redis: ContainerServer;
  let postgres: PostgresContainer;
  let at: TestInstallation;
  beforeAll(async () => {
    [redis, postgres] = await Promise.all([startRedis(), startPostgresContainer()]);
  });
  afterAll(() => Promise.all([redis.close(), postgres.close()]));
  beforeEach(async () => {
    await redis.container.exec(["redis-cli", "flushall"]);
    at = await install(await postgres.createDatabase(), redis.url);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") process.stderr.write(at.logs());
    await at.close();
  });

  test("a symbolicator and an ingest killed at work", async () => {
    const ingest = await at.ingest();
    const worker = at.symbolicator();
    const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD, bugs: BUGS });
    await processed(at.pool, LOAD / 10);
    await worker.kill();
    at.symbolicator();
    await load.reached(LOAD / 2);
    await ingest.kill();
    await at.ingest(ingest.port);
    await load.done;
    expect(load.refusals).toEqual([]);
    await expectEachOnce(at.pool, load.acknowledged);
  });

  test("Redis restarted with its data lost, then emptied at work", async () => {
    const ingest = await at.ingest();
    const worker = at.symbolicator();
    const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD, bugs: BUGS });
    await processed(at.pool, LOAD / 10);
    await worker.stop(); // so that jobs wait in Redis when it goes
    await load.reached(LOAD / 2);
    await redis.restart();
    at.symbolicator();
    await processed(at.pool, (LOAD / 5) * 2);
    await redis.container.exec(["redis-cli", "flushall"]);
    await load.done;
    expect(load.refusals).toEqual([]);
    await expectEachOnce(at.pool, load.acknowledged);
  });
});
