/** Tables of native symbols: what a file concerns, and that no build is lost or saved over a newer one. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { clearCrashes, freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import {
  claimNativeBuild,
  claimNativeFile,
  findNativeCaches,
  findReferencedBlobs,
  listNativeFiles,
  listWaitingNativeCaches,
  listWaitingNativeFiles,
  loadModuleFiles,
  loadSplitFiles,
  loadSupplementaryFiles,
  refuseNativeCache,
  refuseNativeFile,
  saveBuildProgress,
  saveNativeCache,
  saveNativeLinks,
  storeNativeFile,
  wantNativeCache,
  withTryLock,
  type BuiltCache,
  type NativeFileKind,
  type NativeLinks,
  type NewNativeFile,
  type Pool,
} from "../src/index.ts";

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await freshDatabase();
  pool = database.pool;
});
afterAll(() => database.drop());
beforeEach(() => clearCrashes(pool, "native_split_units", "native_files", "native_caches"));

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

function file(
  kind: NativeFileKind,
  name: string,
  more: Partial<NewNativeFile> = {},
): NewNativeFile {
  return {
    sha256: hash(name),
    size: name.length,
    name,
    kind,
    machine: "x86_64",
    os: null,
    buildId: null,
    debugId: null,
    hasDebugInfo: false,
    hasSplitUnits: false,
    symbols: null,
    hasUnwind: false,
    crc32: 0,
    ...more,
  };
}

const noLinks: NativeLinks = {
  debugLink: null,
  debugLinkCrc: null,
  altLink: null,
  altLinkBuildId: null,
  providedUnits: [],
  wantedUnits: [],
};

/** Stores a file and what its sections say; answers with the modules it concerns. */
async function arrive(
  one: NewNativeFile,
  links: Partial<NativeLinks> = {},
): Promise<readonly string[]> {
  await storeNativeFile(pool, one);
  return await saveNativeLinks(pool, one.sha256, { ...noLinks, ...links });
}

const built = (more: Partial<BuiltCache> = {}): BuiltCache => ({
  buildId: null,
  name: "lib.so",
  machine: "x86_64",
  blob: hash("cache"),
  size: 5,
  cacheVersion: 2,
  files: [],
  missing: [],
  gaps: [],
  ...more,
});

const cacheOf = async (debugId: string) => (await findNativeCaches(pool, [debugId], []))[0];

