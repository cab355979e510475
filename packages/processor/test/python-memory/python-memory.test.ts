import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CodeObjects } from "../../src/python-memory/code-objects.ts";
import { fixedLayouts } from "../../src/python-memory/fixed-layouts.ts";
import { ProcessMemory } from "../../src/python-memory/process-memory.ts";
import { readThreads } from "../../src/python-memory/threads.ts";
import type { Segment } from "./heap.ts";
import { aProcess, STACK, type SynthFrame, type SynthProcess } from "./process.ts";
import { readProcess } from "./read.ts";

const IDENT = 0x7f11_2233_4455n;

const aFrame = (name: string, line: number | null, more: Partial<SynthFrame> = {}): SynthFrame => ({
  file: "/srv/app/jobs.py",
  name,
  line,
  ...more,
});

/** Two activations: C called `key`, which called `deep`; `main` called the C code. */
const frames = {
  deep: aFrame("deep", 12, { qualname: "Job.deep", columns: [4, 18], firstLine: 10 }),
  key: aFrame("key", 30, { qualname: "Job.key" }),
  main: aFrame("main", 99, { file: "/srv/app/main.py" }),
};

const threads: SynthProcess["threads"] = [
  {
    ident: IDENT,
    nativeId: 4711,
    runs: [
      { frames: [frames.deep, frames.key], at: STACK + 0x100n },
      { frames: [frames.main], at: STACK + 0x400n },
    ],
  },
];

const readOf = (process: Omit<SynthProcess, "threads">, more = {}) =>
  readProcess(aProcess({ threads, ...process }).segments, {
    module: `libpython3.${process.minor}.so.1.0`,
    idents: [IDENT],
    ...more,
  });

describe.each([8, 9, 10, 11, 12, 13, 14, 15])("Python 3.%d", (minor) => {
  const { python, gaps } = readOf({ minor });

  test("threads and frames", () => {
    expect(gaps).toEqual([]);
    expect(python).toMatchObject({
      minor,
      version: minor >= 13 ? `3.${minor}.0` : null,
      complete: true,
    });
    const [thread] = python!.threads;
    expect(thread).toMatchObject({ ident: IDENT, cut: null, garbageCollecting: false });
    expect(thread!.nativeId).toBe(minor >= 11 ? 4711n : null);
    const qualified = (name: string): string | null => (minor >= 11 ? name : null);
    expect(
      thread!.frames.map(({ file, name, qualname, position: { line } }) => [
        file,
        name,
        qualname,
        line,
      ]),
    ).toEqual([
      ["/srv/app/jobs.py", "deep", qualified("Job.deep"), 12],
      ["/srv/app/jobs.py", "key", qualified("Job.key"), 30],
      ["/srv/app/main.py", "main", qualified("main"), 99],
    ]);
    expect(thread!.frames[0]).toMatchObject({ firstLine: 10, helper: false });
  });

  test("columns from 3.11 on", () => {
    const { column, endColumn, endLine } = python!.threads[0]!.frames[0]!.position;
    expect([endLine, column, endColumn]).toEqual(minor >= 11 ? [12, 4, 18] : [null, null, null]);
  });

  test("which frames one activation of the eval loop runs, and where it lies", () => {
    // 3.11 keeps the cframe behind where later versions keep the shim.
    const into = minor === 11 ? 0x60n : 0n;
    const grouped = [
      { frames: 2, anchor: STACK + 0x100n + into },
      { frames: 1, anchor: STACK + 0x400n + into },
    ];
    const single = { frames: 1, anchor: null };
    expect(python!.threads[0]!.runs).toEqual(minor <= 10 ? [single, single, single] : grouped);
  });

  test("the garbage collector", () => {
    expect(readOf({ minor, collecting: true }).python!.threads[0]!.garbageCollecting).toBe(true);
  });
});

describe.each([13, 14, 15])("free-threaded 3.%d", (minor) => {
  test("names, and lines in a thread's own copy of the bytecode", () => {
    const run = [
      aFrame("copied", 77, { copy: minor >= 14 ? 3 : undefined } as Partial<SynthFrame>),
    ];
    const process = aProcess({
      minor,
      freeThreaded: true,
      threads: [{ ident: IDENT, runs: [{ frames: run, at: STACK }] }],
    });
    const [frame] = readProcess(process.segments).python!.threads[0]!.frames;
    expect(frame).toMatchObject({ name: "copied", file: "/srv/app/jobs.py" });
    expect(frame!.position.line).toBe(77);
  });
});

