import { linetable310, lnotab, locationTable, synthCode, synthPyc } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import {
  buildPycMap,
  openPycMap,
  type Position,
  PYC_MAP_VERSION,
  PycError,
  readPyc,
} from "../src/index.ts";
import { corpusPycs, expectedPyc, type ExpectedCode, readCorpusPyc } from "./corpus-pycs.ts";
import { callsPyc, callsVersions } from "./fixtures.ts";

const mapOf = (bytes: Uint8Array) => openPycMap(buildPycMap(bytes));

/** A module with functions of one name on several lines. */
const module_ = (minor: number): Uint8Array => {
  const positions = (line: number): Uint8Array =>
    locationTable(line, [
      { length: 2, line: null },
      { length: 4, line, column: 0, endColumn: 9 },
      { length: 2, line: line + 1, endLine: line + 3, column: 70_000, endColumn: 70_001 },
      { length: 2, line, column: null },
    ]);
  const lines = (line: number): Uint8Array => {
    if (minor >= 11) return positions(line);
    const ranges = [
      { length: 6, line },
      { length: 2, line: line + 1 },
      { length: 2, line },
    ];
    if (minor === 10) return linetable310(line, ranges);
    return lnotab(
      line,
      [
        { start: 6, line: line + 1 },
        { start: 8, line },
      ],
      true,
    );
  };
  const function_ = (name: string, firstLine: number) =>
    synthCode(minor, { name, firstLine, code: new Uint8Array(10), lineTable: lines(firstLine) });
  return synthPyc(minor, {
    name: "<module>",
    qualname: "<module>",
    filename: "/srv/app/m.py",
    code: new Uint8Array(10),
    lineTable: lines(1),
    consts: [
      function_("run", 10),
      function_("stop", 20),
      function_("run", 30),
      function_("é\udc80", 40),
    ],
  });
};