describe("a file", () => {
  test("is new once; one that was refused, or whose module was, waits again when it comes again", async () => {
    const one = file("object", "a", { debugId: "A0" });
    expect(await storeNativeFile(pool, one)).toEqual({ isNew: true, waits: true });
    expect(await claimNativeFile(pool, one.sha256)).toMatchObject({ ...one, attempts: 1 });
    await refuseNativeFile(pool, one.sha256, "truncated: no");
    expect(await claimNativeFile(pool, one.sha256)).toBeNull();
    expect(await storeNativeFile(pool, one)).toEqual({ isNew: false, waits: true });
    expect(await saveNativeLinks(pool, one.sha256, noLinks)).toEqual(["A0"]);
    expect(await storeNativeFile(pool, one)).toEqual({ isNew: false, waits: false });
    await refuseNativeCache(pool, "A0", 1, "limit: no", 2);
    expect(await storeNativeFile(pool, one)).toEqual({ isNew: false, waits: true });
    expect(await listWaitingNativeFiles(pool, new Date(Date.now() + 60_000), 9)).toEqual([
      one.sha256,
    ]);
  });

  test("concerns its own module, and the objects that name it by CRC", async () => {
    expect(await arrive(file("object", "a", { debugId: "A0" }), { debugLinkCrc: 7 })).toEqual([
      "A0",
    ]);
    expect(await arrive(file("debug", "a.debug", { crc32: 7 }))).toEqual(["A0"]);
    expect(await arrive(file("debug", "other.debug", { crc32: 8 }))).toEqual([]);
    expect(await arrive(file("object", "not.debug", { crc32: 7, debugId: "B0" }))).toEqual(["B0"]);
    expect((await loadModuleFiles(pool, "A0")).map(({ name }) => name).toSorted()).toEqual([
      "a",
      "a.debug",
    ]);
  });

  test("that dwz made concerns all that name it, through their objects too", async () => {
    const alt = { altLink: "dwz", altLinkBuildId: "ff" };
    await arrive(file("debug", "a.debug", { debugId: "A0" }), alt);
    await arrive(file("debug", "b.debug", { crc32: 9 }), alt);
    await arrive(file("object", "b", { debugId: "B0" }), { debugLinkCrc: 9 });
    await arrive(file("object", "c", { debugId: "C0", buildId: "ff" }));
    const dwz = file("supplementary", "dwz", { buildId: "ff" });
    expect((await arrive(dwz)).toSorted()).toEqual(["A0", "B0"]);
    expect((await loadSupplementaryFiles(pool, "ff")).map(({ name }) => name)).toEqual(["dwz"]);
  });

  test("with split units concerns those whose skeletons want them", async () => {
    const [one, two, other] = ["00000000000000a1", "ffffffffffffff02", "0000000000000003"] as const;
    const object = file("object", "a", { debugId: "A0" });
    await arrive(object, { wantedUnits: [one, two] });
    expect(await arrive(file("dwo", "1.dwo"), { providedUnits: [one] })).toEqual(["A0"]);
    expect(await arrive(file("dwo", "3.dwo"), { providedUnits: [other] })).toEqual([]);
    expect(await arrive(file("dwp", "a.dwp"), { providedUnits: [one, two, other] })).toEqual([
      "A0",
    ]);
    const found = await loadSplitFiles(pool, object.sha256);
    expect(found.wanted).toBe(2);
    expect(new Map(found.files.map((split) => [split.sha256, split.units.length]))).toEqual(
      new Map([
        [hash("1.dwo"), 1],
        [hash("a.dwp"), 2],
      ]),
    );
  });

  test("is listed newest first, page by page, and by what is asked", async () => {
    for (const name of ["a", "b", "c"])
      await arrive(file("object", name, { buildId: `${name}${name}` }));
    const all = { sha256s: null, buildIds: null, debugIds: null, state: null };
    const first = await listNativeFiles(pool, all, null, 2);
    const last = first.at(-1);
    const rest = await listNativeFiles(pool, all, last?.id ?? null, 2);
    expect([...first, ...rest].map(({ name }) => name)).toEqual(["c", "b", "a"]);
    const ask = async (filter: object) =>
      (await listNativeFiles(pool, { ...all, ...filter }, null, 9)).map(({ name }) => name);
    expect(await ask({ buildIds: ["aa", "cc"] })).toEqual(["c", "a"]);
    expect(await ask({ sha256s: [hash("b")] })).toEqual(["b"]);
    expect(await ask({ state: "refused" })).toEqual([]);
  });
});

