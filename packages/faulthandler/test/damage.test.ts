/** Dumps cut at any byte, and with any byte changed. */
import { faulthandlerText, type SynthDump } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { type Dump, parseFaulthandler } from "../src/index.ts";
import { bytesOf, codesOf, frame, framesOf, parse, signalDump, thread } from "./parsing.ts";

const frames = [
  frame("/usr/lib/python3.14/threading.py", 355, "wait"),
  frame('/srv/odd", line 3 in x/é.py', 26, "<lambda>"),
  frame("/usr/lib/python3.14/threading.py", 655, "_bootstrap_inner"),
  frame("/usr/lib/python3.14/threading.py", 1045, "_bootstrap"),
];
const threads = [
  thread(1n, { osName: "pool [1]", frames }),
  thread(2n, { current: true, osName: "main", garbageCollecting: true }),
];
const cStack = [
  { file: "/usr/bin/python3.14", symbol: "_Py_DumpStack", offset: 74n, address: 0x49b2f9n },
  { file: "/usr/bin/python3.14", address: 0x53d28en },
];

const dumps: Readonly<Record<string, readonly SynthDump[]>> = {
  signal: [signalDump({ python: 14, threads, cStack, extensionModules: ["a.b", "c"] })],
  fatal: [
    signalDump({
      header: {
        kind: "fatal",
        func: "f",
        message: "m: n",
        runtimeState: "initialized",
        exception: ["E: x"],
      },
    }),
  ],
  windows: [
    signalDump({ identDigits: 8, header: { kind: "windowsException", words: "access violation" } }),
  ],
  several: [
    { python: 3, threads: [{ ident: null, frames }] },
    { python: 13, header: { kind: "timeout", microseconds: 250_000 }, threads },
    { python: 12, threads },
  ],
};

/** What every result must be, whatever the bytes were. */
function checkSane(found: readonly Dump[], length: number): void {
  let last = 0;
  for (const { span, threads: list } of found) {
    expect(span[0]).toBeGreaterThanOrEqual(last);
    expect(span[1]).toBeLessThanOrEqual(length);
    expect(list.filter(({ current }) => current).length).toBeLessThanOrEqual(1);
    last = span[0];
  }
}

describe.each(Object.entries(dumps))("%s", (_, built) => {
  const text = built.map(faulthandlerText).join("");
  const bytes = bytesOf(text);
  const whole = framesOf(parse(text).dumps);
  const frameLines = text.split("\n").filter((line) => line.startsWith("  File "));

  test("is read whole", () => {
    expect(whole).toEqual(built.flatMap(({ threads: list }) => list.flatMap((one) => one.frames)));
  });

  test("cut at any byte, it keeps the frames of its complete lines and no other", () => {
    for (let length = 0; length <= bytes.length; length++) {
      const { dumps: found } = parseFaulthandler(bytes.subarray(0, length));
      const lines = text.slice(0, length).split("\n");
      const last = lines.pop() ?? "";
      const complete = lines.filter((line) => line.startsWith("  File ")).length;
      // "<module>" and the like are whole without their newline
      const more = last === frameLines[complete] && /(?:>|_bootstrap)$/.test(last) ? 1 : 0;
      expect(framesOf(found), `cut at ${length}`).toEqual(whole.slice(0, complete + more));
      checkSane(found, length);
    }
  });

  test("any byte changed costs a frame line two frames at most, a title those of its thread", () => {
    const losses = lossesOf(text);
    const changed = Uint8Array.from(bytes);
    for (const [at, byte] of bytes.entries()) {
      for (const value of [byte ^ 1, byte ^ 0x80, 0, 0x0a, 0x20, 0x22]) {
        changed[at] = value;
        const { dumps: found } = parseFaulthandler(changed);
        const kept = framesOf(found).length;
        expect(kept, `byte ${at} is ${value}`).toBeGreaterThanOrEqual(whole.length - losses[at]!);
        checkSane(found, bytes.length);
      }
      changed[at] = byte;
    }
  });
});

/** For each byte of the text, the frames that may be lost with it. */
function lossesOf(text: string): number[] {
  const lines = text.split("\n").map((line) => `${line}\n`);
  return lines.flatMap((line, index) => {
    const after = lines.slice(index + 1).findIndex((next) => !next.startsWith("  "));
    const loss = line.startsWith("  File ") ? 2 : after + 2;
    return Array.from({ length: Buffer.byteLength(line) }, () => loss);
  });
}

describe("a text that ends early says so", () => {
  const text = faulthandlerText(dumps.signal![0]!);
  const cutAfter = (words: string): string => text.slice(0, text.indexOf(words) + words.length);
  test.each([
    ["in the header", "Fatal Python error: Segme"],
    ["after the header", "Fatal Python error: Segmentation fault\n"],
    ["in a thread's identifier", cutAfter("Thread 0x00000")],
    ["in a frame", cutAfter("line 355 in wa")],
    ["in a path", cutAfter('File "/usr')],
    ["between two threads", cutAfter("_bootstrap\n\n")],
    ["before the C stack", cutAfter("<module>\n\n")],
    ["after the C stack's title", cutAfter("C stack trace (most recent call first):\n")],
    ["in a C frame", cutAfter("_Py_DumpStack+0x")],
    ["in the extension modules", cutAfter("Extension modules: a.")],
  ])("%s", (_, cut) => {
    const { dumps: found } = parse(cut);
    expect(found).toHaveLength(1);
    expect(found[0]?.kind).toBe("signal");
    expect(codesOf(found[0]!)).toEqual(["incomplete"]);
  });

  test.each([
    ["whole", text],
    ["without its last newline", text.trimEnd()],
    ["without C stack and newline", faulthandlerText(signalDump()).trimEnd()],
    ["with a blank line after it", `${faulthandlerText(signalDump())}\n`],
    ["with log lines after it", `${cutAfter("_bootstrap\n")}restarted\n`],
  ])("%s, it does not", (_, uncut) => {
    expect(parse(uncut).dumps[0]?.gaps).toEqual([]);
  });
});
