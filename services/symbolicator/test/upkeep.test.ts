import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  acceptCrashes,
  loadPendingCrashes,
  newCrashId,
  openQueue,
  storeSymbolFiles,
  type JobQueue,
} from "@faultline/shared";
import { SWEEP_BATCH } from "../src/limits.ts";
import { createMetrics, type Metrics } from "../src/metrics.ts";
import { startUpkeep, type Upkeep } from "../src/upkeep.ts";
import { crashWith, log, openSetting, queue, type Setting } from "./setting.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let setting: Setting;
let crashes: JobQueue<"crashes">;
let symbols: JobQueue<"symbols">;
let metrics: Metrics;
let upkeep: Upkeep | null = null;

beforeEach(async () => {
  setting = await openSetting({ FAULTLINE_SWEEP_MS: "100", FAULTLINE_RETENTION_DAYS: "3" });
  crashes = openQueue(setting.config, "crashes", () => undefined);
  symbols = openQueue(setting.config, "symbols", () => undefined);
  await Promise.all([crashes.depth(), symbols.depth()]);
  metrics = createMetrics();
});
afterEach(async () => {
  await upkeep?.close();
  await Promise.all([crashes.close(), symbols.close()]);
  await setting.close();
});

const start = (): void => {
  const { config, pool } = setting;
  upkeep = startUpkeep({ config, pool, crashes, symbols, metrics, log });
};
async function waiting(count: number, ageMs: number) {
  const receivedAt = Date.now() - ageMs;
  const rows = Array.from({ length: count }, () => ({
    ...crashWith(setting.project, "x"),
    id: newCrashId(receivedAt),
    receivedAt,
  }));
  await acceptCrashes(setting.pool, rows);
  return rows;
}
const swept = async () => (await metrics.swept.get()).values[0]?.value ?? 0;
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await condition()); await sleep(20)) {
    expect(Date.now()).toBeLessThan(deadline);
  }
}

test("every crash whose job was lost gets one again, and no attempt is counted", async () => {
  const lost = 2 * SWEEP_BATCH + 10;
  const rows = await waiting(lost, HOUR_MS);
  await waiting(3, 0);
  start();
  await until(async () => (await crashes.depth()) === lost);
  await sleep(300);
  expect(await crashes.depth()).toBe(lost);
  const ids = rows.slice(0, 50).map(({ id }) => id);
  const pending = await loadPendingCrashes(setting.pool, ids);
  expect(new Set(pending.map(({ attempts }) => attempts))).toEqual(new Set([0]));
});

test("a long line whose jobs are all there is looked at a batch a round, and stays as it is", async () => {
  const rows = await waiting(4 * SWEEP_BATCH, HOUR_MS);
  await queue(setting.config, rows);
  start();
  await until(async () => (await swept()) >= SWEEP_BATCH);
  await upkeep?.close();
  const rounds = (await metrics.upkeepSeconds.get()).values.find(
    ({ labels, metricName }) =>
      labels.task === "sweep" && metricName === "faultline_symbolicator_upkeep_seconds_count",
  );
  expect(await swept()).toBe(SWEEP_BATCH * (rounds?.value ?? 0));
  expect(await crashes.depth()).toBe(rows.length);
});

test("one process at a time does it; another takes over when that one is gone", async () => {
  await waiting(5, HOUR_MS);
  const holder = await setting.pool.connect();
  await holder.query("select pg_advisory_lock($1)", [0x0fa1_7002]);
  start();
  await sleep(400);
  expect(await swept()).toBe(0);
  holder.release(true);
  await until(async () => (await swept()) === 5);
});

test("days to come have partitions, days past the retention go with what waited in them", async () => {
  await waiting(2, 5 * DAY_MS);
  await setting.pool.query(
    `insert into crash_keys (project_id, key, crash_id, kind, created_at)
     values ($1, 'old', $2, 'content', now() - interval '2 hours')`,
    [setting.project, newCrashId(Date.now())],
  );
  const partitions = async () => {
    const { rows } = await setting.pool.query<{ name: string }>(
      "select relname as name from pg_class where relname ~ '^(crashes|reports)_\\d{8}$'",
    );
    return new Set(rows.map(({ name }) => name));
  };
  const name = (table: string, days: number) =>
    `${table}_${new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10).replaceAll("-", "")}`;
  await setting.pool.query(`drop table ${name("crashes", 3)}`);
  start();
  await until(async () => {
    const names = await partitions();
    return names.has(name("crashes", 3)) && !names.has(name("reports", -5));
  });
  await until(async () => {
    const { rows } = await setting.pool.query<{ left: number }>(
      "select (select count(*) from pending) + (select count(*) from crash_keys) as left",
    );
    return rows[0]?.left === 0;
  });
});

test("symbol files that lost their job get one again", async () => {
  const content = Buffer.from("pyc");
  const stale = { sha256: "ab".repeat(32), kind: "pyc" as const, size: 3, content, blob: null };
  const fresh = { ...stale, sha256: "cd".repeat(32) };
  const named = [stale, fresh].map((file, at) => ({
    ...file,
    path: `${at}.py`,
    basename: `${at}.py`,
  }));
  await storeSymbolFiles(setting.pool, setting.project, "1.0", named);
  await setting.pool.query(
    "update symbol_files set created_at = now() - interval '1 hour' where sha256 = $1",
    [Buffer.from(stale.sha256, "hex")],
  );
  start();
  await until(async () => (await symbols.depth()) === 1);
});
