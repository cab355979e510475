/** What is built parses back to what was built, whatever it says and wherever it stands. */
import {
  behindPrefix,
  dockerJson,
  escaped,
  faulthandlerText,
  type SynthDump,
  type SynthFrame,
  type SynthThread,
} from "@faultline/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Dump, TextThread } from "../src/index.ts";
import { framesOf, parse, parseOne, placeOf } from "./parsing.ts";

/** Any text but a backslash, which may look like an escape, and lone surrogates, which may join. */
const anyText = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: "binary", maxLength }).map((text) => text.toWellFormed().replaceAll("\\", "/"));

const long = fc
  .integer({ min: 490, max: 510 })
  .chain((length) =>
    fc.constantFrom("d", "é", "日", "🐍").map((character) => character.repeat(length)),
  );
const oddFile = fc.constantFrom(
  'a"b',
  '/x", line 7 in y.py',
  "",
  "???",
  "<string>",
  "/srv/a...",
  "...",
);
const file = fc.oneof(anyText(40), long, oddFile, fc.constant("/usr/lib/python3/threading.py"));
const name = fc
  .oneof(
    anyText(20),
    long,
    fc.constantFrom("f", "<module>", "<lambda>", "", "__init__", "a b [c] in d"),
  )
  .filter((text) => !/, line (?:\d+|\?\?\?) in /.test(text) && text !== "???");
const line = fc.option(fc.integer({ min: 0, max: 0x7fff_ffff }));

const frame: fc.Arbitrary<SynthFrame> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ file, line, name }) },
  { weight: 1, arbitrary: fc.constant({ file: null, line: null, name: null }) },
);

const osName = fc
  .string({ unit: fc.constantFrom(...Array.from("ab1 []():é日\\x4")), minLength: 1, maxLength: 15 })
  .filter((text) => text.trim() !== "");

const threads = (ident: fc.Arbitrary<bigint>): fc.Arbitrary<SynthThread[]> =>
  fc
    .uniqueArray(ident, { minLength: 1, maxLength: 6 })
    .chain((idents) => fc.tuple(...idents.map(threadOf)))
    .chain((list) =>
      fc
        .option(fc.nat(list.length - 1))
        .map((current) => list.map((one, index) => ({ ...one, current: index === current }))),
    );

const threadOf = (ident: bigint): fc.Arbitrary<SynthThread> =>
  fc.record(
    {
      ident: fc.constant(ident),
      osName,
      garbageCollecting: fc.boolean(),
      frames: fc.array(frame, { maxLength: 8 }),
    },
    { requiredKeys: ["ident", "frames", "garbageCollecting"] },
  );

const words = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .map((text) => text.toWellFormed())
  .filter((text) => !/[\p{Cc}\n]|^\w+: |^Abort|^Segm|^Bus |^Ille|^Float/u.test(text));

const anyHeader: fc.Arbitrary<SynthDump["header"]> = fc.oneof(
  fc.constant(undefined),
  fc.record({
    kind: fc.constant("signal" as const),
    words: fc.constantFrom("Aborted", "Bus error"),
  }),
  fc.record({
    kind: fc.constant("timeout" as const),
    microseconds: fc.integer({ min: 1, max: 9e12 }),
  }),
  fc.record(
    {
      kind: fc.constant("fatal" as const),
      func: fc.constantFrom("f", "_Py_CheckFunctionResult"),
      message: words,
      runtimeState: fc.constantFrom("initialized", "finalizing (tstate=0x1)"),
    },
    { requiredKeys: ["kind", "message"] },
  ),
);

const hex = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const modules = fc.array(fc.stringMatching(/^[a-z_.]{1,20}$/), { maxLength: 5 });
const cStack = fc.array(
  fc.record(
    { file: fc.constantFrom("/x.so", '/a "b".so', null), address: hex, offset: hex },
    { requiredKeys: ["file", "address"] },
  ),
  { maxLength: 40 },
);

const dump: fc.Arbitrary<SynthDump> = fc
  .record({
    python: fc.integer({ min: 3, max: 15 }),
    header: anyHeader,
    threads: threads(hex),
    modules,
    cStack,
  })
  .map((built) => ({
    // A thread without frames of 3.3 on demand cannot be told from other logs' "Thread 0x1f:".
    python: built.header === undefined ? Math.max(built.python, 4) : built.python,
    threads: built.threads,
    ...(built.header !== undefined && { header: built.header }),
    ...(built.header?.kind === "signal" && built.python >= 14 && { cStack: built.cStack }),
    ...((built.header?.kind === "signal" || built.header?.kind === "fatal") && {
      extensionModules: built.modules,
    }),
  }));

/** What a string of a frame says after CPython cut it. */
const shown = (text: string | null): string | null =>
  text === null ? null : Array.from(text).slice(0, 500).join("");

const shownFrame = (built: SynthFrame): SynthFrame => ({
  file: shown(built.file),
  line: built.line,
  name: shown(built.name),
});

function expectThread(found: TextThread | undefined, built: SynthThread, python: number): void {
  expect(found).toMatchObject({
    ident: `0x${built.ident?.toString(16).padStart(16, "0")}`,
    current: built.current,
    osName: (python >= 14 ? built.osName : null) ?? null,
    garbageCollecting: python >= 10 && built.garbageCollecting === true,
  });
  expect(found?.frames.map(placeOf)).toEqual(built.frames.map(shownFrame));
}

