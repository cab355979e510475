import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { demangle } from "../../symbols/src/demangle.ts";
import { buildBreakpadCache, DebugInfoError, openCache, type SymbolCache } from "../src/index.ts";
import { answers, elfOf } from "./fixture.ts";
import { naiveFrames } from "./naive-breakpad.ts";

const cacheOf = (text: string | Uint8Array): SymbolCache =>
  openCache(buildBreakpadCache(Buffer.from(text), demangle));

const HEAD = "MODULE Linux x86_64 000102030405060708090A0B0C0D0E0F0 app\n";

const SMALL = `${HEAD}INFO CODE_ID 03020100050407060809
FILE 0 /src/main.c
FILE 2 /src/list.h
INLINE_ORIGIN 0 push(list*)
INLINE_ORIGIN 7 grow(list*)
FUNC 1000 40 0 main
INLINE 0 12 0 0 1010 10 1030 8
INLINE 1 30 2 7 1018 8
1000 10 11 0
1010 8 29 2
1018 8 40 2
1020 10 13 0
1030 8 31 2
1038 8 14 0
FUNC m 1100 10 8 operator new(unsigned long)
1100 10 5 0
PUBLIC 1040 0 _ZN3app5startEv
PUBLIC m 1200 0 last
STACK CFI INIT 1000 210 .cfa: $rsp 8 + .ra: .cfa -8 + ^
STACK CFI 1004 .cfa: $rsp 16 +
`;

const main = ["main", "/src/main.c"] as const;

test("functions, lines, inlined calls and public names are read", () => {
  const cache = cacheOf(SMALL);
  expect(cache.info).toEqual({
    buildId: "03020100050407060809",
    debugId: "000102030405060708090A0B0C0D0E0F0",
    machine: "x86_64",
    loadBase: 0,
    sources: ["breakpad"],
    unwind: ["stack-cfi"],
    pythonRuntime: null,
    gaps: [],
  });
  expect(answers(cache, 0xfff)).toEqual([]);
  expect(answers(cache, 0x100f)).toEqual([[...main, 11]]);
  expect(answers(cache, 0x1010)).toEqual([
    ["push(list*)", "/src/list.h", 29],
    [...main, 12],
  ]);
  expect(answers(cache, 0x101f)).toEqual([
    ["grow(list*)", "/src/list.h", 40],
    ["push(list*)", "/src/list.h", 30],
    [...main, 12],
  ]);
  expect(answers(cache, 0x1030)).toEqual([
    ["push(list*)", "/src/list.h", 31],
    [...main, 12],
  ]);
  expect(answers(cache, 0x1038)).toEqual([[...main, 14]]);
  expect(answers(cache, 0x1100)).toEqual([["operator new(unsigned long)", "/src/main.c", 5]]);
});

test("a PUBLIC reaches to the next function, not beyond it, and the last to the end of the code", () => {
  const cache = cacheOf(SMALL);
  const [frame] = cache.frames(0x10ff);
  expect([frame?.function, frame?.linkageName]).toEqual(["app::start()", "_ZN3app5startEv"]);
  expect(answers(cache, 0x1110)).toEqual([]);
  expect(answers(cache, 0x120f)).toEqual([["last", null, null]]);
});

test("the old dialect: origins have a file, call sites have none", () => {
  const cache = cacheOf(`${HEAD}FILE 0 a.c
FILE 1 b.h
INLINE_ORIGIN 0 1 outer()
INLINE_ORIGIN 1 1 inner()
FUNC 10 20 0 main
INLINE 0 5 0 18 10 2c 2
INLINE 1 6 1 18 8
10 8 4 0
18 18 7 1
`);
  expect(answers(cache, 0x18)).toEqual([
    ["inner()", "b.h", 7],
    ["outer()", "b.h", 6],
    ["main", "a.c", 5],
  ]);
  expect(answers(cache, 0x2c)).toEqual([
    ["outer()", "b.h", 7],
    ["main", "a.c", 5],
  ]);
});

test("a record that lies in two calls one level up becomes a call in each", () => {
  const cache = cacheOf(`${HEAD}FILE 0 a.c
INLINE_ORIGIN 0 one()
INLINE_ORIGIN 1 two()
INLINE_ORIGIN 2 both()
FUNC 0 30 0 main
INLINE 0 1 0 0 0 10
INLINE 0 2 0 1 10 10
INLINE 1 3 0 2 8 10
0 30 9 0
`);
  const names = [4, 8, 0x10, 0x18, 0x20].map((at) =>
    answers(cache, at).map(([name, , line]) => `${name}:${line}`),
  );
  expect(names).toEqual([
    ["one():9", "main:1"],
    ["both():9", "one():3", "main:1"],
    ["both():9", "two():3", "main:2"],
    ["two():9", "main:2"],
    ["main:9"],
  ]);
});

test("lines end with CR LF, the last without an end", () => {
  const cache = cacheOf(SMALL.replaceAll("\n", "\r\n").trimEnd());
  expect(cache.info.gaps).toEqual([]);
  expect(answers(cache, 0x1000)).toEqual([[...main, 11]]);
});

