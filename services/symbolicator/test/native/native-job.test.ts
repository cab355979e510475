/** Native files become one cache a module: in any order, at once, with what lies left out. */
import { readFile, writeFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  bytesSource,
  CACHE_VERSION,
  identifyNative,
  openCache,
  type SymbolCache,
} from "@faultline/debuginfo";
import {
  claimNativeBuild,
  findNativeCaches,
  listNativeFiles,
  openBlobStore,
  storeNativeFile,
  type BlobStore,
  type NativeCache,
} from "@faultline/shared";
import { MAX_NATIVE_ATTEMPTS } from "../../src/limits.ts";
import { createMetrics } from "../../src/metrics.ts";
import { buildFiles } from "@faultline/symbols";
import { openNativeBuilder, type NativeBuilder } from "../../src/native/builder.ts";
import { examineFile } from "../../src/native/examine.ts";
import { runNativeJob } from "../../src/native/native-job.ts";
import type { NativeTools } from "../../src/native/tools.ts";
import { openSetting, type Setting } from "../setting.ts";
import { fixture, quartet, sha256 } from "./fixture.ts";

let setting: Setting;
let blobs: BlobStore;
let builder: NativeBuilder;
let tools: NativeTools;
const stored = new Set<string>();
beforeAll(async () => {
  setting = await openSetting();
  blobs = await openBlobStore(setting.config.blobs);
  builder = openNativeBuilder({ memoryMib: 1024 });
  tools = { pool: setting.pool, blobs, builder, metrics: createMetrics() };
});
afterAll(async () => {
  await builder.close();
  await setting.close();
});
const forget = async (): Promise<void> => {
  for (const table of ["native_split_units", "native_files", "native_caches"])
    await setting.pool.query(`delete from ${table}`);
};
beforeEach(forget);

/** As ingest stores an uploaded file; its blob once. */
async function store(name: string, bytes: Buffer): Promise<string> {
  const hash = sha256(bytes);
  if (!stored.has(hash)) {
    const writer = await blobs.create();
    await writer.write(bytes);
    await writer.commit();
    stored.add(hash);
  }
  const size = bytes.length;
  const identity = identifyNative(bytesSource(bytes));
  await storeNativeFile(setting.pool, {
    ...identity,
    sha256: hash,
    size,
    name,
    crc32: crc32(bytes),
  });
  return hash;
}

const job = (sha256s: string | readonly string[], own: NativeTools = tools): Promise<void> =>
  runNativeJob({ sha256s: [sha256s].flat(), debugIds: [] }, own);
const arrive = async (...names: string[]): Promise<void> =>
  job(await Promise.all(names.map((name) => store(name, fixture(name)))));

/** Builds here and now: where many small builds are made, and it is not the process that is tested. */
const inside: NativeBuilder = {
  examine: async (path) => examineFile(path),
  async build(paths, out) {
    const bytes = await buildFiles(paths);
    await writeFile(out, bytes);
    const { buildId, machine, gaps } = openCache(bytes).info;
    return { kind: "built", buildId, machine, gaps, version: CACHE_VERSION };
  },
  close: () => Promise.resolve(),
};

async function moduleOf(debugId: string = quartet.debugId): Promise<NativeCache> {
  const [cache] = await findNativeCaches(setting.pool, [debugId], []);
  if (cache === undefined) throw new Error(`no module ${debugId}`);
  return cache;
}

const opened = async ({ blob }: NativeCache): Promise<SymbolCache> =>
  openCache(await readFile(blobs.path(blob ?? "")));

/** What is known of the library's two functions. */
const answers = async (module: NativeCache): Promise<unknown[]> => {
  const cache = await opened(module);
  return [0x280, 0x290].map((address) =>
    cache.frames(address).map(({ function: name, line }) => [name, line]),
  );
};
const all = [
  [
    ["scaled", 2],
    ["split_entry", 4],
  ],
  [["entry_named_elsewhere", null]],
];

function* permutations<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length < 2) yield items;
  for (const [at, item] of items.entries()) {
    for (const rest of permutations(items.toSpliced(at, 1))) yield [item, ...rest];
  }
}

