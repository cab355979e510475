/** What the door finds of the environment and the command line in a minidump. */
import { randomUUID } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type SynthMemory, synthMinidump } from "@faultline/testkit";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { openDump, type DumpBytes } from "../src/crash/minidump/dump.ts";
import { privateRanges } from "../src/crash/minidump/private-ranges.ts";
import { MAX_DUMP_STREAMS } from "../src/limits.ts";
import { Problem } from "../src/problem.ts";

type SynthOptions = NonNullable<Parameters<typeof synthMinidump>[0]>;

const bytesOf = (file: Buffer): DumpBytes => ({
  name: "crash.dmp",
  size: file.length,
  read: async (at, length) => file.subarray(at, at + length),
});

/** The file with what is private blanked. */
async function blanked(dump: Uint8Array): Promise<Buffer> {
  const file = Buffer.from(dump);
  const ranges = await privateRanges(await openDump(bytesOf(file)));
  for (const { at, size } of ranges) file.fill(0, at, at + size);
  return file;
}

const SECRET = "DATABASE_PASSWORD=hunter2";
const holdsSecret = (file: Uint8Array): boolean => Buffer.from(file).includes("hunter2");
const FRAMES = Buffer.alloc(4_096, "frame ");

interface Stack extends SynthMemory {
  readonly random: bigint;
  readonly name: bigint;
}

/** A stack that ends as the kernel begins it: frames, random bytes, the strings, the program's name. */
function startedStack(start = 0x7ffc_0000_0000n): Stack {
  const strings = Buffer.from(`./server\0--token=hunter2\0PATH=/bin\0${SECRET}\0`);
  const bytes = Buffer.concat([
    FRAMES,
    Buffer.alloc(16, "r"),
    strings,
    Buffer.from("./server\0\0\0\0\0\0\0\0\0"),
  ]);
  const random = start + BigInt(FRAMES.length);
  return { start, bytes, random, name: random + 16n + BigInt(strings.length) };
}

const other: SynthMemory = { start: 0x1000n, bytes: Buffer.from("left alone") };

/** The directory copied behind the end, and the header made to say so. */
function directoryLast(dump: Uint8Array, { endian }: SynthOptions): Buffer {
  const file = Buffer.from(dump);
  const isBig = endian === "big";
  const count = isBig ? file.readUInt32BE(8) : file.readUInt32LE(8);
  const moved = Buffer.concat([file, file.subarray(32, 32 + 12 * count)]);
  if (isBig) moved.writeUInt32BE(file.length, 12);
  else moved.writeUInt32LE(file.length, 12);
  return moved.fill(0, 32, 32 + 12 * count);
}

describe.each<[string, SynthOptions]>([
  ["little endian", { endian: "little" }],
  ["big endian", { endian: "big" }],
  ["lists padded to eight bytes", { padLists: true }],
])("%s", (_name, options) => {
  test("the streams of both, wherever the directory lies", async () => {
    const dump = synthMinidump(options)
      .linux("cmdline", "./server --token=hunter2\0")
      .linux("cpuinfo", "processor: 0\n")
      .linux("environ", `A=B\0${SECRET}\0`)
      .linux("environ", SECRET)
      .finish();
    for (const file of [dump, directoryLast(dump, options)]) {
      const result = await blanked(file);
      expect([holdsSecret(file), holdsSecret(result)]).toEqual([true, false]);
      expect(result.includes("processor: 0")).toBe(true);
    }
  });

  test("the strings above the first frame, in stacks and lists of memory; frames stay", async () => {
    const stack = startedStack();
    const vector = [
      [6, 4_096n],
      [25, stack.random],
      [31, stack.name],
    ] as const;
    const begun = () => synthMinidump(options).auxv(...vector);
    for (const dump of [
      begun().thread({ id: 1, stack: other }).thread({ id: 2, stack }).finish(),
      begun().memory(other).memory(stack).finish(),
      begun().memory64(other, stack).finish(),
    ]) {
      const result = await blanked(dump);
      expect([holdsSecret(dump), holdsSecret(result)]).toEqual([true, false]);
      expect([FRAMES, "left alone", "rrrr"].map((what) => result.includes(what))).toEqual([
        true,
        true,
        false,
      ]);
    }
  });
});

