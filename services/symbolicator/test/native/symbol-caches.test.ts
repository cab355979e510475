/** Symbol caches for crashes: what is found for a module, in which words it is not, and that it is read once. */
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CACHE_VERSION, openCache } from "@faultline/debuginfo";
import { buildFiles } from "@faultline/symbols";
import {
  claimNativeBuild,
  findNativeCaches,
  openBlobStore,
  refuseNativeCache,
  saveBuildProgress,
  saveNativeCache,
  type BlobStore,
  type BuiltCache,
  type ModuleIdentity,
  type ModuleSymbols,
} from "@faultline/shared";
import { createMetrics, type Metrics } from "../../src/metrics.ts";
import { openSymbolCaches, type SymbolCacheStore } from "../../src/native/symbol-caches.ts";
import { openSetting, type Setting } from "../setting.ts";
import { fixturePath, quartet } from "./fixture.ts";

let setting: Setting;
let blobs: BlobStore;
let bytes: Uint8Array;
let metrics: Metrics;
let caches: SymbolCacheStore;
beforeAll(async () => {
  setting = await openSetting();
  blobs = await openBlobStore(setting.config.blobs);
  const object = fixturePath("quartet.so");
  bytes = await buildFiles({ object, debug: null, supplementary: null, split: [] });
});
afterAll(() => setting.close());
beforeEach(async () => {
  await setting.pool.query("delete from native_caches");
  metrics = createMetrics();
  caches = openSymbolCaches(setting.pool, blobs, metrics, 1 << 20);
});

const module: ModuleIdentity = {
  key: "0",
  name: "quartet.so",
  codeFile: "/usr/lib/quartet.so",
  buildId: quartet.buildId,
  debugId: quartet.debugId,
};
const unknown = { ...module, name: "other.so", buildId: "00ff", debugId: "0".repeat(33) };

async function fetch(one: ModuleIdentity): Promise<ModuleSymbols> {
  const found = (await caches.fetch([one])).get(one.key);
  if (found === undefined) throw new Error("no answer");
  return found;
}

async function storeBlob(content: Uint8Array): Promise<string> {
  const writer = await blobs.create();
  await writer.write(content);
  return (await writer.commit()).blob;
}

/** The module's row, with a build that is as it may be. */
async function row(more: Partial<BuiltCache> = {}): Promise<void> {
  await setting.pool.query(
    "insert into native_caches (debug_id, build_id, name, machine) values ($1, $2, 'quartet.so', 'x86_64')",
    [quartet.debugId, quartet.buildId],
  );
  await saveNativeCache(setting.pool, quartet.debugId, 1, {
    buildId: quartet.buildId,
    name: "quartet.so",
    machine: "x86_64",
    blob: await storeBlob(bytes),
    size: bytes.length,
    cacheVersion: CACHE_VERSION,
    files: [],
    missing: [],
    gaps: [],
    ...more,
  });
}

const nothing = { cache: null, contentKey: "", built: 0 };
const waits = async (): Promise<boolean> =>
  (await findNativeCaches(setting.pool, [quartet.debugId], []))[0]?.state === "stored";

