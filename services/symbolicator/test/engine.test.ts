import { zstdDecompressSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { openEngine, type Engine } from "../src/engine.ts";
import { CrashFailure } from "../src/failure.ts";
import { createMetrics } from "../src/metrics.ts";
import type { SymbolCacheStore } from "../src/native/symbol-caches.ts";
import type { ReleaseFiles } from "../src/release-files.ts";
import { noMetadata } from "./setting.ts";

const asked: string[] = [];
const files: ReleaseFiles = {
  async find({ id, symbolsVersion }, basenames) {
    asked.push(`${id}/${symbolsVersion}/${basenames.join()}`);
    return { files: new Map(basenames.map((name) => [name, []])), gaps: [] };
  },
};
const symbolCaches: SymbolCacheStore = {
  async fetch(modules) {
    asked.push(modules.map(({ key }) => key).join());
    return new Map();
  },
};
const common = { files, symbolCaches, metrics: createMetrics(), onError: () => undefined };
const code = new URL("./hostile-thread.ts", import.meta.url);
const engine = openEngine({ ...common, threads: 2, code, timeoutMs: 2000, heapMib: 64 });
afterAll(() => engine.close());

const release = { id: 7, symbolsVersion: 3 };
const run = (text: string, from: Engine = engine) =>
  from.reports({
    input: { metadata: noMetadata, faulthandler: Buffer.from(text), minidump: null },
    release,
    gaps: [],
    rules: null,
    before: null,
  });
const failure = async (text: string): Promise<CrashFailure> => {
  const error = await run(text).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CrashFailure);
  return error as CrashFailure;
};
const said = async (text: string): Promise<unknown> =>
  JSON.parse(zstdDecompressSync((await run(text))[0]!.report).toString());

test("a crash that takes too long costs its thread, and says the limit", async () => {
  expect(await failure("loop")).toMatchObject({
    reason: "timeout",
    message: "processing took longer than PROCESS_TIMEOUT_MS (2000 ms)",
  });
  expect(await said("next")).toMatchObject({ text: "next" });
});

test("a crash that needs too much memory costs its thread, and says the limit", async () => {
  expect(await failure("grow")).toMatchObject({
    reason: "memory",
    message: "processing needed more memory than PROCESS_HEAP_MIB (64 MiB)",
  });
  expect(await said("next")).toMatchObject({ text: "next" });
});

test("whatever else goes wrong in a thread is the crash's failure", async () => {
  expect(await failure("throw")).toMatchObject({ reason: "engine" });
  expect((await failure("exit")).message).toMatch(/thread ended/);
  expect((await failure("nothing")).message).toMatch(/made no report/);
});

test("many hostile crashes at once do not keep the others from being processed", async () => {
  const hostile = ["loop", "exit", "grow", "loop", "exit"].map((text) => failure(text));
  const good = Array.from({ length: 50 }, (_, index) => said(`good ${index}`));
  await Promise.all(hostile);
  expect(await Promise.all(good)).toHaveLength(50);
});

test("a thread that lacks files is given them and runs again; one that keeps asking is ended", async () => {
  asked.length = 0;
  expect(await said("ask")).toMatchObject({ release: "7/3", files: ["jobs.py"] });
  expect(asked).toEqual(["7/3/jobs.py"]);
  expect((await failure("insist")).message).toMatch(/MAX_NEED_ROUNDS/);
});

test("a thread that lacks symbols is given them; a module nobody knows is missing", async () => {
  asked.length = 0;
  expect(await said("symbols")).toMatchObject({ symbols: ["c0ffee: missing"] });
  expect(asked).toEqual(["c0ffee"]);
});

test("a thread that cannot start is nobody's failure", async () => {
  const broken = openEngine({
    ...common,
    threads: 1,
    timeoutMs: 1000,
    code: new URL("./absent.ts", import.meta.url),
  });
  const error = await run("text", broken).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(CrashFailure);
  await broken.close();
});
