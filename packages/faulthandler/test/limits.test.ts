/** Every limit is a gap that names it, and hostile texts take time in proportion to their size. */
import { behindPrefix, faulthandlerText } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { faulthandlerLimits as limits, parseFaulthandler } from "../src/index.ts";
import { bytesOf, codesOf, framesOf, parse, parseOne, signalDump, thread } from "./parsing.ts";

const frameLine = '  File "/srv/a.py", line 3 in f\n';
const title = "Stack (most recent call first):\n";

describe("limits", () => {
  test("dumps of one text", () => {
    const { dumps, gaps } = parse((title + frameLine).repeat(limits.MAX_DUMPS + 5));
    expect(dumps).toHaveLength(limits.MAX_DUMPS);
    expect(codesOf({ gaps })).toEqual(["too-many-dumps"]);
    const exactly = parse((title + frameLine).repeat(limits.MAX_DUMPS));
    expect(exactly.dumps).toHaveLength(limits.MAX_DUMPS);
    expect(exactly.gaps).toEqual([]);
  });

  test("threads of one dump", () => {
    const threads = Array.from({ length: limits.MAX_THREADS + 1 }, (_, index) => {
      const ident = index.toString(16).padStart(16, "0");
      return `Thread 0x${ident} (most recent call first):\n${frameLine}`;
    });
    const dump = parseOne(`Fatal Python error: Aborted\n\n${threads.join("\n")}`);
    expect(dump.threads).toHaveLength(limits.MAX_THREADS);
    expect(codesOf(dump)).toEqual(["too-many-threads"]);
  });

  test("frames of one thread", () => {
    const dump = parseOne(title + frameLine.repeat(limits.MAX_FRAMES + 1));
    expect(dump.threads[0]?.frames).toHaveLength(limits.MAX_FRAMES);
    expect(codesOf(dump)).toEqual(["too-many-frames"]);
  });

  test("frames of one text", () => {
    const count = Math.ceil(limits.MAX_TEXT_FRAMES / limits.MAX_FRAMES) + 1;
    const { dumps } = parse((title + frameLine.repeat(limits.MAX_FRAMES)).repeat(count));
    expect(framesOf(dumps)).toHaveLength(limits.MAX_TEXT_FRAMES);
    expect(codesOf(dumps.at(-1)!)).toEqual(["too-many-frames"]);
  });

  test("C frames", () => {
    const text = faulthandlerText(signalDump({ python: 14, cStack: [] }));
    const dump = parseOne(text + '  Binary file "/x" [0x1]\n'.repeat(limits.MAX_C_FRAMES + 1));
    expect(dump.cStack?.frames).toHaveLength(limits.MAX_C_FRAMES);
    expect(codesOf(dump)).toEqual(["too-many-c-frames"]);
  });

  test("extension modules", () => {
    const extensionModules = Array.from(
      { length: limits.MAX_EXTENSION_MODULES + 1 },
      (_, index) => `m${index}`,
    );
    const dump = parseOne(faulthandlerText(signalDump({ extensionModules })));
    expect(dump.extensionModules?.names).toHaveLength(limits.MAX_EXTENSION_MODULES);
    expect(codesOf(dump)).toEqual(["too-many-extension-modules"]);
  });

  test("bytes of a line", () => {
    const dump = parseOne(`Fatal Python error: ${"x".repeat(2 * limits.MAX_LINE_BYTES)}\n\n`);
    expect(dump.message).toHaveLength(limits.MAX_LINE_BYTES - 20);
    expect(codesOf(dump)).toContain("long-line");
  });

  test("exception text", () => {
    const exception = [
      `ValueError: ${"x".repeat(100)}`,
      ..."x"
        .repeat(9)
        .split("")
        .map((x) => x.repeat(10_000)),
    ];
    const dump = parseOne(
      faulthandlerText(signalDump({ header: { kind: "fatal", message: "m", exception } })),
    );
    expect(dump.exceptionText?.length).toBeLessThanOrEqual(limits.MAX_EXCEPTION_CHARS);
    expect(dump.threads).toHaveLength(2);
    expect(codesOf(dump)).toEqual(["exception-text-cut"]);
  });

  test("lines of others in a row", () => {
    const [first, second] = faulthandlerText(signalDump()).split(/(?<=<module>\n)\n/);
    const noise = (count: number): string => "2025-03-01 INFO x\n".repeat(count);
    const count = (lines: number): number =>
      parse(`${first}\n${noise(lines)}${second}`).dumps.length;
    expect(count(limits.MAX_NOISE_LINES - 1)).toBe(1);
    expect(count(limits.MAX_NOISE_LINES + limits.MEND_LINES + 1)).toBe(2);
  });

  test("writers at a time", () => {
    const text = faulthandlerText(signalDump());
    const writers = Array.from({ length: limits.MAX_STREAMS + 1 }, (_, index) =>
      behindPrefix(text, () => `[gw${index}] `).split(/(?<=\n)/),
    );
    const oneByOne = parse(writers.flat().join(""));
    expect(oneByOne.dumps.map(({ threads }) => threads.length)).toEqual(writers.map(() => 2));
    expect(oneByOne.gaps).toEqual([]);
    const inTurn = parse(
      writers[0]!.flatMap((_, row) => writers.map((lines) => lines[row])).join(""),
    );
    expect(codesOf(inTurn)).toEqual(["too-many-streams"]);
  });
});

