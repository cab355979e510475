import { describe, expect, test } from "vitest";
import type { Dump, TextFrame } from "@faultline/faulthandler";
import type { NativeCrash } from "../../src/native/native-crash.ts";
import type { MemoryFrame } from "../../src/python-memory/frames.ts";
import type { MemoryThread } from "../../src/python-memory/threads.ts";
import { reconcile } from "../../src/stitch/reconcile.ts";
import { aDump, aFrame, aThread } from "../builders.ts";

const IDENT = "0x00007f0000000001";

const inMemory = (name: string | null, line: number | null): MemoryFrame => ({
  name,
  qualname: name === null ? null : `Job.${name}`,
  file: "/srv/app/jobs.py",
  firstLine: 1,
  position: { line, endLine: line, column: 4, endColumn: 9 },
  helper: name === "__init__",
});

const thread = (
  frames: readonly MemoryFrame[],
  more: Partial<MemoryThread> = {},
): MemoryThread => ({
  ident: BigInt(IDENT),
  nativeId: 4711n,
  garbageCollecting: false,
  frames,
  runs: [{ frames: frames.length, anchor: 0x1000n }],
  cut: null,
  parts: [],
  ...more,
});

const inText = (name: string, line: number): TextFrame => aFrame("/srv/app/jobs.py", line, name);

function reconciled(dump: Partial<Dump>, threads: readonly MemoryThread[], died = IDENT) {
  const crash = {
    dump: aDump(dump),
    secondSignal: null,
    raised: null,
    span: [0, 1] as const,
    gaps: [],
  };
  const native = {
    threads: [{ id: "4711", ident: BigInt(died), crashed: true }],
    python: { version: "3.13.0", minor: 13, threads, complete: true },
  } as unknown as NativeCrash;
  return reconcile(crash, native);
}

const names = ({ threads }: Dump): (string | null)[][] =>
  threads.map(({ frames }) => frames.map(({ name }) => name));

test("where they agree, memory tells more", () => {
  const { crash, sides } = reconciled(
    { threads: [aThread([inText("deep", 3), inText("run", 9)], { current: true, ident: IDENT })] },
    [thread([inMemory("deep", 3), inMemory("run", 9)])],
  );
  const [found] = crash.dump.threads;
  expect(found!.frames[0]).toMatchObject({
    name: "deep",
    memory: { qualname: "Job.deep", firstLine: 1 },
  });
  const side = sides.get(BigInt(IDENT));
  expect(side).toMatchObject({ nativeId: "4711", truncated: false, gaps: [] });
  expect(side!.runs).toHaveLength(1);
});

test("a text that CPython cut, and names and lines that could not be read, are no difference", () => {
  const cut = { current: true, ident: IDENT, framesTruncated: "marked" } as const;
  const { crash, sides } = reconciled({ threads: [aThread([inText("deep", 3)], cut)] }, [
    thread([inMemory("deep", null), inMemory("run", 9)]),
  ]);
  expect(names(crash.dump)).toEqual([["deep", "run"]]);
  expect(crash.dump.threads[0]!.framesTruncated).toBeNull();
  expect(sides.get(BigInt(IDENT))!.gaps).toEqual([]);
});

test("the interpreter's own frames do not count", () => {
  const helper = { ...inText("__init__", 0), helper: true } as const;
  const { sides } = reconciled(
    { threads: [aThread([inText("f", 3), inText("main", 9)], { ident: IDENT })] },
    [thread([inMemory("f", 3), inMemory("__init__", null), inMemory("main", 9)])],
  );
  expect(sides.get(BigInt(IDENT))!.gaps).toEqual([]);
  const other = reconciled(
    { threads: [aThread([inText("f", 3), helper, inText("main", 9)], { ident: IDENT })] },
    [thread([inMemory("f", 3), inMemory("main", 9)])],
  );
  expect(other.sides.get(BigInt(IDENT))!.gaps).toEqual([]);
});