describe("an object, its debug file, its supplementary file and its .dwp", () => {
  test("say what is missing until they are complete", async () => {
    await arrive("quartet.so");
    expect(await moduleOf()).toMatchObject({
      state: "ready",
      name: "quartet.so",
      buildId: quartet.buildId,
      files: [{ role: "object", sha256: sha256(fixture("quartet.so")) }],
      missing: [{ role: "debug", buildId: quartet.buildId, file: "quartet.debug" }],
      cacheVersion: CACHE_VERSION,
    });
    await arrive("quartet.debug");
    const { missing, gaps } = await moduleOf();
    expect(missing).toEqual([
      { role: "supplementary", buildId: quartet.supplementId, file: "quartet.sup" },
      { role: "split", buildId: null, file: expect.stringContaining("1 of 1 units") },
    ]);
    expect(gaps.join()).toContain(quartet.unit);
    await arrive("quartet.dwp");
    expect(await moduleOf()).toMatchObject({ missing: [{ role: "supplementary" }], gaps: [] });
    await arrive("quartet.sup");
    const module = await moduleOf();
    expect(module).toMatchObject({ state: "ready", missing: [], gaps: [], error: null });
    expect(module.files.map(({ role }) => role)).toEqual([
      "object",
      "debug",
      "supplementary",
      "split",
    ]);
    expect(await answers(module)).toEqual(all);
  });

  test("end in the same cache in every order", async () => {
    const blobsOfAll = new Set<string | null>();
    for (const [first = "", second = "", third = "", fourth = ""] of permutations(quartet.files)) {
      await forget();
      for (const name of [first, second, third, fourth])
        await job(await store(name, fixture(name)), { ...tools, builder: inside });
      const module = await moduleOf();
      expect(module, `${first}, ${second}, ${third}, ${fourth}`).toMatchObject({
        state: "ready",
        missing: [],
        gaps: [],
      });
      blobsOfAll.add(module.blob);
    }
    expect(blobsOfAll.size).toBe(1);
    expect(await answers(await moduleOf())).toEqual(all);
  });

  test("at once, each in a job of its own, end in one cache of them all", async () => {
    const other = openNativeBuilder({ memoryMib: 1024 });
    const workers = [tools, { ...tools, builder: other }];
    for (let round = 0; round < 4; round += 1) {
      await forget();
      await Promise.all(
        quartet.files.map(async (name, at) => {
          const hash = await store(name, fixture(name));
          await job(hash, workers[at % 2]);
        }),
      );
      expect(await moduleOf()).toMatchObject({ state: "ready", missing: [], gaps: [] });
      expect(await answers(await moduleOf())).toEqual(all);
    }
    await other.close();
  });

  test("a .dwo does what the .dwp does", async () => {
    await arrive("quartet.so", "quartet.debug", "quartet.sup", "quartet.dwo");
    expect(await answers(await moduleOf())).toEqual(all);
  });

  test("again change nothing", async () => {
    await arrive(...quartet.files);
    const before = await moduleOf();
    await arrive(...quartet.files);
    await runNativeJob({ sha256s: [], debugIds: [quartet.debugId] }, tools);
    expect(await moduleOf()).toEqual(before);
  });
});

test("a debug file and its object are joined by CRC where there is no build id", async () => {
  const without = (name: string): Buffer => {
    const bytes = fixture(name);
    const note = bytes.indexOf(Buffer.from(quartet.buildId, "hex"));
    bytes.write("GNX\0", note - 4, "latin1"); // the note's owner
    return bytes;
  };
  const debug = without("quartet.debug");
  const object = without("quartet.so");
  const link = object.indexOf("quartet.debug\0");
  object.writeUInt32LE(crc32(debug), link + 16);
  await job(await store("quartet.debug", debug));
  expect(await findNativeCaches(setting.pool, [], [])).toEqual([]);
  await job(await store("quartet.so", object));
  const { debugId } = identifyNative(bytesSource(object));
  const module = await moduleOf(debugId ?? "");
  expect(module).toMatchObject({
    state: "ready",
    missing: [{ role: "supplementary" }, { role: "split" }],
  });
  expect((await opened(module)).frames(0x283)[0]).toMatchObject({
    file: "/build/quartet.c",
    line: 5,
  });
});

test("a Breakpad .sym answers until there is debug information", async () => {
  const text = `MODULE Linux x86_64 ${quartet.debugId} quartet.so\nFILE 0 a.c\nFUNC 280 10 0 from_sym\n280 10 9 0\n`;
  await arrive("quartet.so");
  await job(await store("quartet.so.sym", Buffer.from(text)));
  const module = await moduleOf();
  expect(module).toMatchObject({ name: "quartet.so", files: [{ role: "breakpad" }], missing: [] });
  expect((await opened(module)).frames(0x280)[0]).toMatchObject({ function: "from_sym", line: 9 });
  await arrive("quartet.debug");
  expect((await moduleOf()).files.map(({ role }) => role)).toEqual(["object", "debug"]);
});