describe("a text that is four times as long", () => {
  const size = 1 << 20;
  const filled = (before: string, unit: string, length: number): Uint8Array =>
    Buffer.concat([bytesOf(before), Buffer.alloc(length, unit)]);
  test.each<readonly [string, string, string]>([
    ["lines of a log", "", "2025-03-01 10:00:00,123 INFO app: restarted\n"],
    ["one line", "", "a"],
    ["empty lines", "", "\n"],
    ["carriage returns", title, "\r"],
    ["NULs", "", "\0"],
    ["beginnings of threads in one line", "", "Thread 0x"],
    ["beginnings of threads", "", "Thread 0x\n"],
    ["thread lines", "", "Thread 0x00000001 (most recent call first):\n"],
    ["timeouts that are none", "", "Timeout (x"],
    ["fatal errors in one line", "", "Fatal Python error: "],
    ["fatal errors", "", "Fatal Python error: x\n"],
    ["frames", title, frameLine],
    ["frames in one line", `${title}  File "`, '", line 1 in f'],
    ["half frames in one line", `${title}  File "`, '", line 1'],
    ["digits", `${title}  File "", line `, "1"],
    ["escapes", `${title}  File "`, "\\u1234"],
    ["torn frames", title, '  File "/srv/a[spam] x\n'],
    ["torn frames with tails", title, '  File "/srv/a[spam] x\nb.py", line 3 in f\n'],
    ["odd names", `[spam] x\n${title}`, '  File "/a.py", line 3 in a b\n'],
    ["torn threads", title, "Thread 0x0000[spam]\n0001 (most recent call first):\n"],
    [
      "C frames in one line",
      `${title}\nCurrent thread's C stack trace (most recent call first):\n`,
      '  Binary file "", at +0x1 [0x1]',
    ],
    ["extension modules", `${title}Extension modules: `, "a, "],
    ["control sequences", title, "\u001b["],
    ["exception text", "Fatal Python error: x\n", "ValueErrorValueErrorValueError\n"],
    ["JSON", "", '{"log":"Thread 0x00000001 (most recent call first):\\n"}\n'],
    ["JSON strings without an end", "", '{"log":"Fatal Python error: x"}\n'],
    ["open braces", "", "{ (most recent call first):\n"],
    ["prefixes", "", "a Fatal Python error: x\n"],
    ["ever other prefixes", "", "Fatal Python error: xFatal Python error: x\n"],
  ])("of %s ends, too", (_, before, unit) => {
    for (const length of [size, 4 * size]) {
      const { dumps, gaps } = parseFaulthandler(filled(before, unit, length));
      expect(dumps.length + gaps.length).toBeGreaterThan(0);
    }
  });

  test("of threads that are all different", () => {
    const count = 50_000;
    const threads = Array.from({ length: count }, (_, index) =>
      faulthandlerText({ python: 9, threads: [thread(BigInt(index))] }),
    );
    expect(parse(threads.join("\n")).dumps.length).toBeLessThanOrEqual(limits.MAX_DUMPS);
  });
});