test("names in any script", () => {
  const names = ["plain", "crème", "задача", "𝒇", ""];
  const run = names.map((name) => aFrame(name, 3));
  for (const minor of [8, 12, 15]) {
    const process = aProcess({
      minor,
      threads: [{ ident: IDENT, runs: [{ frames: run, at: STACK }] }],
    });
    const { python } = readProcess(process.segments, {
      module: `python3.${minor}`,
      idents: [IDENT],
    });
    expect(python!.threads[0]!.frames.map(({ name }) => name)).toEqual(names);
  }
});

test("versions of releases and of previews", () => {
  expect(readOf({ minor: 14, hexVersion: 0x030e_00c2 }).python?.version).toBe("3.14.0rc2");
  expect(readOf({ minor: 13, hexVersion: 0x030d_05f0 }).python?.version).toBe("3.13.5");
});

test("the interpreter's own frame between a class call and __init__", () => {
  const helper = aFrame("__init__", null, { file: "__init__" });
  const process = aProcess({
    minor: 13,
    threads: [{ ident: IDENT, runs: [{ frames: [frames.deep, helper, frames.main], at: STACK }] }],
  });
  const { frames: read } = readProcess(process.segments).python!.threads[0]!;
  expect(read.map(({ helper: own }) => own)).toEqual([false, true, false]);
});

test("a thread without frames, one between frames, and one that just began an activation", () => {
  const process = aProcess({
    minor: 12,
    threads: [
      { ident: 1n, runs: [] },
      {
        ident: 2n,
        runs: [
          { frames: [], at: STACK },
          { frames: [frames.main], at: STACK + 0x200n },
        ],
      },
    ],
  });
  const { python } = readProcess(process.segments, {
    module: "libpython3.12.so.1.0",
    idents: [1n],
  });
  expect(
    python!.threads.map(({ ident, frames: { length }, runs }) => [
      ident,
      length,
      runs.map((run) => run.frames),
    ]),
  ).toEqual([
    [1n, 0, []],
    [2n, 1, [0, 1]],
  ]);
});

test("a thread that runs code in several interpreters has one stack", () => {
  const inner = { ident: IDENT, runs: [{ frames: [frames.deep], at: STACK }] };
  const outer = { ident: IDENT, runs: [{ frames: [frames.main], at: STACK + 0x200n }] };
  const other = { ident: 2n, runs: [] };
  for (const interpreter of [0, 1]) {
    const process = aProcess({
      minor: 13,
      threads: [
        { ...inner, interpreter: 1 - interpreter },
        { ...outer, interpreter },
        { ...other, interpreter },
      ],
    });
    const { python } = readProcess(process.segments);
    const thread = python!.threads.find(({ ident }) => ident === IDENT);
    expect(python!.threads).toHaveLength(2);
    expect(thread!.frames.map(({ name }) => name)).toEqual(["deep", "main"]);
    expect(thread!.runs.map(({ anchor }) => anchor)).toEqual([STACK, STACK + 0x200n]);
  }
});