test("the strings in pieces, one of which begins between them", async () => {
  const { start, bytes, random, name } = startedStack();
  const cut = 4_140;
  const dump = synthMinidump()
    .auxv([25, random], [31, name])
    .memory({ start, bytes: bytes.subarray(0, cut) })
    .memory({ start: start + BigInt(cut), bytes: bytes.subarray(cut) })
    .finish();
  expect(holdsSecret(await blanked(dump))).toBe(false);
});

test("an auxiliary vector of 32-bit words, and one without a file name", async () => {
  const stack = startedStack(0xbfff_0000n);
  const narrow = synthMinidump().systemInfo({ cpu: "x86", os: "linux" });
  for (const dump of [
    narrow.auxv([6, 4_096n], [25, stack.random], [31, stack.name]),
    synthMinidump().auxv([25, stack.random]),
  ]) {
    const result = await blanked(dump.thread({ id: 1, stack }).finish());
    expect([holdsSecret(result), result.includes(FRAMES)]).toEqual([false, true]);
  }
});

describe("without an auxiliary vector, from argv and envp on the stack", () => {
  /** Frames, then argc, argv, a null, envp, a null, then the strings. `change` may change the words. */
  function pointedStack(wordBytes: 4 | 8, change: (words: bigint[]) => void = () => undefined) {
    const start = wordBytes === 8 ? 0x7ff7_0000_0000n : 0xbfff_0000n;
    const texts = ["./server", "--token=hunter2", "PATH=/bin", "HOME=/root", SECRET, "./server"];
    const words = [2n, 0n, 0n, 0n, 0n, 0n, 0n, 0n];
    let at = start + BigInt(FRAMES.length + words.length * wordBytes);
    const places = texts.map((text) => {
      const place = at;
      at += BigInt(text.length + 1);
      return place;
    });
    words.splice(1, 2, ...places.slice(0, 2));
    words.splice(4, 3, ...places.slice(2, 5));
    change(words);
    const block = Buffer.alloc(words.length * wordBytes);
    words.forEach((word, index) => {
      if (wordBytes === 8) block.writeBigUInt64LE(word, index * 8);
      else block.writeUInt32LE(Number(word), index * 4);
    });
    return { start, bytes: Buffer.concat([FRAMES, block, Buffer.from(`${texts.join("\0")}\0`)]) };
  }
  const dumpOf = (stack: SynthMemory, cpu: "amd64" | "arm" = "amd64"): Uint8Array =>
    synthMinidump()
      .systemInfo({ cpu, os: "linux" })
      .thread({ id: 1, stack: other })
      .thread({ id: 2, stack })
      .memory(stack)
      .finish();

  test.each<[string, (words: bigint[]) => void]>([
    ["as the system left them", () => undefined],
    ["one variable set anew", (words) => (words[5] = 0x6000_0000n)],
    ["the arguments taken away", (words) => words.splice(1, 2, 0n, 0n)],
  ])("%s", async (_name, change) => {
    const dump = dumpOf(pointedStack(8, change));
    const result = await blanked(dump);
    expect([holdsSecret(dump), result.includes(SECRET)]).toEqual([true, false]);
    expect([result.includes(FRAMES), result.includes("left alone")]).toEqual([true, true]);
  });

  test("of a 32-bit process", async () => {
    const result = await blanked(dumpOf(pointedStack(4), "arm"));
    expect([holdsSecret(result), result.includes(FRAMES)]).toEqual([false, true]);
  });

  test("a list that only looks so, further down, does not cost the frames between", async () => {
    const { start, bytes } = pointedStack(8);
    const lookalike = Buffer.alloc(64);
    lookalike.write("A=1\0B=2\0", 32, "latin1");
    lookalike.writeBigUInt64LE(start + 32n, 8);
    lookalike.writeBigUInt64LE(start + 36n, 16);
    lookalike.copy(bytes);
    const result = await blanked(dumpOf({ start, bytes }));
    expect([holdsSecret(result), result.includes(FRAMES.subarray(64))]).toEqual([false, true]);
  });

  test("where there is none, no memory is touched", async () => {
    const dump = synthMinidump().thread({ id: 1, stack: startedStack() }).finish();
    expect((await blanked(dump)).equals(dump)).toBe(true);
  });
});

