/** Jobs on a real database, with threads that do what a crash's text tells them. */
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  acceptCrashes,
  childCrashId,
  findCrash,
  findReport,
  loadPendingCrashes,
  MAX_PROCESS_ATTEMPTS,
  openBlobStore,
  openPool,
  type BlobStore,
  type NewCrash,
} from "@faultline/shared";
import { clearCrashes } from "../../../test/postgres.ts";
import { openAttachments, triedAgain } from "../src/attachments.ts";
import { batchLoads, batchSaves } from "../src/batches.ts";
import { openEngine, type Engine } from "../src/engine.ts";
import { openRules } from "../src/grouping-rules.ts";
import { createMetrics, type Metrics } from "../src/metrics.ts";
import { processCrash, type Tools } from "../src/process-crash.ts";
import { openSymbolCaches } from "../src/native/symbol-caches.ts";
import { openReleaseFiles } from "../src/release-files.ts";
import { crashWith, openSetting, totals, type Setting } from "./setting.ts";

let setting: Setting;
let blobs: BlobStore;
let engine: Engine;
let metrics: Metrics;
let tools: Tools;

beforeAll(async () => {
  setting = await openSetting();
  const { pool, config } = setting;
  blobs = await openBlobStore(config.blobs);
  metrics = createMetrics();
  engine = openEngine({
    threads: 2,
    files: openReleaseFiles(pool, blobs, metrics),
    symbolCaches: openSymbolCaches(pool, blobs, metrics, 1 << 20),
    metrics,
    onError: () => undefined,
    code: new URL("./hostile-thread.ts", import.meta.url),
    timeoutMs: 2000,
    heapMib: 64,
  });
  tools = {
    load: batchLoads(pool, metrics),
    attachments: openAttachments(blobs, triedAgain(pool), 1e6),
    engine,
    rules: openRules(pool),
    save: batchSaves(pool, metrics),
    metrics,
  };
});
afterAll(async () => {
  await engine.close();
  await setting.close();
});
beforeEach(() => clearCrashes(setting.pool));

const accept = async (...crashes: NewCrash[]) => void (await acceptCrashes(setting.pool, crashes));
const run = (crash: NewCrash, stalls = 0) => processCrash({ crashId: crash.id }, stalls, tools);
const summary = async (crash: NewCrash) =>
  (await findReport(setting.pool, null, crash.id))?.summary ?? null;
const counted = async (metric: Metrics["crashes"] | Metrics["repeats"]) =>
  (await metric.get()).values.reduce((sum, { value }) => sum + value, 0);

test("each way to fail is saved in words, keeps the raw bytes and makes no group", async () => {
  const reasons = {
    loop: /PROCESS_TIMEOUT_MS/,
    grow: /PROCESS_HEAP_MIB/,
    throw: /RangeError: a\u{fffd}b \u{fffd}/u,
    exit: /thread ended/,
    unstorable: /database refused the report/,
  };
  const crashes = Object.keys(reasons).map((text) => crashWith(setting.project, text));
  const good = Array.from({ length: 20 }, () => crashWith(setting.project, "good"));
  await accept(...crashes, ...good);
  await Promise.all([...crashes, ...good].map((crash) => run(crash)));
  for (const crash of crashes) {
    const text = Buffer.from(crash.content ?? []).toString() as keyof typeof reasons;
    const found = await summary(crash);
    expect(found).toMatchObject({ state: "failed", groupId: null });
    expect(found?.error).toMatch(reasons[text]);
    expect((await findCrash(setting.pool, null, crash.id))?.content).toEqual(crash.content);
  }
  expect(await totals(setting.pool)).toMatchObject({
    reports: 25,
    failed: 5,
    counted: 20,
    groups: 1,
  });
});

test("one crash's jobs, many at once and again later, save it once", async () => {
  const crash = crashWith(setting.project, "good");
  await accept(crash);
  const saved = await counted(metrics.crashes);
  await Promise.all(Array.from({ length: 20 }, () => run(crash)));
  await run(crash);
  expect(await totals(setting.pool)).toMatchObject({ reports: 1, counted: 1, inHours: 1 });
  expect(await counted(metrics.crashes)).toBe(saved + 1);
});

