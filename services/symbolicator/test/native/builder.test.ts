/** The builder process: what it answers, and what a file that costs too much or a process that dies costs. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCache } from "@faultline/debuginfo";
import { CrashFailure } from "../../src/failure.ts";
import {
  BuilderClosedError,
  openNativeBuilder,
  type BuilderOptions,
  type NativeBuilder,
} from "../../src/native/builder.ts";
import { fixturePath, noLinks, quartet } from "./fixture.ts";

let folder: string;
const opened: NativeBuilder[] = [];
const open = (options: Partial<BuilderOptions> = {}): NativeBuilder => {
  const builder = openNativeBuilder({ memoryMib: 1024, ...options });
  opened.push(builder);
  return builder;
};
let builder: NativeBuilder;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "faultline-builder-"));
  builder = open();
});
afterAll(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await rm(folder, { recursive: true, force: true });
});

const paths = (object: string) => ({ object, debug: null, supplementary: null, split: [] });
const quiet = (): void => undefined;
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

test("it tells what a file says of others", async () => {
  const examined = await Promise.all(
    quartet.files.map((name) => builder.examine(fixturePath(name))),
  );
  expect(examined).toEqual([
    { ...noLinks, debugLink: "quartet.debug", debugLinkCrc: expect.any(Number) },
    {
      ...noLinks,
      altLink: "quartet.sup",
      altLinkBuildId: quartet.supplementId,
      wantedUnits: [quartet.unit],
    },
    noLinks,
    { ...noLinks, providedUnits: [quartet.unit] },
  ]);
});

test("it builds a cache of what belongs together, telling how far it is", async () => {
  const [object = "", debug = "", supplementary = "", split = ""] = quartet.files.map(fixturePath);
  const out = join(folder, "built");
  const told: [number, number][] = [];
  const built = await builder.build(
    { object, debug, supplementary, split: [split] },
    out,
    (done, total) => told.push([done, total]),
  );
  expect(built).toMatchObject({ buildId: quartet.buildId, machine: "x86_64", gaps: [] });
  const cache = openCache(await readFile(out));
  expect(cache.info.debugId).toBe(quartet.debugId);
  expect(cache.frames(0x290).map((frame) => frame.function)).toEqual(["entry_named_elsewhere"]);
  expect(told.at(-1)).toEqual([2, 2]);
});

test("what is damaged is refused with its code, and the next file is read", async () => {
  const bad = join(folder, "bad.so");
  await writeFile(bad, (await readFile(fixturePath("quartet.so"))).subarray(0, 3000));
  const error = await failure(builder.examine(bad));
  expect(error).toBeInstanceOf(CrashFailure);
  expect(error).toMatchObject({
    reason: "engine",
    message: expect.stringMatching(/^truncated: section/),
  });
  expect(await builder.examine(fixturePath("quartet.sup"))).toMatchObject({ debugLink: null });
});

test("a file that is not there, or a disk that fails, is nobody's fault", async () => {
  for (const work of [
    builder.examine(join(folder, "absent")),
    builder.build(paths(fixturePath("quartet.so")), join(folder, "no/such/folder"), quiet),
  ]) {
    const error = await failure(work);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(CrashFailure);
    expect(String(error)).toContain("ENOENT");
  }
});

describe("limits", () => {
  test("of memory: the process ends, nothing is left, the limit is named", async () => {
    const out = join(folder, "too-much");
    // a process that has only started holds more
    const small = open({ memoryMib: 24 });
    const error = await failure(small.build(paths(fixturePath("quartet.so")), out, quiet));
    expect(error).toBeInstanceOf(CrashFailure);
    expect(error).toMatchObject({
      reason: "memory",
      message: expect.stringContaining("FAULTLINE_BUILD_MIB (24 MiB)"),
    });
    await expect(readFile(out)).rejects.toThrow(/ENOENT/);
  });

  test("of time", async () => {
    const slow = join(folder, "slow.sym");
    const functions = Array.from(
      { length: 300_000 },
      (_, at) => `FUNC ${at.toString(16)}0 10 0 f${at}`,
    );
    await writeFile(slow, `MODULE Linux x86_64 ${quartet.debugId} slow\n${functions.join("\n")}\n`);
    const hasty = open({ timeoutMs: 20 });
    const error = await failure(hasty.build(paths(slow), join(folder, "slow"), quiet));
    expect(error).toMatchObject({
      reason: "timeout",
      message: "reading took longer than NATIVE_BUILD_TIMEOUT_MS (20 ms)",
    });
  });
});

test("one that has nothing to do ends, and comes back", async () => {
  const lazy = open({ idleMs: 1 });
  for (let round = 0; round < 2; round += 1) {
    expect(await lazy.examine(fixturePath("quartet.sup"))).toMatchObject({ altLink: null });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

test("closing gives up what is under way and waits", async () => {
  const closing = open();
  const works = [1, 2].map(() => failure(closing.examine(fixturePath("quartet.so"))));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await closing.close();
  for (const error of await Promise.all(works)) expect(error).toBeInstanceOf(BuilderClosedError);
});
