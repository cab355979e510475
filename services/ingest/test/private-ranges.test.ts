/** What the door finds of the environment and the command line in a minidump. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { openDump, type DumpBytes } from "../src/crash/minidump/dump.ts";
import { privateRanges } from "../src/crash/minidump/private-ranges.ts";
import { MAX_DUMP_STREAMS } from "../src/limits.ts";
import { Problem } from "../src/problem.ts";
import { AUXV, auxv, CMD_LINE, ENVIRON, minidump } from "./minidumps.ts";

const bytesOf = (file: Buffer): DumpBytes => ({
  name: "crash.dmp",
  size: file.length,
  read: async (at, length) => file.subarray(at, at + length),
});

/** The file with what is private blanked. */
async function blanked(file: Buffer): Promise<Buffer> {
  const copy = Buffer.from(file);
  const ranges = await privateRanges(await openDump(bytesOf(file)));
  for (const { at, size } of ranges) copy.fill(0, at, at + size);
  return copy;
}

const SECRET = "DATABASE_PASSWORD=hunter2";
const holdsSecret = (file: Buffer): boolean => file.includes("hunter2");
const TOP = 0x7ffc_0000_0000n;

/** A stack that ends as the kernel begins it: frames, random bytes, the strings, the program's name. */
function startedStack(): { address: bigint; bytes: Buffer; random: bigint; name: bigint } {
  const frames = Buffer.alloc(4_096, "frame ");
  const strings = Buffer.from(`./server\0--token=hunter2\0PATH=/bin\0${SECRET}\0`);
  const bytes = Buffer.concat([
    frames,
    Buffer.alloc(16, "r"),
    strings,
    Buffer.from("./server\0\0\0\0\0\0\0\0\0"),
  ]);
  const random = TOP + BigInt(frames.length);
  return { address: TOP, bytes, random, name: random + 16n + BigInt(strings.length) };
}

describe.each([
  ["little endian", {}],
  ["big endian", { isBig: true }],
  ["the directory at the end", { directory: "end" as const }],
])("%s", (_name, shape) => {
  const isBig = "isBig" in shape;

  test("the streams of both", async () => {
    const streams = [
      [CMD_LINE, Buffer.from("./server --token=hunter2\0")],
      [0x47670003, Buffer.from("processor: 0\n")],
      [ENVIRON, Buffer.from(`A=B\0${SECRET}\0`)],
      [ENVIRON, Buffer.from(SECRET)],
    ] as const;
    const file = minidump({ ...shape, streams });
    const result = await blanked(file);
    expect([holdsSecret(file), holdsSecret(result)]).toEqual([true, false]);
    expect(result.includes("processor: 0")).toBe(true);
    expect(result.length).toBe(file.length);
  });

  test.each(["stacks", "memory", "memory64"] as const)(
    "the strings above the first frame, in %s; frames stay",
    async (where) => {
      const stack = startedStack();
      const streams = [[AUXV, auxv(stack.random, stack.name, { isBig })]] as const;
      const other = { address: 0x1000n, bytes: Buffer.from("left alone") };
      const file = minidump({ ...shape, streams, [where]: [other, stack] });
      const result = await blanked(file);
      expect([holdsSecret(file), holdsSecret(result)]).toEqual([true, false]);
      expect(result.includes(Buffer.alloc(4_096, "frame "))).toBe(true);
      expect(result.includes("left alone")).toBe(true);
      expect(result.includes("rrrr")).toBe(false);
    },
  );
});

test("the strings in pieces, one of which begins between them", async () => {
  const { address, bytes, random, name } = startedStack();
  const cut = 4_140;
  const pieces = [
    { address, bytes: bytes.subarray(0, cut) },
    { address: address + BigInt(cut), bytes: bytes.subarray(cut) },
  ];
  const file = minidump({ streams: [[AUXV, auxv(random, name)]], memory: pieces });
  expect(holdsSecret(await blanked(file))).toBe(false);
});

test("an auxiliary vector of 32-bit words, and one without a file name", async () => {
  const { bytes } = startedStack();
  const stack = { address: 0xbfff_0000n, bytes };
  const random = stack.address + 4_096n;
  for (const vector of [auxv(random, random + 100n, { is32: true }), auxv(random, null)]) {
    const file = minidump({ streams: [[AUXV, vector]], stacks: [stack] });
    const result = await blanked(file);
    expect(holdsSecret(result)).toBe(false);
    expect(result.includes(Buffer.alloc(4_096, "frame "))).toBe(true);
  }
});