describe("Windows: what the process's parameters lead to", () => {
  /** `offsets` of the fields that lead on, in a process of 64 or of 32 bits (phnt, ntpebteb.h and ntrtl.h). */
  const layouts = {
    amd64: { bytes: 8, peb: 0x60, parameters: 0x20, line: 0x70, environment: 0x80, size: 0x3f0 },
    x86: { bytes: 4, peb: 0x30, parameters: 0x10, line: 0x40, environment: 0x48, size: 0x290 },
  } as const;

  test.each(["amd64", "x86"] as const)("%s", async (cpu) => {
    const { bytes, ...at } = layouts[cpu];
    const [teb, peb, parameters, line, environment] = [0x1000n, 0x2000n, 0x3000n, 0x5000n, 0x6000n];
    const block = (size: number, fields: readonly (readonly [number, bigint])[]): Buffer => {
      const memory = Buffer.alloc(size);
      for (const [offset, value] of fields) {
        if (bytes === 8) memory.writeBigUInt64LE(value, offset);
        else memory.writeUInt32LE(Number(value), offset);
      }
      return memory;
    };
    const wide = (text: string): Buffer => Buffer.from(text, "utf16le");
    const lineText = wide("server.exe --token=hunter2");
    const variables = wide(`PATH=C:\\\0${SECRET}\0\0`);
    const fields = block(0x400, [
      [at.line + bytes, line],
      [at.environment, environment],
      [at.size, BigInt(variables.length)],
    ]);
    fields.writeUInt16LE(lineText.length, at.line);
    fields.writeUInt16LE(lineText.length + 2, at.line + 2);
    const dump = synthMinidump()
      .systemInfo({ cpu, os: "windows" })
      .thread({ id: 1, teb })
      .memory({ start: teb, bytes: block(0x80, [[at.peb, peb]]) })
      .memory({ start: peb, bytes: block(0x80, [[at.parameters, parameters]]) })
      .memory({ start: parameters, bytes: fields })
      .memory({ start: line, bytes: lineText })
      .memory({ start: environment, bytes: Buffer.concat([variables, wide("behind")]) })
      .finish();
    const result = await blanked(dump);
    expect(Buffer.from(dump).includes(wide("hunter2"))).toBe(true);
    expect(result.includes(wide("hunter2"))).toBe(false);
    expect(result.includes(wide("behind"))).toBe(true);
  });

  test("a dump without those structures stays as it is", async () => {
    const stack = startedStack();
    const dump = synthMinidump()
      .systemInfo({ cpu: "amd64", os: "windows" })
      .thread({ id: 1, teb: 0x1000n, stack })
      .finish();
    expect((await blanked(dump)).equals(dump)).toBe(true);
  });
});

test("Crashpad's annotations that are called so, of the process and of modules", async () => {
  const dump = synthMinidump()
    .crashpadInfo({
      reportId: randomUUID(),
      clientId: randomUUID(),
      annotations: { prod: "shop", argv: "--token=hunter2", env: "staging" },
      modules: [
        {
          moduleIndex: 0,
          simple: { "switch-1": "--token=hunter2", ver: "1.2" },
          objects: [
            { name: "environ", type: 1, value: Buffer.from(SECRET) },
            { name: "note", type: 1, value: Buffer.from("left alone") },
          ],
        },
        { moduleIndex: 1, simple: { cmdline: "--token=hunter2" } },
      ],
    })
    .finish();
  const result = await blanked(dump);
  expect([holdsSecret(dump), holdsSecret(result)]).toEqual([true, false]);
  for (const kept of ["shop", "argv", "staging", "1.2", "environ", "left alone"])
    expect(result.includes(kept)).toBe(true);
});

