/** Objects that lie, each built for one lie: the answer comes in bounded time, and says which limit stopped it. */
import { expect, test } from "vitest";
import { DebugInfoError, type SymbolCache } from "../src/index.ts";
import { cacheOf, elfOf, fixture } from "./fixture.ts";
import { abbreviations, elfWith, u16, u32, u64, uleb, unit4 } from "./synthetic-elf.ts";

const Tag = { unit: 0x11, subprogram: 0x2e, block: 0x0b } as const;
const At = {
  name: 3,
  stmtList: 0x10,
  lowPc: 0x11,
  highPc: 0x12,
  origin: 0x31,
  ranges: 0x55,
} as const;
const Form = { addr: 1, data8: 7, string: 8, ref4: 0x13, secOffset: 0x17 } as const;

const UNIT = [1, Tag.unit, 1] as const;
const NAMED = [
  2,
  Tag.subprogram,
  0,
  At.name,
  Form.string,
  At.lowPc,
  Form.addr,
  At.highPc,
  Form.data8,
] as const;
const named = (name: string, start: number, size: number | bigint): number[] => [
  2,
  ...Buffer.from(`${name}\0`),
  ...u64(start),
  ...u64(size),
];

const fill = (count: number, entry: readonly number[]): Uint8Array =>
  Buffer.alloc(count * entry.length, Buffer.from(entry));

/** Seconds that any of these may take, on a slow and busy machine. */
const SECONDS = 30;

function bounded(build: () => SymbolCache): SymbolCache {
  const start = performance.now();
  const cache = build();
  expect((performance.now() - start) / 1000).toBeLessThan(SECONDS);
  return cache;
}

const functionAt = (cache: SymbolCache, address: number): string | null | undefined =>
  cache.frames(address)[0]?.function;

test("a function 2^60 bytes long is left out; the others keep their addresses", () => {
  const entries = [1, ...named("liar", 0x1000, 2n ** 60n), ...named("honest", 0x1800, 16), 0];
  const cache = bounded(() =>
    cacheOf(
      elfWith({
        ".debug_info": unit4(Buffer.from(entries)),
        ".debug_abbrev": abbreviations(UNIT, NAMED),
      }),
    ),
  );
  expect(functionAt(cache, 0x1800)).toBe("honest");
  expect(cache.frames(0x1000)).toEqual([]);
});

const ORIGIN = [
  3,
  Tag.subprogram,
  0,
  At.origin,
  Form.ref4,
  At.lowPc,
  Form.addr,
  At.highPc,
  Form.data8,
] as const;
const withOrigin = (origin: number, start: number): number[] => [
  3,
  ...u32(origin),
  ...u64(start),
  ...u64(16),
];
const FIRST = 12; // of the entries behind the root, counted from the unit
const LENGTH = withOrigin(0, 0).length;

test.each([
  ["itself", [FIRST]],
  ["another that names it", [FIRST + LENGTH, FIRST]],
  ["a place outside the unit", [0xffff_fff0]],
  ["the middle of an entry", [FIRST + 3]],
])("an origin that is %s names nothing", (_, origins) => {
  const entries = [
    1,
    ...origins.flatMap((origin, at) => withOrigin(origin, 0x1000 + 16 * at)),
    ...named("next", 0x1800, 4),
    0,
  ];
  const cache = bounded(() =>
    cacheOf(
      elfWith({
        ".debug_info": unit4(Buffer.from(entries)),
        ".debug_abbrev": abbreviations(UNIT, NAMED, ORIGIN),
      }),
    ),
  );
  expect(functionAt(cache, 0x1000)).toBeNull();
  expect(functionAt(cache, 0x1800)).toBe("next");
});

test("a chain of 50,000 origins is followed for a few steps", () => {
  const chain = Array.from({ length: 50_000 }, (_, at) =>
    withOrigin(FIRST + (at + 1) * LENGTH, 0x1000 + (at % 256) * 16),
  );
  const entries = Buffer.from([1, ...chain.flat(), ...named("last", 0x2800, 4), 0]);
  const cache = bounded(() =>
    cacheOf(
      elfWith({
        ".debug_info": unit4(entries),
        ".debug_abbrev": abbreviations(UNIT, NAMED, ORIGIN),
      }),
    ),
  );
  expect(functionAt(cache, 0x2800)).toBe("last");
});

