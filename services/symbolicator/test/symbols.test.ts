import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  findReport,
  findReleaseFiles,
  openBlobStore,
  openQueue,
  storeSymbolFiles,
  type BlobStore,
  type NewSymbolFile,
  type PythonFrame,
} from "@faultline/shared";
import { openEngine, type Engine } from "../src/engine.ts";
import { startSymbolicator } from "../src/index.ts";
import { createMetrics } from "../src/metrics.ts";
import { openSymbolCaches } from "../src/native/symbol-caches.ts";
import { openReleaseFiles } from "../src/release-files.ts";
import { buildSymbolCaches, type SymbolTools } from "../src/symbols.ts";
import { crashWith, dumpText, log, openSetting, settled, submit, type Setting } from "./setting.ts";
import { tinyPyc } from "./tiny-pyc.ts";

let setting: Setting;
let blobs: BlobStore;
let engine: Engine;
let tools: SymbolTools;
beforeAll(async () => {
  setting = await openSetting();
  blobs = await openBlobStore(setting.config.blobs);
  const metrics = createMetrics();
  const files = openReleaseFiles(setting.pool, blobs, metrics);
  engine = openEngine({
    threads: 2,
    files,
    symbolCaches: openSymbolCaches(setting.pool, blobs, metrics, 1 << 20),
    metrics,
    onError: () => undefined,
  });
  tools = { pool: setting.pool, blobs, engine, atOnce: 2, metrics };
});
afterAll(async () => {
  await engine.close();
  await setting.close();
});

function pycFile(path: string, content: Buffer): NewSymbolFile {
  const sha256 = createHash("sha256").update(content).digest("hex");
  const basename = path.split("/").at(-1) ?? "";
  return {
    sha256,
    kind: "pyc",
    size: content.length,
    content,
    blob: null,
    path,
    basename,
    python: "3.8",
  };
}
const upload = (release: string, ...files: NewSymbolFile[]) =>
  storeSymbolFiles(setting.pool, setting.project, release, files);
const build = (...files: NewSymbolFile[]) =>
  buildSymbolCaches({ sha256s: files.map(({ sha256 }) => sha256) }, tools);
const stateOf = async (release: string, { path }: NewSymbolFile) =>
  (await findReleaseFiles(setting.pool, setting.project, release, [path])).get(`pyc:${path}`)?.[0];
const version = async (release: string) => {
  const { rows } = await setting.pool.query<{ version: number }>(
    "select symbols_version as version from releases where name = $1",
    [release],
  );
  return rows[0]?.version;
};

test("a .pyc becomes a map, and the release's version rises once however often the job runs", async () => {
  const file = pycFile("app/jobs.py", tinyPyc("/build/app/jobs.py", "run"));
  await upload("1.0", file);
  const before = (await version("1.0")) ?? 0;
  await build(file);
  await build(file);
  expect(await stateOf("1.0", file)).toMatchObject({ state: "ready", error: null });
  expect(await version("1.0")).toBe(before + 1);
  const { rows } = await setting.pool.query(
    "select python_version, code_filename from symbol_files where sha256 = $1",
    [Buffer.from(file.sha256, "hex")],
  );
  expect(rows).toEqual([{ python_version: "3.8", code_filename: "/build/app/jobs.py" }]);
});

test("a file that is no .pyc is refused in words, and those beside it are made", async () => {
  const good = pycFile("app/good.py", tinyPyc("good.py", "good"));
  const garbage = pycFile("app/garbage.py", Buffer.from("not a pyc at all"));
  const torn = pycFile("app/torn.py", tinyPyc("torn.py", "torn").subarray(0, -40));
  const files = [good, garbage, torn];
  await upload("2.0", ...files);
  await build(...files);
  expect(await stateOf("2.0", good)).toMatchObject({ state: "ready" });
  for (const file of [garbage, torn]) {
    const state = await stateOf("2.0", file);
    expect(state).toMatchObject({ state: "refused" });
    expect(state?.error).toMatch(/^PycError \([a-z-]+\): .+/);
  }
});

test("a file whose blob is missing holds up its job, and not the files beside it", async () => {
  const large = tinyPyc("large.py", "large");
  const writer = await blobs.create();
  await writer.write(large);
  const { blob } = await writer.commit();
  const good = { ...pycFile("app/large.py", large), content: null, blob };
  const missing = {
    ...pycFile("app/missing.py", tinyPyc("missing.py", "missing")),
    content: null,
    blob: "0".repeat(64),
  };
  await upload("3.0", good, missing);
  await expect(build(good, missing)).rejects.toThrow(/does not hold 1 symbol files/);
  expect(await stateOf("3.0", good)).toMatchObject({ state: "ready" });
  expect(await stateOf("3.0", missing)).toMatchObject({ state: "stored" });
});

test("what a crash lacked is stored with it: files of its release, and which state of that was looked at", async () => {
  const symbolicator = await startSymbolicator(setting.config, log);
  const lacksOf = async (release: string | null) => {
    const crash = crashWith(setting.project, dumpText("lacking"), { release });
    await submit(setting, [crash]);
    await settled(setting.pool);
    const { rows } = await setting.pool.query(
      `select s.kind, s.release, l.version, f.own, f.installed
         from crash_lacks l join lacked_symbols s using (key) left join lacked_files f on f.key = l.files
        where l.crash_id = $1`,
      [crash.id],
    );
    return rows;
  };
  const files = { own: ["/srv/shop/app/jobs.py", "/srv/shop/app/main.py"], installed: [] };
  const lacks = { kind: "python", release: "5.0", ...files };
  expect(await lacksOf(null)).toEqual([]);
  expect(await lacksOf("5.0")).toEqual([{ ...lacks, version: -1 }]);
  await upload("5.0", pycFile("app/jobs.py", tinyPyc("/build/app/jobs.py", "lacking")));
  const state = await version("5.0");
  expect(await lacksOf("5.0")).toEqual([{ ...lacks, version: state }]);
  await symbolicator.close();
});

test("symbols that come late are seen by the next crash", async () => {
  const symbolicator = await startSymbolicator(setting.config, log);
  const frameOf = async () => {
    const crash = crashWith(setting.project, dumpText("late"), { release: "4.0" });
    await submit(setting, [crash]);
    await settled(setting.pool);
    const report = (await findReport(setting.pool, null, crash.id))?.report;
    return report?.threads[0]?.stack[0] as PythonFrame;
  };
  expect(await frameOf()).toMatchObject({ function: "late", qualname: null, definitionLine: null });
  const file = pycFile("app/jobs.py", tinyPyc("/build/app/jobs.py", "late"));
  await upload("4.0", file);
  const jobs = openQueue(setting.config, "symbols", () => undefined);
  await jobs.add([{ id: file.sha256, data: { sha256s: [file.sha256] } }]);
  await expect
    .poll(() => stateOf("4.0", file), { timeout: 10_000 })
    .toMatchObject({ state: "ready" });
  expect(await frameOf()).toMatchObject({
    module: "app.jobs",
    qualname: "late",
    line: 12,
    definitionLine: 10,
  });
  await jobs.close();
  await symbolicator.close();
});
