/** Several dumps in one text, and what stands around them. */
import { faulthandlerText, type SynthDump } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { frame, parse, parseOne, signalDump, thread } from "./parsing.ts";

const onDemand: SynthDump = { python: 12, threads: [thread(1n), thread(2n, { current: true })] };
const single: SynthDump = { python: 12, threads: [{ ident: null, frames: thread(3n).frames }] };
const timeout: SynthDump = {
  python: 12,
  header: { kind: "timeout", microseconds: 1e6 },
  threads: [thread(1n), thread(2n)],
};

const kindsOf = (text: string): string[] => parse(text).dumps.map(({ kind }) => kind);
const printed = (...dumps: readonly SynthDump[]): string => dumps.map(faulthandlerText).join("");

describe("where a dump ends", () => {
  test.each<readonly [string, readonly SynthDump[]]>([
    ["on demand, twice", [onDemand, onDemand]],
    ["the one-thread form, twice", [single, single]],
    ["watchdog, three times", [timeout, timeout, timeout]],
    ["on demand, then a crash", [single, onDemand, single, signalDump()]],
    ["a crash, then a restart that asks", [signalDump(), onDemand]],
  ])("%s", (_, dumps) => {
    const found = parse(printed(...dumps)).dumps;
    expect(found.map(({ threads }) => threads.length)).toEqual(
      dumps.map(({ threads }) => threads.length),
    );
    expect(found.map(({ kind }) => kind)).toEqual(
      dumps.map(({ header }) => header?.kind ?? "dump"),
    );
  });

  test("a blank line does not join dumps that list the same thread", () => {
    expect(kindsOf(`${printed(onDemand)}\n${printed(onDemand)}`)).toEqual(["dump", "dump"]);
  });

  test("a header behind the last line, whose newline was lost", () => {
    const { dumps } = parse(printed(timeout).trimEnd() + printed(signalDump()));
    expect(dumps.map(({ kind }) => kind)).toEqual(["timeout", "signal"]);
    expect(dumps[0]?.threads[1]?.frames.at(-1)).toEqual({
      file: "/srv/app/main.py",
      line: 9,
      name: "<module>",
    });
    expect(dumps[0]?.span[1]).toBe(dumps[1]?.span[0]);
  });

  test("log lines between", () => {
    const log = "2025-03-01 INFO restarted\n";
    expect(kindsOf([printed(onDemand), printed(signalDump()), ""].join(log))).toEqual([
      "dump",
      "signal",
    ]);
  });

  test("a log that keeps no blank lines", () => {
    const dump = parseOne(
      printed(signalDump({ extensionModules: ["x"] })).replaceAll("\n\n", "\n"),
    );
    expect(dump.threads).toHaveLength(2);
    expect(dump.extensionModules?.names).toEqual(["x"]);
  });

  test("a header that a log quotes has nothing to do with a later dump", () => {
    const text = `INFO died: Fatal Python error: Aborted\nINFO next\n${printed(onDemand)}`;
    expect(parse(text).dumps.map(({ kind, threads }) => [kind, threads.length])).toEqual([
      ["signal", 0],
      ["dump", 2],
    ]);
  });

  test("spans lie around the dumps, in bytes", () => {
    const [before, first, second] = ["größer\n", printed(onDemand), printed(signalDump())];
    const spans = parse(before + first + second).dumps.map(({ span }) => span);
    const start = Buffer.byteLength(before);
    expect(spans).toEqual([
      [start, start + first.length],
      [start + first.length, start + first.length + second.length],
    ]);
  });
});

describe("two dumps of one crash", () => {
  const fatal = signalDump({
    python: 14,
    header: { kind: "fatal", func: "PyThreadState_Get", message: "m", runtimeState: "initialized" },
  });
  const aborted = signalDump({
    python: 14,
    header: { kind: "signal", words: "Aborted" },
    cStack: [{ file: "/x.so", address: 1n }],
  });
  const sameOf = (text: string): boolean[] =>
    parse(text).dumps.map(({ sameCrashAsPrevious }) => sameCrashAsPrevious);

  test("glued together", () => {
    expect(sameOf(printed(fatal, aborted))).toEqual([false, true]);
    expect(sameOf(printed({ ...fatal, extensionModules: ["x"] }, aborted))).toEqual([false, true]);
  });

  test("apart, of other threads, or another signal: two crashes", () => {
    expect(sameOf(`${printed(fatal)}\n${printed(aborted)}`)).toEqual([false, false]);
    expect(sameOf(`${printed(fatal)}restarted\n${printed(aborted)}`)).toEqual([false, false]);
    expect(sameOf(printed(fatal, { ...aborted, threads: [thread(9n)] }))).toEqual([false, false]);
    expect(sameOf(printed(fatal, signalDump()))).toEqual([false, false]);
  });
});

describe("what looks alike and is none", () => {
  test.each([
    "",
    "no dump\n",
    'File "x" not found\n',
    "Thread pool (most recent call first): empty\n",
    "Thread 0x1f:\nThread 0x2f: started\nThread 0x3f:",
    "Timeout (soon)!\nTimeout (0:00:0",
    'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    1/0\nZeroDivisionError: x\n',
    'Memory block allocated at (most recent call first):\n  File "a.py", line 3\n',
    "Fatal Python err",
  ])("%j", (text) => {
    expect(parse(text)).toEqual({
      dumps: [],
      gaps: [expect.objectContaining({ code: "no-dump" })],
    });
  });

  test("a traceback before, after and between the lines of a dump", () => {
    const traceback =
      'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n  File "<string>", line 1\n    x = =\nSyntaxError: x\n';
    const [header, title, ...frames] = printed(single, signalDump({ threads: [] })).split("\n");
    const dump = parse(
      [traceback, header, "\n", title, "\n", traceback, frames.join("\n"), traceback].join(""),
    ).dumps[0];
    expect(dump?.threads[0]?.frames).toHaveLength(2);
  });

  test("what the debug allocator prints before a fatal error", () => {
    const report = 'Memory block allocated at (most recent call first):\n  File "a.py", line 3\n\n';
    const frames = [frame("/a.py", 1, "f")];
    const header = { kind: "fatal", func: "_PyMem_DebugRawFree", message: "bad ID" } as const;
    const dump = parseOne(
      report + printed(signalDump({ header, threads: [thread(1n, { frames })] })),
    );
    expect(dump.threads.map((found) => found.frames)).toEqual([frames]);
  });
});