describe("a build", () => {
  test("is claimed while more arrived than was built, and says how far it is", async () => {
    await arrive(file("object", "a", { debugId: "A0" }));
    expect(await claimNativeBuild(pool, "A0")).toEqual({ wanted: 1, attempts: 1 });
    await saveBuildProgress(pool, "A0", 3, 10);
    expect(await cacheOf("A0")).toMatchObject({ state: "building", unitsDone: 3, unitsTotal: 10 });
    const used = [{ sha256: hash("a"), role: "object" as const }];
    await saveNativeCache(pool, "A0", 1, built({ files: used, gaps: ["a gap"] }));
    expect(await cacheOf("A0")).toMatchObject({
      state: "ready",
      unitsDone: 10,
      blob: hash("cache"),
      files: used,
      gaps: ["a gap"],
    });
    expect(await claimNativeBuild(pool, "A0")).toBeNull();
  });

  test("that a companion overtook leaves the module waiting; one saved late does not undo a newer one", async () => {
    await arrive(file("object", "a", { debugId: "A0" }));
    const first = await claimNativeBuild(pool, "A0");
    await arrive(file("debug", "a.debug", { debugId: "A0" }));
    await saveNativeCache(pool, "A0", first?.wanted ?? 0, built({ blob: hash("one") }));
    expect(await cacheOf("A0")).toMatchObject({ state: "stored", blob: hash("one") });
    const second = await claimNativeBuild(pool, "A0");
    await saveNativeCache(pool, "A0", second?.wanted ?? 0, built({ blob: hash("two") }));
    await saveNativeCache(pool, "A0", first?.wanted ?? 0, built({ blob: hash("one") }));
    expect(await cacheOf("A0")).toMatchObject({ state: "ready", blob: hash("two") });
  });

  test("that is refused leaves the cache there was", async () => {
    await arrive(file("object", "a", { debugId: "A0" }));
    await saveNativeCache(pool, "A0", 1, built());
    await wantNativeCache(pool, "A0");
    await refuseNativeCache(pool, "A0", 2, "timeout", 2);
    expect(await cacheOf("A0")).toMatchObject({
      state: "refused",
      error: "timeout",
      blob: hash("cache"),
      cacheVersion: 2,
    });
  });

  test("of an older version is wanted again, and so is a refusal of it", async () => {
    const later = new Date(Date.now() + 60_000);
    for (const name of ["A0", "B0", "C0"]) await arrive(file("object", name, { debugId: name }));
    await saveNativeCache(pool, "A0", 1, built({ cacheVersion: 1 }));
    await refuseNativeCache(pool, "B0", 1, "limit", 1);
    await saveNativeCache(pool, "C0", 1, built({ cacheVersion: 2 }));
    expect(await listWaitingNativeCaches(pool, later, 1, 9)).toEqual([]);
    expect((await listWaitingNativeCaches(pool, later, 2, 9)).toSorted()).toEqual(["A0", "B0"]);
    expect(await listWaitingNativeCaches(pool, new Date(Date.now() - 60_000), 2, 9)).toEqual([]);
  });

  /** What a worker does, without building: whoever has the lock uses all files there are while more is wanted. */
  async function work(debugId: string): Promise<void> {
    for (;;) {
      const done = await withTryLock(pool, 1, debugId, async () => {
        for (let left = true; left;) {
          const claim = await claimNativeBuild(pool, debugId);
          left = claim !== null;
          if (claim === null) break;
          const files = await loadModuleFiles(pool, debugId);
          const used = files.map(({ sha256 }) => ({ sha256, role: "object" as const }));
          await saveNativeCache(pool, debugId, claim.wanted, built({ files: used }));
        }
        return true;
      });
      const { rows } = await pool.query(
        "select from native_caches where debug_id = $1 and wanted > built",
        [debugId],
      );
      if (done === null || rows.length === 0) return;
    }
  }

  test("that failed lets go of its lock before it says so", async () => {
    for (let round = 0; round < 20; round += 1) {
      const failing = withTryLock(pool, 1, "A0", () => Promise.reject(new Error("disk")));
      await expect(failing).rejects.toThrow("disk");
      expect(await withTryLock(pool, 1, "A0", () => Promise.resolve("mine"))).toBe("mine");
    }
  });

  /** A pool whose transactions take their time between their last statement and their end. */
  const hesitating = (before: () => void): Pool =>
    ({
      async connect() {
        const client = await pool.connect();
        const query = async (text: string, values?: unknown[]): Promise<unknown> => {
          if (text === "commit") {
            before();
            await sleep(100);
          }
          return await client.query(text, values);
        };
        return { query, release: (error?: Error) => client.release(error) };
      },
    }) as unknown as Pool;

  test("uses both of two companions that arrive at once, neither seeing the other", async () => {
    const object = file("object", "object", { debugId: "A0" });
    const debug = file("debug", "debug", { crc32: 7 });
    for (const one of [object, debug]) await storeNativeFile(pool, one);
    const worked = async (saving: Promise<readonly string[]>): Promise<void> =>
      void (await Promise.all((await saving).map(work)));
    let first: Promise<void> = Promise.resolve();
    await new Promise<void>((atEnd) => {
      first = worked(saveNativeLinks(hesitating(atEnd), debug.sha256, noLinks));
    });
    const links = { ...noLinks, debugLink: "debug", debugLinkCrc: 7 };
    await Promise.all([first, worked(saveNativeLinks(pool, object.sha256, links))]);
    const { state, files } = (await cacheOf("A0")) ?? {};
    expect(state).toBe("ready");
    expect(files?.map(({ sha256 }) => sha256)).toEqual([object.sha256, debug.sha256].toSorted());
  });
});

test("blobs of files and of newest caches are referred to, others are not", async () => {
  const one = file("object", "a", { debugId: "A0" });
  await arrive(one);
  await saveNativeCache(pool, "A0", 1, built({ blob: hash("old") }));
  await wantNativeCache(pool, "A0");
  await saveNativeCache(pool, "A0", 2, built({ blob: hash("new") }));
  expect(
    await findReferencedBlobs(pool, [one.sha256, hash("old"), hash("new"), hash("none")]),
  ).toEqual(new Set([one.sha256, hash("new")]));
});