test("a damaged line is a gap and costs itself alone", () => {
  const damaged = SMALL.replace("1000 10 11 0", "1000 1z 11 0").replace(
    "INLINE 1 30",
    "INLINE x 30",
  );
  const cache = cacheOf(`${damaged}WHAT IS THIS\nPUBLIC 1fffffffffffffff 0 far\n`);
  expect(cache.info.gaps).toEqual([
    "line 9: INLINE record: depth",
    "line 10: line record: size",
    "line 22: line record: address",
    "line 23: PUBLIC record: address",
  ]);
  expect(answers(cache, 0x1000)).toEqual([["main", null, null]]);
  expect(answers(cache, 0x101f)).toEqual([
    ["push(list*)", "/src/list.h", 40],
    [...main, 12],
  ]);
});

test("lines of a function that cannot be read keep their place, under the nearest public name", () => {
  const cache = cacheOf(SMALL.replace("FUNC m 1100", "FUNC m 11oo"));
  expect(cache.info.gaps).toEqual(["line 16: FUNC record: address"]);
  expect(answers(cache, 0x1100)).toEqual([["app::start()", "/src/main.c", 5]]);
  expect(answers(cache, 0x1038)).toEqual([[...main, 14]]);
});

test("many damaged lines are counted, not listed", () => {
  const { gaps } = cacheOf(`${HEAD}${"?\n".repeat(1000)}`).info;
  expect(gaps.length).toBe(21);
  expect(gaps.at(-1)).toBe("980 more lines could not be read");
});

test("what does not begin as a symbol file is refused with its place", () => {
  expect(() => cacheOf("MODULE Linux x86_64 nonsense app\n")).toThrow(
    'line 1: wanted MODULE, operating system, architecture, 33 hex digits, name; found "MODULE Linux x86_64 nonsense app"',
  );
  expect(() => elfOf(Buffer.from(SMALL))).toThrow("e_ident: wanted 7f 45 4c 46");
});

/** Null when the text gives a cache that answers, or is refused with a code. */
function fault(bytes: Uint8Array): string | null {
  try {
    const cache = cacheOf(bytes);
    for (let address = 0xff0; address < 0x1220; address += 7) cache.frames(address);
    return null;
  } catch (error) {
    return error instanceof DebugInfoError ? null : String(error);
  }
}

test("cut at any byte, and with any byte changed, it gives a cache or a coded error", () => {
  const whole = Buffer.from(SMALL);
  const cuts = Array.from(whole, (_, length) => fault(whole.subarray(0, length)));
  expect(cuts.filter((found) => found !== null)).toEqual([]);
  const change = fc.tuple(
    fc.nat(whole.length - 1),
    fc.constantFrom(...Buffer.from("\n 0f9-Im\0\xff", "latin1")),
  );
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 30 }), (changes) => {
      const damaged = Buffer.from(whole);
      for (const [at, byte] of changes) damaged[at] = byte;
      expect(fault(damaged)).toBeNull();
    }),
    { numRuns: 2000 },
  );
});

test("calls that all lie in one another and beside one another take bounded time", () => {
  const origins = "INLINE_ORIGIN 0 f()\n";
  const beside = Array.from(
    { length: 20_000 },
    (_, at) => `INLINE 0 1 0 0 ${at.toString(16)} ffffff\n`,
  );
  const inside = Array.from({ length: 300 }, (_, at) => `INLINE ${at} 1 0 0 0 ffffff\n`);
  const start = performance.now();
  const cache = cacheOf(
    `${HEAD}${origins}FUNC 0 ffffff 0 wide\n${beside.join("")}FUNC 1000000 ffffff 0 deep\n${inside.join("").replaceAll("0 ffffff", "1000000 ffffff")}`,
  );
  expect(answers(cache, 0x10)).toHaveLength(2);
  expect(answers(cache, 0x100_0010)).toHaveLength(257);
  expect(cache.info.gaps[0]).toMatch(/deeper than MAX_INLINE_DEPTH \(256\)/);
  expect(performance.now() - start).toBeLessThan(20_000);
});

const inCorpus = (path: string): Uint8Array => readFileSync(join(corpus ?? "", "public", path));
const BREAKPAD =
  "google__breakpad/src/processor/testdata/symbols/linux_inline/BBA6FA10B8AAB33D00000000000000000";
const SYMBOLIC = "getsentry__symbolic/symbolic-testutils/fixtures";

test.skipIf(corpus === null).each(["old", "new"])(
  `linux_inline.%s.sym: the frames that Breakpad's own tests want (skipped where ${corpusSkipReason})`,
  (dialect) => {
    const frames = answers(cacheOf(inCorpus(`${BREAKPAD}/linux_inline.${dialect}.sym`)), 0x161b6);
    expect(frames.map(([name, , line]) => `${name}:${line}`)).toEqual([
      "func():27",
      "bar():32",
      "foo():39",
      "main:42",
    ]);
  },
);

const withInlines = [
  "rust-minidump__rust-minidump/testdata/symbols/crash-client/509C0610949836F7B70BD88BCF03E5400/crash-client.sym",
  `${SYMBOLIC}/macos/crash.inlines.sym`,
  `${SYMBOLIC}/windows/crash.sym`,
];

test.skipIf(corpus === null).each(withInlines)(
  `%s: as a plain reading of the text says (skipped where ${corpusSkipReason})`,
  (path) => {
    const bytes = inCorpus(path);
    const start = performance.now();
    const cache = cacheOf(bytes);
    expect(performance.now() - start).toBeLessThan(10_000);
    const wrong = naiveFrames(Buffer.from(bytes).toString("utf8"), 3000).filter(
      ({ address, frames }) => JSON.stringify(answers(cache, address)) !== JSON.stringify(frames),
    );
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(cache.info.gaps).toEqual([]);
  },
);
