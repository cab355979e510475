/** Lines torn by another writer: `head[spam] request 17 served`, `tail`. */
import { faulthandlerText, type SynthDump } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { codesOf, frame, framesOf, parse, parseOne, signalDump, thread } from "./parsing.ts";

const paths = [
  frame("/usr/lib/python3.12/threading.py", 355, "wait"),
  frame("/usr/lib/python3.12/threading.py", 655, "_bootstrap_inner"),
  frame("/srv/app/scenarios.py", 194, "_wait_forever"),
  frame("/srv/app/scenarios.py", 26, "<lambda>"),
];
const dump: SynthDump = signalDump({
  python: 14,
  threads: [
    thread(0x7f00_0000_1000n, { osName: "a", frames: paths }),
    thread(0x7f00_0000_2000n, { osName: "b", current: true, frames: paths.toReversed() }),
  ],
});
const text = faulthandlerText(dump);
const spam = (index: number): string => `[spam] request ${index} served\n`;

/** The text with foreign lines that begin at byte `at`. */
const tornAt = (at: number, foreign: string): string =>
  text.slice(0, at) + foreign + text.slice(at);

const bodyStart = text.indexOf("Thread");

describe("once the foreign text is known", () => {
  test("a tear at any byte of the threads loses nothing", () => {
    for (let at = bodyStart; at <= text.length; at++) {
      const found = parse(spam(1) + tornAt(at, spam(2)));
      expect(found.dumps, `torn at ${at}`).toHaveLength(1);
      expect(framesOf(found.dumps), `torn at ${at}`).toEqual(framesOf(parse(text).dumps));
      expect(found.dumps[0]?.threads.map(({ ident, osName }) => [ident, osName])).toEqual([
        ["0x00007f0000001000", "a"],
        ["0x00007f0000002000", "b"],
      ]);
    }
  });

  test("several foreign lines, and a line torn twice", () => {
    const at = text.indexOf("scenarios.py");
    const twice = tornAt(at + 4, spam(3)).replace("arios", `ar${spam(4)}ios`);
    for (const torn of [tornAt(at, spam(2) + spam(3) + spam(4)), twice]) {
      const found = parse(spam(1) + torn);
      expect(framesOf(found.dumps)).toEqual(framesOf(parse(text).dumps));
      expect(codesOf(found.dumps[0]!)).toEqual(["torn-lines"]);
    }
  });

  test("foreign lines after every word, which begin with digits", () => {
    let count = 100_000;
    const noise = (): string => `${count++} noise from elsewhere\n`;
    // The words as faulthandler writes them, a write each.
    const torn = text.replace(
      /Thread 0x|Current thread 0x|[0-9a-f]{16}|  File |"|(?<=")[^"\n]+(?=")|, line |(?<=, line )\d+| in |\n/g,
      (word) => word + (count % 3 === 0 ? noise() : "") + noise(),
    );
    const found = parse(noise() + torn);
    expect(found.dumps).toHaveLength(1);
    expect(framesOf(found.dumps)).toEqual(framesOf(parse(text).dumps));
  });

  test("a message is mended, too", () => {
    const torn = text.replace("Segmentation", `${spam(2)}Segmentation`);
    expect(parse(spam(1) + torn).dumps[0]).toMatchObject({
      kind: "signal",
      message: "Segmentation fault",
    });
  });
});

describe("while the foreign text is unknown", () => {
  test("no frame is lost; what is not certain is null", () => {
    const whole = framesOf(parse(text).dumps);
    for (let at = bodyStart; at <= text.length; at++) {
      const found = framesOf(parse(tornAt(at, spam(2))).dumps);
      expect(found, `torn at ${at}`).toHaveLength(whole.length);
      for (const [index, { file, line, name }] of found.entries()) {
        const truth = whole[index];
        expect([truth?.file, null], `torn at ${at}`).toContain(file);
        expect([truth?.line, null], `torn at ${at}`).toContain(line);
        expect([truth?.name, null], `torn at ${at}`).toContain(name);
      }
    }
  });

  test("a path is completed from the files of intact frames", () => {
    const found = parseOne(tornAt(text.indexOf("scenarios.py") + 4, spam(2)));
    expect(framesOf([found])).toEqual(framesOf(parse(text).dumps));
    expect(found.gaps).toEqual([
      {
        code: "torn-lines",
        detail: "lines torn by another writer: 1 joined again, 0 known in part",
      },
    ]);
  });

  test("a path that no intact frame names stays unknown", () => {
    const once = 'Stack (most recent call first):\n  File "/srv/[spam] x\napp.py", line 3 in f\n';
    expect(parseOne(once).threads[0]?.frames).toEqual([
      { file: null, line: 3, name: "f", damaged: true },
    ]);
  });

  test("a frame whose rest never comes is marked", () => {
    const once = 'Stack (most recent call first):\n  File "/srv/app.py", line 3[spam] x\n';
    const found = parseOne(`${once}  File "/b.py", line 4 in g\n`);
    expect(found.threads[0]?.frames).toEqual([
      { file: "/srv/app.py", line: null, name: null, damaged: true },
      { file: "/b.py", line: 4, name: "g" },
    ]);
  });
});

describe("the C stack", () => {
  const cStack = [
    { file: "/usr/bin/python3.14", symbol: "_Py_DumpStack", offset: 0x4an, address: 0x49b2f9n },
    { file: "/usr/bin/python3.14", address: 0x53d28en },
    { file: "/lib/libc.so.6", offset: 0x406b0n, address: 0x7f46521946b0n },
  ];
  const withCStack = faulthandlerText({ ...dump, cStack });
  const whole = parseOne(withCStack).cStack?.frames;

  const starts = Array.from(
    { length: withCStack.length - withCStack.indexOf("  Binary") },
    (_, index) => withCStack.indexOf("  Binary") + index,
  );
  const tornFrames = (before: string, at: number): unknown =>
    parseOne(before + withCStack.slice(0, at) + spam(2) + withCStack.slice(at)).cStack?.frames;

  test("a tear by known text loses nothing", () => {
    for (const at of starts) expect(tornFrames(spam(1), at), `torn at ${at}`).toEqual(whole);
  });

  test("a tear by unknown text keeps every frame", () => {
    for (const at of starts) expect(tornFrames("", at), `torn at ${at}`).toHaveLength(3);
  });
});

test("a thread that a log mentions is none", () => {
  const found = parseOne(
    text.replace("\n\nCurrent", "\nThread 0x00007f0000009000 has ended\n\nCurrent"),
  );
  expect(found.threads).toHaveLength(2);
});

test("a frame behind text that has no newline", () => {
  const found = parseOne(text.replace('  File "/srv', 'loading...  File "/srv'));
  expect(framesOf([found])).toEqual(framesOf(parse(text).dumps));
});

test("the thread line of a dump on demand", () => {
  const torn =
    'Thread 0x00007f00[spam] x\n00001000 (most recent call first):\n  File "/b.py", line 4 in g\n';
  expect(parseOne(torn).threads[0]).toMatchObject({
    ident: "0x00007f0000001000",
    frames: [{ file: "/b.py", line: 4, name: "g" }],
  });
});