test("a job of a crash that never came is done", async () => {
  await run(crashWith(setting.project, "never stored"));
  expect(await totals(setting.pool)).toMatchObject({ reports: 0 });
});

test("text from the blob store is processed; several attachments are one text", async () => {
  const writer = await blobs.create();
  await writer.write(Buffer.from("from the store"));
  const { blob, size, sha256 } = await writer.commit();
  const inline = crashWith(setting.project, "inline");
  const [first] = inline.attachments;
  const stored = { ...first!, name: "stored", at: null, blob, size, sha256 };
  const crash = { ...inline, attachments: [first!, stored] };
  await accept(crash);
  await run(crash);
  const { rows } = await setting.pool.query<{ hash: string }>("select hash from group_keys");
  expect(rows).toEqual([{ hash: "inline\nfrom the store" }]);
});

test("a blob that stays missing fails its crash after a few tries, which the crash's wait survives", async () => {
  const crash = crashWith(setting.project, "x");
  const [first] = crash.attachments;
  const absent = { ...crash, attachments: [{ ...first!, at: null, blob: "0".repeat(64) }] };
  await accept(absent);
  for (let attempt = 1; attempt < MAX_PROCESS_ATTEMPTS; attempt++) {
    await expect(run(absent)).rejects.toThrow(/does not hold/);
    const [pending] = await loadPendingCrashes(setting.pool, [crash.id]);
    expect(pending?.attempts).toBe(attempt);
  }
  await run(absent);
  expect(await summary(absent)).toMatchObject({ state: "failed", error: /MAX_PROCESS_ATTEMPTS/ });
});

test("a blob store that is away fails no crash", async () => {
  const folder = `${setting.config.blobs}-away`;
  const away = {
    ...tools,
    attachments: openAttachments(await openBlobStore(folder), triedAgain(setting.pool), 1e6),
  };
  const crash = crashWith(setting.project, "x");
  const [first] = crash.attachments;
  const stored = { ...crash, attachments: [{ ...first!, at: null, blob: "0".repeat(64) }] };
  await accept(stored);
  await rm(folder, { recursive: true });
  for (let attempt = 0; attempt < MAX_PROCESS_ATTEMPTS + 2; attempt++) {
    await expect(processCrash({ crashId: crash.id }, 0, away)).rejects.toThrow(/ENOENT/);
  }
  expect((await loadPendingCrashes(setting.pool, [crash.id]))[0]?.attempts).toBe(0);
});

test("a database that is away rejects the job, and the crash still waits", async () => {
  const crash = crashWith(setting.project, "good");
  await accept(crash);
  const lost = openPool(setting.database.url, "test", 1);
  await lost.end();
  await expect(
    processCrash({ crashId: crash.id }, 0, { ...tools, save: batchSaves(lost, metrics) }),
  ).rejects.toThrow(/after calling end/);
  expect(await loadPendingCrashes(setting.pool, [crash.id])).toHaveLength(1);
});

test("a crash that keeps killing workers is failed; one that was unlucky is processed", async () => {
  const [deadly, unlucky] = [crashWith(setting.project, "a"), crashWith(setting.project, "b")];
  await accept(deadly, unlucky);
  await run(deadly, MAX_PROCESS_ATTEMPTS + 1);
  await run(unlucky, MAX_PROCESS_ATTEMPTS);
  expect(await summary(deadly)).toMatchObject({ state: "failed", error: /worker died 6 times/ });
  expect(await summary(unlucky)).toMatchObject({ state: "processed" });
});

test("further dumps of a text are crashes beside the first, the same ones however often it runs", async () => {
  const crash = crashWith(setting.project, "three");
  await accept(crash);
  await Promise.all([run(crash), run(crash)]);
  for (const index of [1, 2]) {
    const child = await findCrash(setting.pool, null, childCrashId(crash.id, index));
    expect(child).toMatchObject({ parentId: crash.id, attachments: [] });
  }
  expect(await totals(setting.pool)).toMatchObject({ reports: 3, counted: 3 });
});