test("entries nested without end stop at MAX_ENTRY_DEPTH, and what came before them counts", () => {
  const entries = Buffer.concat([
    Buffer.from([1, ...named("before", 0x1000, 16)]),
    fill(1_000_000, [4]),
  ]);
  const cache = bounded(() =>
    cacheOf(
      elfWith({
        ".debug_info": unit4(entries),
        ".debug_abbrev": abbreviations(UNIT, NAMED, [4, Tag.block, 1]),
      }),
    ),
  );
  expect(functionAt(cache, 0x1000)).toBe("before");
  expect(cache.info.gaps.join()).toMatch(/nested deeper than MAX_ENTRY_DEPTH \(512\)/);
});

test("thousands of functions that share one long range list stop at MAX_RANGE_READS", () => {
  const list = Buffer.concat([fill(99_999, [...u64(0x1000), ...u64(0x1010)]), Buffer.alloc(16)]);
  const entries = Buffer.concat([Buffer.from([1]), fill(100_000, [5, ...u32(0)])]);
  const cache = bounded(() =>
    cacheOf(
      elfWith({
        ".debug_info": unit4(entries),
        ".debug_abbrev": abbreviations(UNIT, [5, Tag.subprogram, 0, At.ranges, Form.secOffset]),
        ".debug_ranges": list,
      }),
    ),
  );
  expect(cache.info.gaps.join()).toMatch(/more read than MAX_RANGE_READS \(4\)/);
  expect(cache.frames(0x1000)).toHaveLength(1);
});

test("units whose abbreviation tables overlap stop at MAX_ABBREVIATION_READS", () => {
  const table = abbreviations(
    ...Array.from({ length: 20_000 }, (_, at) => [(at % 100) + 1, Tag.unit, 0]),
  );
  const units = Array.from({ length: 3000 }, (_, at) => unit4(Buffer.from([1]), at * 5));
  const cache = bounded(() =>
    cacheOf(elfWith({ ".debug_info": Buffer.concat(units), ".debug_abbrev": table })),
  );
  expect(cache.info.gaps.join()).toMatch(/more read than MAX_ABBREVIATION_READS \(4\)/);
});

/** A line program of version 4 whose rows are the `program`. */
function lineProgram(
  program: Uint8Array,
  version = 4,
  tables: readonly number[] = [0, 0x61, 0, 0, 0, 0, 0],
): Uint8Array {
  const fixed = [1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, ...tables];
  const header = [
    ...u16(version),
    ...(version === 5 ? [8, 0] : []),
    ...u32(fixed.length),
    ...fixed,
  ];
  return Buffer.concat([Buffer.from([...u32(header.length + program.length), ...header]), program]);
}

const LINED = [6, Tag.unit, 0, At.stmtList, Form.secOffset] as const;
const lined = (line: Uint8Array): Uint8Array =>
  elfWith({
    ".debug_info": unit4(Buffer.from([6, ...u32(0)])),
    ".debug_abbrev": abbreviations(LINED),
    ".debug_line": line,
  });

test("a line program of millions of rows is read in time", () => {
  const setAddress = Buffer.from([0, 9, 2, ...u64(0x1000)]);
  const rows = fill(4_000_000, [0x21]); // one byte on, one line on
  const end = Buffer.from([0, 1, 1]);
  const cache = bounded(() => cacheOf(lined(lineProgram(Buffer.concat([setAddress, rows, end])))));
  expect(cache.frames(0x1000 + 100)[0]?.line).toBeGreaterThan(100);
});

test("a line header that claims a million files without bytes is refused before they are made", () => {
  const tables = [0, ...uleb(1_000_000), 0, ...uleb(1_000_000)];
  const cache = bounded(() => cacheOf(lined(lineProgram(Buffer.from([0, 1, 1]), 5, tables))));
  expect(cache.info.gaps.join()).toMatch(
    /1000000 files or directories at 0x[0-9a-f]+, the data ends/,
  );
});

test.each([0xffff_ffffn, 2n ** 40n, 2n ** 63n, 2n ** 64n - 1n])(
  "sections that claim %d bytes, or to begin there, are refused or left out",
  (lie) => {
    const whole = fixture("shapes-dwarf5.so");
    const table = Number(Buffer.from(whole).readBigUInt64LE(40));
    const faults: string[] = [];
    for (const { index } of elfOf(whole).sections)
      for (const field of [24, 32]) {
        const bytes = Buffer.from(whole);
        bytes.writeBigUInt64LE(lie, table + index * 64 + field);
        try {
          cacheOf(bytes).frames(0x390);
        } catch (error) {
          if (!(error instanceof DebugInfoError)) faults.push(String(error));
        }
      }
    expect(faults).toEqual([]);
  },
);