test("without an auxiliary vector no memory is touched", async () => {
  const file = minidump({ stacks: [startedStack()] });
  expect((await blanked(file)).equals(file)).toBe(true);
});

test("a directory that names one stream many times is blanked once", async () => {
  const body = Buffer.from(SECRET);
  const file = minidump({ streams: Array.from({ length: 1_000 }, () => [ENVIRON, body] as const) });
  const at = file.readUInt32LE(32 + 8);
  for (let entry = 0; entry < 1_000; entry++) file.writeUInt32LE(at, 32 + entry * 12 + 8);
  const ranges = await privateRanges(await openDump(bytesOf(file)));
  expect(ranges).toEqual([{ at, size: body.length }]);
});

describe("what is no minidump", () => {
  const good = minidump({ streams: [[ENVIRON, Buffer.from("A=B")]] });
  const changed = (at: number, value: number): Buffer => {
    const file = Buffer.from(good);
    file.writeUInt32LE(value, at);
    return file;
  };
  test.each([
    ["another signature", Buffer.from("ELF\0".repeat(20)), "MDMP or PMDM"],
    ["nothing", Buffer.alloc(0), "MDMP or PMDM"],
    ["a version of its own", changed(4, 0xa794), "0xa793"],
    ["a directory behind the end", changed(12, good.length - 11), "directory"],
    ["more streams than the file holds", changed(8, 400), "directory"],
    ["more streams than any dump has", changed(8, MAX_DUMP_STREAMS + 1), "MAX_DUMP_STREAMS"],
  ])("%s", async (_name, file, detail) => {
    const opened = openDump(bytesOf(file));
    await expect(opened).rejects.toThrow(Problem);
    await expect(opened).rejects.toThrow(detail);
  });
});

test("a dump cut at any byte, or with any bytes changed, is refused or has ranges inside itself", async () => {
  const stack = startedStack();
  const small = { address: stack.address + 4_000n, bytes: stack.bytes.subarray(4_000) };
  const streams = [
    [AUXV, auxv(stack.random, stack.name)],
    [ENVIRON, Buffer.from(SECRET)],
  ] as const;
  const file = minidump({ streams, stacks: [small], memory: [small], memory64: [small] });
  const check = async (bytes: Buffer): Promise<void> => {
    const found = await openDump(bytesOf(bytes)).then(privateRanges, (error: unknown) => error);
    const ranges = Array.isArray(found) ? (found as { at: number; size: number }[]) : [];
    expect(Array.isArray(found) || found instanceof Problem).toBe(true);
    let done = 0;
    for (const { at, size } of ranges) {
      expect(at).toBeGreaterThanOrEqual(done);
      expect(size).toBeGreaterThan(0);
      done = at + size;
    }
    expect(done).toBeLessThanOrEqual(bytes.length);
  };
  for (let length = 0; length < file.length; length++) await check(file.subarray(0, length));
  const change = fc.tuple(fc.nat(file.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
      const bytes = Buffer.from(file);
      for (const [at, value] of changes) bytes[at] = value;
      await check(bytes);
    }),
    { numRuns: 1_000 },
  );
});

const corpusDumps = (): string[] =>
  corpus === null
    ? []
    : globSync("{minidump-python,public}/**/*.dmp", { cwd: corpus }).filter((name) =>
        readFileSync(join(corpus ?? "", name))
          .subarray(0, 4)
          .equals(Buffer.from("MDMP")),
      );

test.skipIf(corpus === null)(
  `real dumps whose writer kept the auxiliary vector hold no environment afterwards${corpus === null ? `: ${corpusSkipReason}` : ""}`,
  async () => {
    const names = corpusDumps();
    expect(names.length).toBeGreaterThan(20);
    const variables = /(?<![ -~])(?:PATH|HOME|USER|SHELL|PWD|LANG|LOGNAME)=/;
    for (const name of names) {
      const file = readFileSync(join(corpus ?? "", name));
      const dump = await openDump(bytesOf(file)).catch(() => null);
      if (dump === null || dump.streams.every(({ type }) => type !== AUXV)) continue;
      const held = variables.exec((await blanked(file)).toString("latin1"));
      expect({ name, held }).toEqual({ name, held: null });
    }
  },
);
