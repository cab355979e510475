/** What a text alone tells of the interpreter. */
import { faulthandlerText, type SynthDump } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { frame, parseOne, signalDump, thread } from "./parsing.ts";

const hintOf = (dump: SynthDump): string | null =>
  parseOne(faulthandlerText(dump)).pythonVersionHint;

const withFrames = (...frames: readonly ReturnType<typeof frame>[]): Partial<SynthDump> => ({
  threads: [thread(1n, { frames })],
});

describe("paths are the surest sign", () => {
  test.each([
    ["/usr/lib/python3.12/threading.py", "3.12"],
    ["/usr/lib/python3.13t/threading.py", "3.13"],
    ["C:\\Users\\x\\AppData\\Local\\Programs\\Python\\Python312\\Lib\\threading.py", "3.12"],
    ["C:\\Python39\\Lib\\threading.py", "3.9"],
    ["/Library/Frameworks/Python.framework/Versions/3.11/lib/x.py", "3.11"],
    ["/srv/python3-tools/app.py", null],
    ["/srv/mypython3.txt/app.py", null],
  ])("%s", (file, hint) => {
    expect(
      hintOf(signalDump(withFrames(frame("/srv/app.py", 1, "f"), frame(file, 2, "run")))),
    ).toBe(hint);
  });

  test.each([
    ["/usr/lib/libpython3.14.so.1.0", "3.14"],
    ["/srv/x.cpython-315t-x86_64-linux-gnu.so", "3.15"],
    ["/usr/bin/python3.14", "3.14"],
    ["/lib/libc.so.6", "3.14+"],
  ])("a module of the C stack: %s", (file, hint) => {
    expect(hintOf(signalDump({ python: 14, cStack: [{ file, address: 1n }] }))).toBe(hint);
  });

  test("they win over forms", () => {
    const path = frame("/usr/lib/python3.9/x.py", 1, "f");
    expect(
      hintOf(signalDump({ python: 14, threads: [thread(1n, { osName: "x", frames: [path] })] })),
    ).toBe("3.9");
  });
});

describe("forms", () => {
  const fatal = (runtimeState?: string): Partial<SynthDump> => ({
    header: { kind: "fatal", message: "m", ...(runtimeState !== undefined && { runtimeState }) },
  });
  test.each<readonly [string, Partial<SynthDump>, string | null]>([
    ["nothing", {}, null],
    ["no (most recent call first)", { python: 3 }, "3.3"],
    ["a thread's name", { python: 14, threads: [thread(1n, { osName: "x" })] }, "3.14+"],
    ["the hyphen", { header: { kind: "signal", words: "Floating-point exception" } }, "3.13+"],
    ["no hyphen", { header: { kind: "signal", words: "Floating point exception" } }, "3.4-3.12"],
    ["a garbage collection", { threads: [thread(1n, { garbageCollecting: true })] }, "3.10+"],
    ["extension modules", { extensionModules: ["x"] }, "3.10+"],
    ["a runtime state", fatal("initialized"), "3.8+"],
    ["no runtime state", fatal(), "3.4-3.7"],
    ["a comprehension's frame", withFrames(frame("/a.py", 1, "<listcomp>")), "3.4-3.11"],
    [
      "the bare words",
      { python: 9, threads: [thread(1n, { frames: [], stop: "no Python frame" })] },
      "3.8-3.9",
    ],
    [
      "the indented words",
      { python: 10, threads: [thread(1n, { frames: [], stop: "no Python frame" })] },
      "3.10-3.14",
    ],
    ["a freed state", { threads: [thread(1n, { frames: [], stop: "tstate is freed" })] }, "3.13"],
    ["an invalid frame", { threads: [thread(1n, { stop: "invalid frame" })] }, "3.14+"],
    [
      "a marked cut",
      withFrames(...Array.from({ length: 101 }, () => frame("/a.py", 1, "f"))),
      "3.4-3.12",
    ],
    [
      "a silent cut",
      { python: 13, ...withFrames(...Array.from({ length: 101 }, () => frame("/a.py", 1, "f"))) },
      "3.13+",
    ],
    [
      "signs that exclude each other",
      {
        python: 14,
        threads: [thread(1n, { osName: "x", frames: [frame("/a.py", 1, "<listcomp>")] })],
      },
      null,
    ],
  ])("%s", (_, more, hint) => {
    expect(hintOf(signalDump(more))).toBe(hint);
  });
});