function saidBy(header: SynthDump["header"]): Partial<Dump> {
  if (header?.kind === "timeout") return { timeoutSeconds: header.microseconds / 1e6 };
  if (header?.kind !== "fatal") return {};
  const { message, func = null, runtimeState = null } = header;
  return { message, func, runtimeState };
}

function expectDump(found: Dump, built: SynthDump): void {
  expect(found.kind).toBe(built.header?.kind ?? "dump");
  expect(found).toMatchObject(saidBy(built.header));
  expect(found.threads).toHaveLength(built.threads.length);
  for (const [index, thread] of built.threads.entries()) {
    expectThread(found.threads[index], thread, built.python);
  }
  expect(found.extensionModules?.names ?? []).toEqual(built.extensionModules ?? []);
  expect(found.cStack?.frames.map(({ file: path, address }) => [path, address])).toEqual(
    built.cStack
      ?.slice(0, 32)
      .map(({ file: path, address }) => [path, `0x${address.toString(16)}`]),
  );
}

describe("round trips", () => {
  test("a dump", () => {
    fc.assert(
      fc.property(dump, (built) => expectDump(parseOne(faulthandlerText(built)), built)),
      { numRuns: 400 },
    );
  });

  test("several dumps, each with a header", () => {
    const list = fc.array(
      dump.filter((built) => built.header !== undefined),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(list, (built) => {
        const { dumps } = parse(built.map(faulthandlerText).join(""));
        expect(dumps).toHaveLength(built.length);
        for (const [index, one] of built.entries()) expectDump(dumps[index]!, one);
      }),
    );
  });

  test("a dump behind a prefix, or as Docker keeps it", () => {
    const prefix = fc
      .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 30 })
      .filter((text) => !/[{"\\]|Thread|File/.test(text) && text.trim() !== "");
    const plain = dump.filter((built) => built.threads.some(({ frames }) => frames.length > 0));
    fc.assert(
      fc.property(plain, prefix, (built, before) => {
        const text = faulthandlerText(built);
        expectDump(parseOne(behindPrefix(text, () => before)), built);
        expectDump(parseOne(dockerJson(text)), built);
      }),
    );
  });
});

describe("noise", () => {
  const plainFrame = fc.record({
    file: fc.constantFrom("/srv/app/main.py", "/usr/lib/python3.9/threading.py"),
    line: fc.integer({ min: 1, max: 9999 }),
    name: fc.constantFrom("run", "<module>", "_bootstrap"),
  });
  const noiseLine = fc.oneof(
    fc.constantFrom(
      "2025-03-01 10:00:00,123 INFO app: restarted",
      "[spam] request 17 served",
      "Traceback (most recent call last):",
      '  File "a.py", line 1, in f',
      "    g()",
      "ValueError: x",
      "Thread pool (most recent call first): 3",
    ),
    fc
      .string({ unit: "binary-ascii", minLength: 1, maxLength: 30 })
      .filter((text) => !/[\n\r]|^\.\.\./.test(text)),
  );
  const thread = (ident: bigint): fc.Arbitrary<SynthThread> =>
    fc.record({
      ident: fc.constant(ident),
      frames: fc.array(plainFrame, { minLength: 1, maxLength: 6 }),
    });

  test("between the lines never costs a frame", () => {
    const built = fc.tuple(thread(1n), thread(2n), thread(3n));
    const noise = fc.infiniteStream(fc.array(noiseLine, { maxLength: 3 }));
    fc.assert(
      fc.property(built, noise, (list, lines) => {
        const text = faulthandlerText({
          python: 12,
          header: { kind: "signal", words: "Aborted" },
          threads: list,
        });
        const mixed = text
          .split("\n")
          .flatMap((own) => [...(lines.next().value ?? []), own])
          .join("\n");
        expect(framesOf(parse(mixed).dumps)).toEqual(list.flatMap(({ frames }) => frames));
      }),
      { numRuns: 300 },
    );
  });

  test("of any bytes gives an answer", () => {
    const pieces = fc.constantFrom(
      "Fatal Python error: ",
      "Thread 0x",
      "Current thread 0x00000001",
      " (most recent call first):",
      "\n",
      "\n\n",
      '  File "',
      '", line 3 in f',
      "???",
      "  ...",
      "  <invalid frame>",
      "Timeout (0:00:01)!",
      '{"log":"',
      '\\n"}',
      "\u001b[31m",
      "\0",
    );
    const text = fc.array(fc.oneof(pieces, fc.string({ unit: "binary", maxLength: 8 })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(text, (parts) => {
        const { dumps, gaps } = parse(parts.join("").toWellFormed());
        expect(dumps.length > 0).toBe(!gaps.some(({ code }) => code === "no-dump"));
      }),
      { numRuns: 1000 },
    );
  });
});

test("the raw form of a string is as it was printed", () => {
  fc.assert(
    fc.property(file, (path) => {
      const thread = { ident: null, frames: [{ file: path, line: 1, name: "f" }] };
      const found = parseOne(faulthandlerText({ python: 12, threads: [thread] })).threads[0]
        ?.frames[0];
      expect(found?.fileRaw ?? found?.file).toBe(escaped(shown(path) ?? ""));
    }),
  );
});