describe("where they disagree", () => {
  const text = [inText("deep", 3), inText("run", 9)];
  const memory = [thread([inMemory("other", 3), inMemory("run", 9)])];

  test("of the thread that died the text is believed", () => {
    const { crash, sides } = reconciled(
      { threads: [aThread(text, { current: true, ident: IDENT })] },
      memory,
    );
    expect(names(crash.dump)).toEqual([["deep", "run"]]);
    const side = sides.get(BigInt(IDENT))!;
    expect(side.runs).toBeNull();
    expect(side.gaps).toMatchObject(
      [
        {
          code: "python-disagrees",
          detail: /frame 0 is deep \(line 3\) in the text, other \(line 3\)/,
        },
      ].map(({ code, detail }) => ({ code, detail: expect.stringMatching(detail) as string })),
    );
  });

  test("of any other memory is, which is of the native stack's moment", () => {
    const { crash, sides } = reconciled(
      { threads: [aThread(text, { ident: IDENT })] },
      memory,
      "0x99",
    );
    expect(names(crash.dump)).toEqual([["other", "run"]]);
    expect(sides.get(BigInt(IDENT))).toMatchObject({ gaps: [{ code: "python-disagrees" }] });
    expect(sides.get(BigInt(IDENT))!.runs).not.toBeNull();
  });

  test("so it is where one has frames that the other should have", () => {
    const longer = [thread([inMemory("deep", 3), inMemory("run", 9), inMemory("main", 1)])];
    const codes = (threads: readonly MemoryThread[]) =>
      reconciled({ threads: [aThread(text, { ident: IDENT })] }, threads, "0x99")
        .sides.get(BigInt(IDENT))!
        .gaps.map(({ code }) => code);
    expect(codes(longer)).toEqual(["python-disagrees"]);
    expect(codes([thread([inMemory("deep", 3)])])).toEqual(["python-disagrees"]);
  });
});

test("a text that names no thread is of the one that died", () => {
  const anonymous = aThread([inText("deep", 3)], { current: true, ident: null, anonymous: true });
  const { crash, sides } = reconciled({ threads: [anonymous] }, [thread([inMemory("deep", 3)])]);
  expect(crash.dump.threads).toHaveLength(1);
  expect(crash.dump.threads[0]).toMatchObject({
    ident: "0x7f0000000001",
    frames: [{ memory: { firstLine: 1 } }],
  });
  expect(sides.size).toBe(1);
});

test("of a thread that runs several interpreters the text tells one", () => {
  const inner = thread([inMemory("deep", 3)]);
  const outer = thread([inMemory("main", 9)]);
  const frames = [...inner.frames, ...outer.frames];
  const both = thread(frames, { parts: [inner, outer] });
  const current = { current: true, ident: IDENT };
  const { crash, sides } = reconciled({ threads: [aThread([inText("main", 9)], current)] }, [both]);
  expect(names(crash.dump)).toEqual([["deep", "main"]]);
  expect(sides.get(BigInt(IDENT))!.gaps).toEqual([]);
  const other = reconciled({ threads: [aThread([inText("else", 9)], current)] }, [both]);
  expect(names(other.crash.dump)).toEqual([["else"]]);
});

test("outer frames that memory has lost are the text's, and what it could not read is filled in", () => {
  const { crash, sides } = reconciled(
    {
      threads: [
        aThread([inText("deep", 3), inText("run", 9), inText("main", 1)], { ident: IDENT }),
      ],
    },
    [thread([inMemory("deep", 3), inMemory(null, null)], { cut: "a frame is not in the dump" })],
  );
  const [found] = crash.dump.threads;
  expect(found!.frames.map(({ name, line }) => [name, line])).toEqual([
    ["deep", 3],
    ["run", 9],
    ["main", 1],
  ]);
  expect(sides.get(BigInt(IDENT))).toMatchObject({
    runs: [
      { frames: 2, anchor: 0x1000n },
      { frames: 1, anchor: null },
    ],
    truncated: false,
    gaps: [
      {
        code: "python-memory-cut",
        detail: "The 1 outermost Python frame is as printed: in memory a frame is not in the dump.",
      },
    ],
  });
});

test("threads that only memory has stand before those of the text, whose last one is the main thread", () => {
  const { crash } = reconciled(
    { threads: [aThread([inText("main", 1)], { ident: "0x02" })], threadsTruncated: true },
    [thread([inMemory("deep", 3)])],
  );
  expect(names(crash.dump)).toEqual([["deep"], ["main"]]);
  expect(crash.dump.threadsTruncated).toBe(false);
});