describe("a file that lies", () => {
  /** The debug file, one of whose sections is said to be compressed and is not. */
  function lying(name: string, section: string): Buffer {
    const bytes = fixture(name);
    const table = Number(bytes.readBigUInt64LE(40));
    const count = bytes.readUInt16LE(60);
    const names = table + 64 * bytes.readUInt16LE(62);
    const strings = Number(bytes.readBigUInt64LE(names + 24));
    for (let at = table; at < table + 64 * count; at += 64) {
      const start = strings + bytes.readUInt32LE(at);
      if (bytes.toString("latin1", start, bytes.indexOf(0, start)) !== section) continue;
      bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at + 8) | 0x800n, at + 8);
    }
    return bytes;
  }

  test("is refused with a code, and those beside it are built", async () => {
    const good = await store("quartet.so", fixture("quartet.so"));
    const bad = await store("bad.debug", lying("quartet.debug", ".gnu_debugaltlink"));
    await job([bad, good]);
    const [file] = await listNativeFiles(
      setting.pool,
      { sha256s: [bad], buildIds: null, debugIds: null, state: null },
      null,
      1,
    );
    expect(file).toMatchObject({
      state: "refused",
      error: expect.stringMatching(/^[a-z-]+: section .gnu_debugaltlink/),
    });
    expect(await moduleOf()).toMatchObject({ state: "ready", missing: [{ role: "debug" }] });
  });

  test("as a companion does not take along what the object answers", async () => {
    await arrive("quartet.so");
    await job(await store("bad.debug", lying("quartet.debug", ".symtab")));
    const module = await moduleOf();
    expect(module).toMatchObject({ state: "ready", files: [{ role: "object" }] });
    expect(module.gaps[0]).toMatch(/^built without its companions: [a-z-]+: section .symtab/);
    expect((await opened(module)).frames(0x280)[0]?.function).toBe("split_entry");
  });

  test("alone is a module that is refused; a good one that comes later answers", async () => {
    await job(await store("bad.debug", lying("quartet.debug", ".symtab")));
    expect(await moduleOf()).toMatchObject({
      state: "refused",
      error: expect.stringMatching(/^[a-z-]+: section .symtab/),
      blob: null,
    });
    await arrive("quartet.so", "quartet.debug");
    expect(await moduleOf()).toMatchObject({ state: "ready", error: null });
  });
});

test("a file whose blob is missing holds up its job, and not the files beside it", async () => {
  const missing = await store("quartet.sup", fixture("quartet.sup"));
  await blobs.deleteOlder(missing, new Date(Date.now() + 60_000));
  stored.delete(missing);
  const good = await store("quartet.so", fixture("quartet.so"));
  await expect(job([missing, good])).rejects.toThrow("ENOENT");
  expect(await moduleOf()).toMatchObject({ state: "ready" });
  await job(await store("quartet.sup", fixture("quartet.sup")));
  const { rows } = await setting.pool.query("select distinct state from native_files");
  expect(rows).toEqual([{ state: "ready" }]);
});

test("what a job that died had examined is built by the next run of it", async () => {
  const hash = await store("quartet.so", fixture("quartet.so"));
  const failing = { ...inside, build: () => Promise.reject(new Error("disk")) };
  await expect(job(hash, { ...tools, builder: failing })).rejects.toThrow("disk");
  expect(await moduleOf()).toMatchObject({ state: "stored", blob: null });
  await job(hash);
  expect(await moduleOf()).toMatchObject({ state: "ready" });
});

test("a build that nobody outlives is given up, and tried again when its file comes again", async () => {
  const hash = await store("quartet.so", fixture("quartet.so"));
  await job(hash);
  await setting.pool.query("update native_caches set wanted = wanted + 1");
  for (let round = 0; round < MAX_NATIVE_ATTEMPTS; round += 1)
    await claimNativeBuild(setting.pool, quartet.debugId);
  await runNativeJob({ sha256s: [], debugIds: [quartet.debugId] }, tools);
  expect(await moduleOf()).toMatchObject({
    state: "refused",
    error: expect.stringContaining("MAX_NATIVE_ATTEMPTS"),
    blob: expect.any(String),
  });
  await job(await store("quartet.so", fixture("quartet.so")));
  expect(await moduleOf()).toMatchObject({ state: "ready", error: null });
});

test("a build that is given up because the worker ends is no attempt", async () => {
  await arrive("quartet.so");
  await setting.pool.query("update native_caches set wanted = wanted + 1");
  const ending = openNativeBuilder({ memoryMib: 1024 });
  await ending.close();
  const given = runNativeJob(
    { sha256s: [], debugIds: [quartet.debugId] },
    { ...tools, builder: ending },
  );
  await expect(given).rejects.toThrow("the symbolicator ends");
  const { rows } = await setting.pool.query("select state, attempts from native_caches");
  expect(rows).toEqual([{ state: "stored", attempts: 0 }]);
});