describe("what cannot be read is told", () => {
  const gapOf = (...read: Parameters<typeof readProcess>) => {
    const { python, gaps } = readProcess(...read);
    return { python, detail: gaps.map(({ code, detail }) => `${code}: ${detail}`).join("\n") };
  };
  const runtimeOnly = (segments: readonly Segment[]) => segments.slice(0, 1);

  test("no interpreter", () => {
    expect(gapOf([], { module: "libc.so.6" })).toEqual({ python: null, detail: "" });
  });

  test("an interpreter whose data the dump does not hold", () => {
    expect(gapOf([], { module: "libpython3.11.so.1.0" }).detail).toMatch(
      /^no-python-memory: .*libpython3\.11\.so\.1\.0.*upload its symbols/,
    );
  });

  test("a state that leads out of the dump", () => {
    const { segments } = aProcess({ minor: 13, threads });
    expect(gapOf(runtimeOnly(segments)).detail).toMatch(/leads to no thread/);
  });

  test("an unknown version", () => {
    const { segments } = aProcess({ minor: 15, threads, hexVersion: 0x0310_00f0 });
    expect(gapOf(segments).detail).toMatch(/Python 3\.16\.0 has a layout that is not known here/);
  });

  test("a description that contradicts itself", () => {
    const process = aProcess({ minor: 13, threads });
    const [runtime] = process.segments as [{ start: bigint; bytes: Uint8Array }];
    new DataView(runtime.bytes.buffer).setBigUint64(24 + 8 * 2, 1n << 40n, true);
    expect(gapOf(process.segments).detail).toMatch(
      /runtime_state\.interpreters_head is 1099511627776, outside/,
    );
  });

  test("another CPU", () => {
    const { segments } = aProcess({ minor: 13, threads });
    expect(gapOf(segments, { cpu: "x86" }).detail).toMatch(/layouts of x86 are not known here/);
  });

  test("frames in a circle, and frames that are not there", () => {
    const process = aProcess({ minor: 11, threads });
    const [first, , last] = process.frames;
    const previous = BigInt(process.structures.framePrevious);
    const wanted = { module: "libpython3.11.so.1.0", idents: [IDENT] };
    const cut = () => readProcess(process.segments, wanted).python!.threads[0]!;
    process.heap.word(last! + previous, first!);
    expect(cut()).toMatchObject({ cut: "its frames form a cycle", frames: { length: 3 } });
    process.heap.word(last! + previous, 0x1234_5678n);
    expect(cut()).toMatchObject({ cut: "a frame is not in the dump", frames: { length: 3 } });
  });

  test("threads in a circle", () => {
    const process = aProcess({
      minor: 12,
      threads: [
        { ident: 1n, runs: [] },
        { ident: 2n, runs: [] },
      ],
    });
    process.heap.word(
      process.states[1]! + BigInt(process.structures.threadNext),
      process.states[0]!,
    );
    const { python, detail } = gapOf(process.segments, {
      module: "libpython3.12.so",
      idents: [1n],
    });
    expect(python).toMatchObject({ complete: false, threads: { length: 2 } });
    expect(detail).toBe(
      "python-memory-cut: Python threads are missing: the list runs in a circle.",
    );
  });
});

const minors = [8, 10, 11, 12, 13, 14, 15];

/** Damage that a torn or hostile dump may have. */
const damage = fc.array(
  fc.record({
    segment: fc.nat({ max: 2 }),
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    value: fc.oneof(
      fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
      fc.constantFrom(0n, 1n, 0x7fff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn),
      // What it points to is there.
      fc.nat({ max: 0x4000 }).map((offset) => 0x5500_0000_0000n + BigInt(offset & ~7)),
    ),
  }),
  { maxLength: 40 },
);

test("any damage is borne, within bounds", () => {
  fc.assert(
    fc.property(fc.constantFrom(...minors), fc.boolean(), damage, (minor, freeThreaded, list) => {
      const { segments } = aProcess({ minor, freeThreaded, threads });
      for (const { segment, at, value } of list) {
        const { bytes } = segments[segment]!;
        const place = Math.floor((at * bytes.length) / 64) * 8;
        new DataView(bytes.buffer).setBigUint64(place, value, true);
      }
      const wanted = { module: `libpython3.${minor}.so`, idents: [IDENT] };
      const { python, gaps } = readProcess(segments, wanted);
      expect(gaps.length).toBeLessThan(10);
      for (const { frames: found, runs } of python?.threads ?? []) {
        expect(found.length).toBeLessThanOrEqual(10_000);
        expect(runs.reduce((sum, run) => sum + run.frames, 0)).toBe(found.length);
      }
    }),
    { numRuns: 150 },
  );
});

test("a process without end costs no more than the budget", () => {
  const endless = {
    read: (address: bigint, size: number) =>
      size === 8 ? (address + 0x40n) & 0x7fff_ffff_ffffn : 1n,
    bytes: (_: bigint, length: number) => new Uint8Array(length),
  };
  for (const layout of fixedLayouts.values()) {
    const memory = new ProcessMemory(endless);
    const reading = { memory, layout, codes: new CodeObjects(memory, layout) };
    const { threads: found, cut } = readThreads(reading, 0x1000n);
    expect(cut).not.toBeNull();
    expect(found.length).toBeLessThanOrEqual(2000);
    const lengths = found.map(({ frames: { length } }) => length);
    expect(Math.max(0, ...lengths)).toBeLessThanOrEqual(10_000);
  }
});

test("a dump cut anywhere is borne", () => {
  for (const minor of [10, 11, 13]) {
    const { segments } = aProcess({ minor, threads });
    for (const [cut, { start, bytes }] of segments.entries())
      for (let length = 0; length < 0x1000; length += 136) {
        const torn = segments.with(cut, { start, bytes: bytes.subarray(0, length) });
        expect(() =>
          readProcess(torn, { module: `python3.${minor}`, idents: [IDENT] }),
        ).not.toThrow();
      }
  }
});
