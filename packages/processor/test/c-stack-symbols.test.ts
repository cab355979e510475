/** The C stack of a 3.14+ text, with the modules that the client named and their symbols. */
import { expect, test } from "vitest";
import type { SourceFrame, SymbolCache } from "@faultline/debuginfo";
import type { CrashMetadata, Frame, ModuleSymbols, Report } from "@faultline/shared";
import { faulthandlerText } from "@faultline/testkit";
import { buildReports } from "../src/index.ts";
import { noMetadata, utf8 } from "./builders.ts";

const PYTHON = 0x40_0000n;
const LIBC = 0x7f00_0000_0000n;
const EXT = 0x7f00_0010_0000n;

const modules = [
  {
    name: "python3.14",
    codeFile: "/usr/bin/python3.14",
    buildId: "aa".repeat(20),
    debugId: null,
    base: "0x400000",
    size: 0x10_0000,
  },
  {
    name: "libc.so.6",
    codeFile: "/lib/libc.so.6",
    buildId: "bb".repeat(20),
    debugId: null,
    base: "0x7f0000000000",
    size: 0x1000,
  },
  {
    name: "_ext.so",
    codeFile: "/srv/_ext.so",
    buildId: "cc".repeat(20),
    debugId: null,
    base: "0x7f0000100000",
    size: 0x1000,
  },
  {
    name: "unused.so",
    codeFile: "/srv/unused.so",
    buildId: "dd".repeat(20),
    debugId: null,
    base: "0x7f0000200000",
    size: 0x1000,
  },
  { name: 7, base: "nonsense" },
];

const inPython = (offset: bigint, symbol?: string) => ({
  file: "/usr/bin/python3.14",
  address: PYTHON + offset,
  ...(symbol === undefined ? {} : { symbol, offset: 4n }),
});

/** A distribution's build: the eval loop's return addresses carry no symbol. */
const text = faulthandlerText({
  python: 14,
  header: { kind: "signal", words: "Segmentation fault" },
  threads: [
    {
      current: true,
      ident: 0x7fn,
      frames: [
        { file: "/srv/app/app.py", line: 3, name: "compare" },
        { file: "/srv/app/app.py", line: 9, name: "<module>" },
      ],
    },
  ],
  cStack: [
    inPython(0x100n, "_Py_DumpStack"),
    inPython(0x200n),
    { file: "/lib/libc.so.6", offset: 0x30n, address: LIBC + 0x30n },
    { file: "/srv/_ext.so", offset: 0x50n, address: EXT + 0x50n },
    inPython(0x1005n),
    inPython(0x2005n, "PyObject_Vectorcall"),
    inPython(0x1105n),
    inPython(0x3005n, "Py_BytesMain"),
  ],
});

const located = (name: string, inline = false): SourceFrame => ({
  function: name,
  linkageName: name,
  file: `${name}.c`,
  line: 7,
  column: null,
  inline,
});

/** By address relative to the load base: where calls lie, one byte before their return addresses. */
const symbols: Readonly<Record<string, Readonly<Record<number, readonly SourceFrame[]>>>> = {
  ["aa".repeat(20)]: {
    0x1004: [located("call", true), located("_PyEval_EvalFrameDefault.cold")],
    0x1104: [located("_PyEval_EvalFrameDefault")],
    0x2004: [located("list_sort")],
  },
  // Of the frame that the signal interrupted the address itself.
  ["cc".repeat(20)]: { 0x50: [located("boom")] },
};

const cacheOf = (buildId: string): SymbolCache =>
  ({
    info: { loadBase: 0x40_0000, sources: ["dwarf"], unwind: [], pythonRuntime: null },
    frames: (relative: number) => symbols[buildId]?.[relative] ?? [],
    unwindRules: () => null,
  }) as unknown as SymbolCache;

function run(metadata: Partial<CrashMetadata>): { report: Report; asked: string[] } {
  const engine = buildReports(
    { metadata: { ...noMetadata, ...metadata }, faulthandler: utf8(text), minidump: null },
    { openCache: ({ contentKey }) => cacheOf(contentKey) },
  );
  const asked: string[] = [];
  let step = engine.next();
  while (step.done !== true) {
    const need = step.value;
    const answers = new Map<string, ModuleSymbols>();
    if (need.need === "symbol-caches")
      for (const { key, name } of need.modules) {
        asked.push(name);
        if (key in symbols)
          answers.set(key, { state: "found", cache: new Uint8Array(), contentKey: key, tried: [] });
      }
    step = engine.next(answers);
  }
  return { report: step.value[0]!.report, asked };
}

const words = (frame: Frame): string =>
  frame.language === "python" ? `>${frame.function}` : (frame.function ?? frame.module ?? "?");

test("frames have functions and lines, and run the Python frames", () => {
  const { report, asked } = run({ modules });
  expect(asked.toSorted()).toEqual(["_ext.so", "libc.so.6", "python3.14"]);
  const thread = report.threads[report.crashingThread!]!;
  expect(thread.stack.map(words)).toEqual([
    "_Py_DumpStack",
    "python3.14",
    "libc.so.6",
    "boom",
    "call",
    ">compare",
    "_PyEval_EvalFrameDefault",
    "list_sort",
    "><module>",
    "_PyEval_EvalFrameDefault",
    "Py_BytesMain",
  ]);
  expect(thread.stitch).toBe("exact");
  expect(thread.stack[3]).toMatchObject({
    module: "_ext.so",
    offset: "0x50",
    file: "boom.c",
    line: 7,
    foundBy: "c-stack",
    role: null,
  });
  expect(thread.stack.map(({ role }) => role).slice(0, 3)).toEqual([
    "trampoline",
    "trampoline",
    "trampoline",
  ]);
  expect(report.modules.map(({ name, symbols: state, buildId }) => [name, state, buildId])).toEqual(
    [
      ["python3.14", "found", "aa".repeat(20)],
      ["libc.so.6", "missing", "bb".repeat(20)],
      ["_ext.so", "found", "cc".repeat(20)],
    ],
  );
  expect(report.gaps.map(({ code }) => code)).toContain("no-symbols");
});

test("without modules nothing is asked, and the two stacks stand apart", () => {
  const { report, asked } = run({});
  expect(asked).toEqual([]);
  const thread = report.threads[report.crashingThread!]!;
  expect(thread.stitch).toBe("none");
  expect(thread.stack.map(words).slice(-3)).toEqual(["Py_BytesMain", ">compare", "><module>"]);
  expect(report.modules.map(({ symbols: state }) => state)).toEqual(["unused", "unused", "unused"]);
});