test("a cache is found by build id or debug id, in shared memory, and read once", async () => {
  await row();
  const first = await fetch(module);
  expect(first).toMatchObject({ state: "found", tried: [] });
  expect(first.cache?.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(openCache(first.cache ?? new Uint8Array()).frames(0x280)[0]?.function).toBe("split_entry");
  const ways = [
    { ...module, debugId: null },
    { ...module, buildId: null },
    // dumps of old writers tell the first 16 bytes
    { ...module, buildId: quartet.buildId.slice(0, 32) },
  ];
  for (const way of ways) expect((await fetch(way)).cache).toBe(first.cache);
  const lookups = (await metrics.symbolCacheLookups.get()).values;
  expect(lookups.map(({ labels, value }) => [labels.result, value])).toEqual([
    ["miss", 1],
    ["hit", 3],
  ]);
});

test("many at once are one read", async () => {
  await row();
  const modules = Array.from({ length: 50 }, (_, at) => ({ ...module, key: `${at}` }));
  const found = [...(await caches.fetch(modules)).values()].map(({ cache }) => cache);
  expect(new Set(found).size).toBe(1);
  expect(found).toHaveLength(50);
});

test("no more is kept than may be; what is still in use is not read again", async () => {
  await row();
  caches = openSymbolCaches(setting.pool, blobs, metrics, bytes.length);
  const { cache } = await fetch(module);
  expect((await metrics.symbolCacheBytes.get()).values[0]?.value).toBe(0);
  expect((await fetch(module)).cache).toBe(cache);
});

test("what it lacks is told with it", async () => {
  const missing = [{ role: "debug" as const, buildId: quartet.buildId, file: "quartet.debug" }];
  await row({ missing, gaps: ["a unit that cannot be read"] });
  expect((await fetch(module)).tried).toEqual([
    `debug file of build id ${quartet.buildId} (quartet.debug): not uploaded`,
    "a unit that cannot be read",
  ]);
});

test("a newer build that failed leaves the cache, and is told", async () => {
  await row();
  await setting.pool.query("update native_caches set wanted = wanted + 1");
  await refuseNativeCache(setting.pool, quartet.debugId, 2, "limit: too much", CACHE_VERSION);
  expect(await fetch(module)).toMatchObject({
    state: "found",
    tried: ["a newer cache could not be built: limit: too much"],
  });
});

describe("what is not found", () => {
  test("says nothing where there is nothing to say", async () => {
    expect(await fetch(unknown)).toEqual({ ...nothing, state: "missing", tried: [] });
    expect(await fetch({ ...unknown, buildId: null, debugId: null })).toMatchObject({
      state: "missing",
      tried: [expect.stringContaining("neither build id nor debug id")],
    });
  });

  test("names other builds of the module", async () => {
    await row();
    expect(await fetch({ ...unknown, name: "quartet.so" })).toEqual({
      ...nothing,
      state: "mismatched",
      tried: [`found quartet.so of ${quartet.buildId}`],
    });
    const sameDebugId = { ...module, buildId: `${quartet.buildId.slice(0, 32)}00000000` };
    expect(await fetch(sameDebugId)).toMatchObject({ state: "mismatched", cache: null });
  });

  test("says how far a build is, or why there is none", async () => {
    await setting.pool.query(
      "insert into native_caches (debug_id, build_id, name, machine) values ($1, $2, 'quartet.so', 'x86_64')",
      [quartet.debugId, quartet.buildId],
    );
    expect(await fetch(module)).toMatchObject({ tried: ["its cache waits to be built"] });
    await claimNativeBuild(setting.pool, quartet.debugId);
    expect(await fetch(module)).toMatchObject({ tried: ["its cache is being built"] });
    await saveBuildProgress(setting.pool, quartet.debugId, 3, 9);
    expect(await fetch(module)).toEqual({
      ...nothing,
      state: "missing",
      tried: ["its cache is being built: 3 of 9 units"],
    });
    await refuseNativeCache(setting.pool, quartet.debugId, 1, "truncated: no", CACHE_VERSION);
    expect(await fetch(module)).toEqual({
      ...nothing,
      state: "corrupt",
      tried: ["truncated: no"],
      built: 1,
    });
  });

  test("waits for its rebuild when the cache is of an older version", async () => {
    await row({ cacheVersion: CACHE_VERSION - 1 });
    expect(await fetch(module)).toMatchObject({
      state: "missing",
      tried: ["its cache waits to be built"],
    });
  });
});

test.each([
  [
    "is gone",
    async (blob: string) => blobs.deleteOlder(blob, new Date(Date.now() + 60_000)),
    "does not hold it",
  ],
  ["was damaged", async (blob: string) => writeFile(blobs.path(blob), "garbage"), "bad-cache"],
])("a cache that %s is told as corrupt, and wanted anew", async (_name, harm, words) => {
  const blob = await storeBlob(Buffer.concat([bytes, Buffer.from("its own")]));
  await row({ blob });
  await harm(blob);
  expect(await fetch(module)).toMatchObject({
    state: "corrupt",
    cache: null,
    tried: [expect.stringContaining(words)],
  });
  expect(await waits()).toBe(true);
});
