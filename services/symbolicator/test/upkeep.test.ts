import { utimes } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  acceptCrashes,
  loadPendingCrashes,
  newCrashId,
  openBlobStore,
  openQueue,
  saveNativeCache,
  saveNativeLinks,
  storeNativeFile,
  storeSymbolFiles,
  type BlobStore,
  type JobQueue,
  type NewNativeFile,
} from "@faultline/shared";
import { CACHE_VERSION } from "@faultline/debuginfo";
import { BLOB_GRACE_MS, SWEEP_BATCH } from "../src/limits.ts";
import { createMetrics, type Metrics } from "../src/metrics.ts";
import { startUpkeep, type Upkeep } from "../src/upkeep.ts";
import { noLinks } from "./native/fixture.ts";
import { crashWith, log, openSetting, queue, type Setting } from "./setting.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let setting: Setting;
let crashes: JobQueue<"crashes">;
let symbols: JobQueue<"symbols">;
let natives: JobQueue<"natives">;
let blobs: BlobStore;
let metrics: Metrics;
let upkeep: Upkeep | null = null;

beforeEach(async () => {
  setting = await openSetting({ FAULTLINE_SWEEP_MS: "100", FAULTLINE_RETENTION_DAYS: "3" });
  crashes = openQueue(setting.config, "crashes", () => undefined);
  symbols = openQueue(setting.config, "symbols", () => undefined);
  natives = openQueue(setting.config, "natives", () => undefined);
  await Promise.all([crashes.depth(), symbols.depth(), natives.depth()]);
  blobs = await openBlobStore(setting.config.blobs);
  metrics = createMetrics();
});
afterEach(async () => {
  await upkeep?.close();
  await Promise.all([crashes.close(), symbols.close(), natives.close()]);
  await setting.close();
});

const start = (): void => {
  const { config, pool } = setting;
  upkeep = startUpkeep({ config, pool, blobs, crashes, symbols, natives, metrics, log });
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
    python: "3.12",
  }));
  await storeSymbolFiles(setting.pool, setting.project, "1.0", named);
  await setting.pool.query(
    "update symbol_files set created_at = now() - interval '1 hour' where sha256 = $1",
    [Buffer.from(stale.sha256, "hex")],
  );
  start();
  await until(async () => (await symbols.depth()) === 1);
});

const nativeFile = (sha256: string, debugId: string): NewNativeFile => ({
  sha256,
  size: 3,
  name: "lib.so",
  kind: "object",
  machine: "x86_64",
  os: null,
  buildId: null,
  debugId,
  hasDebugInfo: true,
  hasSplitUnits: false,
  symbols: null,
  hasUnwind: true,
  crc32: 0,
});
const builtOf = (blob: string, cacheVersion: number) => ({
  buildId: null,
  name: "lib.so",
  machine: "x86_64",
  blob,
  size: 3,
  cacheVersion,
  files: [],
  missing: [],
  gaps: [],
});

test("native files and modules that lost their job get one again, and so do caches of an older version", async () => {
  const [lost, half, old, fresh] = ["a1", "a2", "a3", "a4"].map((byte, at) =>
    nativeFile(byte.repeat(32), `D${at}`),
  );
  for (const file of [lost, half, old, fresh]) if (file) await storeNativeFile(setting.pool, file);
  for (const file of [half, old, fresh])
    if (file) await saveNativeLinks(setting.pool, file.sha256, noLinks);
  await saveNativeCache(setting.pool, "D2", 1, builtOf("bb".repeat(32), CACHE_VERSION - 1));
  await saveNativeCache(setting.pool, "D3", 1, builtOf("cc".repeat(32), CACHE_VERSION));
  await setting.pool.query(
    `with a as (update native_files set created_at = now() - interval '1 hour')
     update native_caches set updated_at = now() - interval '1 hour'`,
  );
  start();
  await until(async () => (await natives.depth()) === 3);
  const { rows } = await setting.pool.query<{ id: string }>(
    "select debug_id as id from native_caches where wanted > built order by id",
  );
  expect(rows.map(({ id }) => id)).toEqual(["D1", "D2"]);
});

test("blobs that nobody refers to go after a while; those of files, newest caches and uploads under way stay", async () => {
  const store = async (text: string, ageMs: number): Promise<string> => {
    const writer = await blobs.create();
    await writer.write(Buffer.from(text));
    const { blob } = await writer.commit();
    const at = new Date(Date.now() - ageMs);
    await utimes(blobs.path(blob), at, at);
    return blob;
  };
  const [source, file, cache, superseded, young] = [
    await store("source", DAY_MS),
    await store("file", DAY_MS),
    await store("cache", DAY_MS),
    await store("superseded", DAY_MS),
    await store("young", BLOB_GRACE_MS / 2),
  ];
  const python = { sha256: source, kind: "source" as const, size: 6, content: null, blob: source };
  await storeSymbolFiles(setting.pool, setting.project, "1.0", [
    { ...python, path: "a.py", basename: "a.py", python: null },
  ]);
  await storeNativeFile(setting.pool, nativeFile(file, "D0"));
  await saveNativeLinks(setting.pool, file, noLinks);
  await saveNativeCache(setting.pool, "D0", 1, builtOf(cache, CACHE_VERSION));
  start();
  await until(async () => (await blobs.size(superseded).catch(() => null)) === null);
  for (const blob of [source, file, cache, young])
    expect(await blobs.size(blob)).toBeGreaterThan(0);
});
