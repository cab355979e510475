import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  acceptCrashes,
  loadPendingCrashes,
  openBlobStore,
  saveSymbolCaches,
  storeSymbolFiles,
  type BlobStore,
  type NewSymbolFile,
  type PendingCrash,
} from "@faultline/shared";
import { createMetrics } from "../src/metrics.ts";
import { openReleaseFiles } from "../src/release-files.ts";
import { crashWith, openSetting, type Setting } from "./setting.ts";

let setting: Setting;
let blobs: BlobStore;
beforeAll(async () => {
  setting = await openSetting();
  blobs = await openBlobStore(setting.config.blobs);
});
afterAll(() => setting.close());

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
function file(kind: "pyc" | "source", path: string, text: string): NewSymbolFile {
  const content = Buffer.from(text);
  const basename = path.split("/").at(-1) ?? "";
  const python = kind === "pyc" ? "3.13" : null;
  const size = content.length;
  return { sha256: hash(text), kind, size, content, blob: null, path, basename, python };
}
const upload = (release: string, ...files: NewSymbolFile[]) =>
  storeSymbolFiles(setting.pool, setting.project, release, files);
const cached = (text: string, map: string) =>
  saveSymbolCaches(setting.pool, [
    {
      sha256: hash(text),
      error: null,
      cache: Buffer.from(map),
      cacheVersion: 1,
      pythonVersion: "3.13",
      codeFilename: "/build/jobs.py",
    },
  ]);

/** The release's state as a crash loaded now sees it. */
async function seenBy(release: string): Promise<NonNullable<PendingCrash["release"]>> {
  const crash = crashWith(setting.project, "x", { release });
  await acceptCrashes(setting.pool, [crash]);
  const [pending] = await loadPendingCrashes(setting.pool, [crash.id]);
  return pending!.release!;
}

test("one compiled for several versions of Python is several files, with one source", async () => {
  const older = { ...file("pyc", "app/jobs.py", "pyc for 3.12"), python: "3.12" };
  await upload("versions", file("pyc", "app/jobs.py", "pyc for 3.13"), older);
  await upload("versions", file("source", "app/jobs.py", "import os"));
  await cached("pyc for 3.13", "map of 3.13");
  await cached("pyc for 3.12", "map of 3.12");
  const files = openReleaseFiles(setting.pool, blobs, createMetrics());
  const { files: found } = await files.find(await seenBy("versions"), ["jobs.py"]);
  const both = found.get("jobs.py") ?? [];
  expect(both.map(({ map }) => Buffer.from(map ?? []).toString())).toEqual([
    "map of 3.12",
    "map of 3.13",
  ]);
  expect(both[0]?.source).toBe(both[1]?.source);
  expect(both[0]?.key).not.toBe(both[1]?.key);
});

test("compiled files and sources of one path are one file, in shared memory", async () => {
  await upload(
    "1.0",
    file("pyc", "app/jobs.py", "pyc of jobs"),
    file("source", "app/jobs.py", "import os"),
    file("source", "lib/jobs.py", "import sys"),
  );
  await cached("pyc of jobs", "map of jobs");
  const files = openReleaseFiles(setting.pool, blobs, createMetrics());
  const { files: found } = await files.find(await seenBy("1.0"), ["jobs.py", "none.py"]);
  expect(found.get("none.py")).toEqual([]);
  const [app, lib] = found.get("jobs.py") ?? [];
  expect(app).toMatchObject({ path: "app/jobs.py", codeFilename: "/build/jobs.py" });
  expect(Buffer.from(app?.map ?? []).toString()).toBe("map of jobs");
  expect(Buffer.from(app?.source ?? []).toString()).toBe("import os");
  expect(app?.map?.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(lib).toMatchObject({ path: "lib/jobs.py", codeFilename: null, map: null });
  expect(app?.key).not.toBe(lib?.key);
});

test("names are loaded once, however many crashes ask at once or after", async () => {
  await upload("2.0", file("source", "a.py", "a"), file("source", "b.py", "b"));
  const metrics = createMetrics();
  let queries = 0;
  const counting = new Proxy(setting.pool, {
    get(pool, key) {
      if (key === "query") queries += 1;
      const value: unknown = Reflect.get(pool, key);
      return typeof value === "function" ? value.bind(pool) : value;
    },
  });
  const files = openReleaseFiles(counting, blobs, metrics);
  const release = await seenBy("2.0");
  const answers = await Promise.all([
    files.find(release, ["a.py", "b.py"]),
    files.find(release, ["b.py", "a.py"]),
    files.find(release, ["a.py"]),
  ]);
  await files.find(release, ["a.py", "b.py"]);
  expect(queries).toBe(1);
  expect(answers.map(({ files: found }) => found.get("a.py")?.length)).toEqual([1, 1, 1]);
});

test("an upload is seen by the first crash loaded after it, and not by what was asked before", async () => {
  await upload("3.0", file("pyc", "app/jobs.py", "late pyc"));
  const files = openReleaseFiles(setting.pool, blobs, createMetrics());
  const mapIn = async (release: NonNullable<PendingCrash["release"]>) =>
    (await files.find(release, ["jobs.py"])).files.get("jobs.py")?.[0]?.map ?? null;
  const before = await seenBy("3.0");
  expect(await mapIn(before)).toBeNull();
  await cached("late pyc", "late map");
  expect(await mapIn(before)).toBeNull();
  expect(Buffer.from((await mapIn(await seenBy("3.0"))) ?? []).toString()).toBe("late map");
});

test("a large source comes from the blob store; one that is gone leaves the map", async () => {
  const writer = await blobs.create();
  await writer.write(Buffer.from("large source"));
  const { blob } = await writer.commit();
  const large = { ...file("source", "large.py", "large source"), content: null, blob };
  const gone = { ...file("source", "gone.py", "gone"), content: null, blob: hash("gone") };
  await upload("4.0", large, gone);
  const files = openReleaseFiles(setting.pool, blobs, createMetrics());
  const { files: found } = await files.find(await seenBy("4.0"), ["large.py", "gone.py"]);
  expect(Buffer.from(found.get("large.py")?.[0]?.source ?? []).toString()).toBe("large source");
  expect(found.get("gone.py")).toMatchObject([{ path: "gone.py", source: null }]);
});