describe.each([6, 9, 10, 11, 15])("a map of 3.%d", (minor) => {
  const map = mapOf(module_(minor));

  test("names its version, file and code objects", () => {
    expect(map.pythonVersion).toBe(`3.${minor}`);
    expect(map.filename).toBe("/srv/app/m.py");
    expect(map.codeCount).toBe(5);
    expect(map.code(1)).toMatchObject({
      index: 1,
      name: "run",
      qualname: "run",
      firstLine: 10,
      arguments: [],
      flags: 3,
    });
  });

  test("finds code objects by name", () => {
    expect(map.codesNamed("run")).toEqual([1, 3]);
    expect(map.codesNamed("stop")).toEqual([2]);
    expect(map.codesNamed("é\udc80")).toEqual([4]);
    expect(map.codesNamed("ru")).toEqual([]);
    expect(map.codesNamed("")).toEqual([]);
  });

  test("finds code objects by name and line", () => {
    expect(map.codesAt("run", 10)).toEqual([1]);
    expect(map.codesAt("run", 31)).toEqual([3]);
    expect(map.codesAt("run", 12)).toEqual([]);
    expect(map.codesAt("stop", 10)).toEqual([]);
    expect(map.codesAt("run", 0)).toEqual([]);
    expect(map.codesAt("run", -1)).toEqual([]);
  });

  test("tells positions of instructions, and null outside of the code", () => {
    const lines = [0, 2, 5, 6, 8, 9].map((offset) => map.positionAt(1, offset)?.line);
    expect(lines).toEqual([minor >= 11 ? null : 10, 10, 10, 11, 10, 10]);
    const last: Position = { line: 11, endLine: 13, column: 70_000, endColumn: 70_001 };
    const linesOnly: Position = { line: 11, endLine: null, column: null, endColumn: null };
    expect(map.positionAt(1, 6)).toEqual(minor >= 11 ? last : linesOnly);
    expect([-1, 10, 1e9, Number.NaN].map((offset) => map.positionAt(1, offset))).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  test("knows no code objects beside its own", () => {
    for (const index of [-1, 5, 0.5, Number.NaN]) expect(() => map.code(index)).toThrow(RangeError);
  });
});

describe("a map", () => {
  test("of a function without instructions has no positions", () => {
    const map = mapOf(synthPyc(13, { code: [] }));
    expect(map.positionAt(0, 0)).toBeNull();
    expect(map.codesNamed("f")).toEqual([0]);
  });

  test("lists arguments with their stars", () => {
    const varnames = ["a", "b", "k", "args", "kw", "local"];
    const map = mapOf(
      synthPyc(14, { argcount: 2, kwonly: 1, flags: 0xf, varnames, cellvars: ["b"] }),
    );
    expect(map.code(0).arguments).toEqual(["a", "b", "k", "*args", "**kw"]);
  });

  test("tells which functions are bound as they were defined", () => {
    const map = mapOf(callsPyc(13));
    const isPlain = (name: string): (boolean | undefined)[] =>
      map.codesNamed(name).map((index) => map.code(index).isPlain);
    expect(["plain", "gen", "static", "__init__"].map(isPlain)).toEqual([
      [true],
      [true],
      [true],
      [true],
    ]);
    expect(["cached", "size", "decorated", "<lambda>", "wrapper"].map(isPlain)).toEqual([
      [false],
      [false],
      [false],
      [false],
      [false],
    ]);
    expect(mapOf(synthPyc(10, {})).code(0)).not.toHaveProperty("isPlain");
  });

  test("is read wherever its bytes lie", () => {
    const map = buildPycMap(module_(12));
    const moved = new Uint8Array(map.length + 3);
    moved.set(map, 1);
    expect(openPycMap(moved.subarray(1, 1 + map.length)).codesAt("run", 31)).toEqual([3]);
  });

  test("holds lines and columns of any size", () => {
    const lineTable = locationTable(5, [
      {
        length: 2,
        line: 500_000_000,
        endLine: 500_000_001,
        column: 1_000_000_000,
        endColumn: 1_000_000_001,
      },
    ]);
    expect(mapOf(synthPyc(13, { lineTable, firstLine: 5 })).positionAt(0, 0)).toMatchObject({
      line: 500_000_000,
      endLine: 500_000_001,
      column: 1_000_000_000,
    });
  });

  test("of a damaged table is refused when it is built", () => {
    const damaged = synthPyc(13, { lineTable: Uint8Array.of(0x7f) });
    expect(() => buildPycMap(damaged)).toThrow(expect.objectContaining({ code: "bad-line-table" }));
  });
});

describe("a damaged map", () => {
  const map = buildPycMap(callsPyc(12));
  const refusalOf = (bytes: Uint8Array): string => {
    try {
      openPycMap(bytes);
    } catch (error) {
      return error instanceof PycError ? error.code : String(error);
    }
    return "opened";
  };

  test("is refused wherever it is cut", () => {
    for (let length = 0; length < map.length; length += length < 80 ? 1 : 61) {
      expect(refusalOf(map.subarray(0, length)), `cut at ${length}`).toBe("bad-map");
    }
    expect(refusalOf(Buffer.concat([map, Buffer.alloc(4)]))).toBe("bad-map");
  });

  test("is refused whichever bit is flipped", () => {
    const flipped = Uint8Array.from(map);
    for (let at = 0; at < map.length; at += at < 64 ? 1 : 13) {
      flipped[at]! ^= 1 << (at % 8);
      expect(["bad-map", "map-version"], `byte ${at}`).toContain(refusalOf(flipped));
      flipped[at]! ^= 1 << (at % 8);
    }
  });

  test("of another version says which", () => {
    const other = Uint8Array.from(map);
    other[4] = PYC_MAP_VERSION + 1;
    expect(() => openPycMap(other)).toThrow(
      expect.objectContaining({
        code: "map-version",
        message: expect.stringContaining(`found ${PYC_MAP_VERSION + 1}`),
      }),
    );
  });
});

/** Said in the names of what is skipped. */
const skipped = corpus === null ? ` (skipped: ${corpusSkipReason})` : "";

/** Arguments in the order of the map, from what the corpus tells. */
const argumentsOf = ({ args, varargs, varkw }: ExpectedCode): string[] => [
  ...args,
  ...(varargs === undefined ? [] : [`*${varargs}`]),
  ...(varkw === undefined ? [] : [`**${varkw}`]),
];

/** Position at each second byte of a code object, from what the corpus tells. */
function positionsOf({ positions, addr2line }: ExpectedCode): (readonly (number | null)[])[] {
  const runs =
    positions ??
    addr2line.map(([start, end, line]) => [
      start,
      end,
      line === -1 ? null : line,
      null,
      null,
      null,
    ]);
  return runs.flatMap(([start = 0, end = 0, ...fields]) =>
    Array.from({ length: ((end ?? 0) - (start ?? 0)) / 2 }, () => fields),
  );
}

describe.skipIf(corpus === null)(`maps of every pyc of the corpus${skipped}`, () => {
  test.each(corpusPycs)("%s answers as its interpreter does", (name) => {
    const map = mapOf(readCorpusPyc(name));
    const { codes } = expectedPyc(name);
    const summaries = codes.map((_, index) => map.code(index));
    expect(summaries).toMatchObject(
      codes.map((code) => ({
        name: code.name,
        qualname: code.qualname,
        firstLine: code.firstLine,
        flags: code.flags,
        arguments: argumentsOf(code),
      })),
    );
    const positions = codes.map((code, index) =>
      Array.from({ length: code.codeBytes / 2 }, (_, unit) => {
        const position = map.positionAt(index, 2 * unit);
        return position && [position.line, position.endLine, position.column, position.endColumn];
      }),
    );
    expect(positions).toEqual(codes.map(positionsOf));
    const found = codes.map(({ name: text, addr2line }, index) => {
      const lines = new Set(addr2line.map(([, , line]) => line).filter((line) => line !== -1));
      return [...lines].every((line) => map.codesAt(text, line).includes(index));
    });
    expect(found).toEqual(codes.map(() => true));
  });
});

describe("maps of the fixtures", () => {
  test.each(callsVersions)("answer as the file does (3.%d)", (minor) => {
    const { codes } = readPyc(callsPyc(minor));
    const map = mapOf(callsPyc(minor));
    const names = codes.map(({ name, qualname, firstLine }) => ({ name, qualname, firstLine }));
    expect(codes.map((_, index) => map.code(index))).toMatchObject(names);
    for (const code of codes) {
      const { starts, lines, columns, count } = code.positions();
      for (let run = 0; run < count; run++) {
        const { line, column } = map.positionAt(code.index, starts[run]!)!;
        expect([line ?? -1, column ?? -1]).toEqual([lines[run], columns[run]]);
      }
    }
  });
});