test("a directory that names one stream many times is blanked once", async () => {
  const place = { dataSize: 100, rva: 32 + 12 * 1_000 };
  let dump = synthMinidump();
  for (let entry = 0; entry < 999; entry++) dump = dump.entry(0x47670007, place);
  const file = Buffer.from(dump.linux("environ", SECRET.padEnd(100)).finish());
  expect(await privateRanges(await openDump(bytesOf(file)))).toEqual([
    { at: place.rva, size: 100 },
  ]);
});

describe("what is no minidump", () => {
  const good = Buffer.from(synthMinidump().linux("environ", "A=B").finish());
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
  const { start, bytes, random, name } = startedStack();
  const small = { start: start + 4_000n, bytes: bytes.subarray(4_000) };
  const check = async (file: Buffer): Promise<void> => {
    const found = await openDump(bytesOf(file)).then(privateRanges, (error: unknown) => error);
    const ranges = Array.isArray(found) ? (found as { at: number; size: number }[]) : [];
    expect(Array.isArray(found) || found instanceof Problem).toBe(true);
    let done = 0;
    for (const { at, size } of ranges) {
      expect(at).toBeGreaterThanOrEqual(done);
      expect(size).toBeGreaterThan(0);
      done = at + size;
    }
    expect(done).toBeLessThanOrEqual(file.length);
  };
  const withMemory = () =>
    synthMinidump().thread({ id: 1, teb: start, stack: small }).memory(small).memory64(small);
  const dumps = [
    withMemory().auxv([25, random], [31, name]).linux("environ", SECRET),
    withMemory().systemInfo({ cpu: "amd64", os: "windows" }),
    withMemory().systemInfo({ cpu: "x86", os: "macos" }),
    synthMinidump().crashpadInfo({
      reportId: randomUUID(),
      clientId: randomUUID(),
      annotations: { argv: "x" },
      modules: [{ moduleIndex: 0, objects: [{ name: "environ", type: 1, value: "x" }] }],
    }),
  ].map((dump) => Buffer.from(dump.finish()));
  for (const file of dumps) {
    for (let length = 0; length < file.length; length++) await check(file.subarray(0, length));
    const change = fc.tuple(fc.nat(file.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const broken = Buffer.from(file);
        for (const [at, value] of changes) broken[at] = value;
        await check(broken);
      }),
      { numRuns: 300 },
    );
  }
});

test.skipIf(corpus === null)(
  `no real dump holds a variable of the environment afterwards${corpus === null ? `: ${corpusSkipReason}` : ""}`,
  async () => {
    const names = globSync("{minidump-python,public}/**/*.dmp", { cwd: corpus ?? "" });
    expect(names.length).toBeGreaterThan(40);
    const variables = /(?<![ -~])(?:PATH|HOME|USER|USERNAME|SHELL|PWD|LANG|LOGNAME|TEMP)=/i;
    const held: unknown[] = [];
    let had = 0;
    for (const name of names) {
      const file = readFileSync(join(corpus ?? "", name));
      const isMinidump = await openDump(bytesOf(file)).then(
        () => true,
        () => false,
      );
      if (!isMinidump) continue;
      // Windows keeps its strings in UTF-16
      const text = (bytes: Buffer): string =>
        `${bytes.toString("latin1")}${bytes.toString("latin1").replaceAll("\0", "")}`;
      had += variables.test(text(file)) ? 1 : 0;
      const found = variables.exec(text(await blanked(file)));
      if (found !== null) held.push([name, found[0]]);
    }
    expect(had).toBeGreaterThan(15);
    expect(held).toEqual([]);
  },
);
