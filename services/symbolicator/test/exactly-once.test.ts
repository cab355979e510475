/** Every crash ends as one report and counts once: on both queues, whatever happens to the workers. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { countWaiting, openQueue, type NewCrash } from "@faultline/shared";
import { noContainers, startRedis, type ContainerServer } from "../../../test/containers.ts";
import { clearCrashes } from "../../../test/postgres.ts";
import { startSymbolicator } from "../src/index.ts";
import { crashWith, dumpText, log, openSetting, settled, submit, totals } from "./setting.ts";
import type { Setting } from "./setting.ts";

const GROUPS = 7;
/** A job whose worker was killed goes to another after at most twice its lock's time. */
const TAKEN_OVER_MS = 90_000;

const backends = [
  { backend: "Postgres", skip: null },
  { backend: "Redis", skip: noContainers },
];

describe.each(backends)("the queue in $backend", ({ backend, skip }) => {
  let redis: ContainerServer | null = null;
  let setting: Setting;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    if (skip !== null) return;
    redis = backend === "Redis" ? await startRedis() : null;
    setting = await openSetting({
      FAULTLINE_SWEEP_AFTER_MS: "1500",
      ...(redis === null ? {} : { REDIS_URL: redis.url }),
    });
  });
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await setting?.close();
    await redis?.close();
  });
  beforeEach(async ({ skip: skipTest }) => {
    if (skip !== null) skipTest(skip);
    await clearCrashes(setting.pool);
  });

  async function startChild(): Promise<ChildProcess> {
    const { config } = setting;
    const child = spawn(
      process.execPath,
      [new URL("run-symbolicator.ts", import.meta.url).pathname],
      {
        env: {
          DATABASE_URL: config.databaseUrl,
          REDIS_URL: config.redisUrl ?? "",
          FAULTLINE_BLOBS: config.blobs,
          FAULTLINE_SWEEP_MS: "500",
          FAULTLINE_SWEEP_AFTER_MS: "1500",
          LOG_LEVEL: "silent",
        },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    children.push(child);
    await once(child.stdout, "data");
    return child;
  }

  /** Resolves once `share` of the crashes is saved. */
  async function processed(crashes: readonly NewCrash[], share: number): Promise<void> {
    const left = crashes.length * (1 - share);
    while ((await countWaiting(setting.pool)).count > left) await sleep(5);
  }

  async function expectEachOnce(crashes: readonly NewCrash[]): Promise<void> {
    const count = crashes.length;
    expect(await totals(setting.pool)).toEqual({
      reports: count,
      failed: 0,
      counted: count,
      inHours: count,
      groups: GROUPS,
    });
    const { rows } = await setting.pool.query<{ wrong: number }>(
      `select count(*) as wrong from groups g
        where count <> (select count(*) from reports r where r.group_id = g.id)`,
    );
    expect(rows[0]?.wrong).toBe(0);
  }

  const someCrashes = (count: number): readonly NewCrash[] =>
    Array.from({ length: count }, (_, index) =>
      crashWith(setting.project, dumpText(`step_${index % GROUPS}`), { host: `web-${index % 3}` }),
    );

  test("two workers share the jobs, each added twice", async () => {
    const crashes = someCrashes(400);
    const workers = await Promise.all([
      startSymbolicator(setting.config, log),
      startSymbolicator(setting.config, log),
    ]);
    await submit(setting, crashes.slice(0, 200));
    await submit(setting, crashes);
    await settled(setting.pool);
    await expectEachOnce(crashes);
    await Promise.all(workers.map((worker) => worker.close()));
  });

  test("a worker that is told to stop finishes what it holds and leaves the rest", async () => {
    const crashes = someCrashes(1_500);
    await submit(setting, crashes);
    const config = { ...setting.config, sweepAfterMs: 60_000 }; // a sweep may add a job that just ended
    const first = await startSymbolicator(config, log);
    await processed(crashes, 0.2);
    await first.close();
    const jobs = openQueue(setting.config, "crashes", () => undefined);
    await sleep(200); // the connection
    const left = (await countWaiting(setting.pool)).count;
    expect(left).toBeGreaterThan(0);
    expect(await jobs.depth()).toBe(left);
    await jobs.close();
    const second = await startSymbolicator(config, log);
    await settled(setting.pool);
    await expectEachOnce(crashes);
    await second.close();
  });

  test("workers killed under load lose nothing and count nothing twice", async () => {
    const crashes = someCrashes(1_800);
    const doomed = [await startChild(), await startChild()];
    await submit(setting, crashes);
    await processed(crashes, 0.2);
    doomed[0]?.kill("SIGKILL");
    await processed(crashes, 0.5);
    doomed[1]?.kill("SIGKILL");
    expect((await countWaiting(setting.pool)).count).toBeGreaterThan(0);
    const last = await startChild();
    await settled(setting.pool, TAKEN_OVER_MS);
    await expectEachOnce(crashes);
    last.kill("SIGTERM");
    expect(await once(last, "exit")).toEqual([0, null]);
  }, 180_000);

  test("a Redis that restarts empty under load is filled again", async (context) => {
    if (redis === null) context.skip("the queue in Postgres is lost only with the crashes");
    const crashes = someCrashes(1_200);
    const worker = await startSymbolicator(setting.config, log);
    await submit(setting, crashes);
    await processed(crashes, 0.2);
    await redis?.restart();
    await settled(setting.pool, TAKEN_OVER_MS);
    await expectEachOnce(crashes);
    await worker.close();
  }, 180_000);
});
