import {
  linetable310,
  lnotab,
  locationTable,
  type SynthPosition,
  synthPyc,
} from "@faultline/testkit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CodeObject, readPyc } from "../src/index.ts";

const codeOf = (minor: number, length: number, lineTable: Uint8Array, firstLine = 1): CodeObject =>
  readPyc(synthPyc(minor, { code: new Uint8Array(length), lineTable, firstLine })).codes[0]!;

/** Line of each instruction, -1 for none. */
const linesOf = (code: CodeObject): number[] => {
  const runs = code.positions();
  const lines: number[] = [];
  for (let run = 0; run < runs.count; run++) {
    const end = run + 1 < runs.count ? runs.starts[run + 1]! : code.codeLength;
    for (let at = runs.starts[run]!; at < end; at++) lines.push(runs.lines[run]!);
  }
  return lines;
};

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

const refusalOf = (minor: number, table: string): unknown => {
  try {
    codeOf(minor, 64, hex(table)).positions();
  } catch (error) {
    return error;
  }
  return null;
};

describe("co_lnotab", () => {
  // def f(a,\n b):\n x = (a +\n b)\n return [x,\n a], compiled by 3.9 and 3.6
  test.each([
    [
      9,
      14,
      "00 02 02 01 02 ff 04 02 02 01 02 ff",
      [
        [0, 3],
        [2, 4],
        [4, 3],
        [8, 5],
        [10, 6],
        [12, 5],
      ],
    ],
    [
      6,
      12,
      "00 02 02 01 06 01 02 01",
      [
        [0, 3],
        [2, 4],
        [8, 5],
        [10, 6],
      ],
    ],
  ] as const)("of 3.%d gives the lines that dis lists", (minor, length, table, starts) => {
    expect([...codeOf(minor, length, hex(table)).lineStarts()]).toEqual(starts);
  });

  test("counts line deltas as unsigned up to 3.5, as signed from 3.6 on", () => {
    expect(linesOf(codeOf(5, 4, hex("02 ff"), 10))).toEqual([10, 10, 265, 265]);
    expect(linesOf(codeOf(6, 4, hex("02 ff"), 10))).toEqual([10, 10, 9, 9]);
  });

  test("splits large steps over pairs", () => {
    expect(linesOf(codeOf(9, 302, hex("ff 00 2d 7f 00 7f"), 1)).slice(298)).toEqual([
      1, 1, 255, 255,
    ]);
  });

  test("ends with the code from 3.8 on, as dis does", () => {
    const table = hex("02 01 04 01");
    expect([...codeOf(7, 4, table).lineStarts()]).toEqual([
      [0, 1],
      [2, 2],
      [6, 3],
    ]);
    expect([...codeOf(8, 4, table).lineStarts()]).toEqual([
      [0, 1],
      [2, 2],
    ]);
  });

  test("of half a pair is refused", () => {
    expect(refusalOf(9, "02 01 02")).toMatchObject({ code: "bad-line-table" });
  });

  test("reads back what was written", () => {
    const steps = fc.array(
      fc.record({
        forward: fc.integer({ min: 1, max: 600 }),
        step: fc.integer({ min: -400, max: 400 }),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 5, 6, 9), (list, minor) => {
        const signed = minor >= 6;
        let start = 0;
        let line = 500;
        const expected: number[] = [];
        const lines = list.map(({ forward, step }) => {
          for (let at = 0; at < 2 * forward; at++) expected.push(line);
          start += 2 * forward;
          line += signed ? step : Math.abs(step);
          return { start, line };
        });
        expected.push(line, line);
        const table = lnotab(500, lines, signed);
        expect(linesOf(codeOf(minor, start + 2, table, 500))).toEqual(expected);
      }),
    );
  });
});

describe("co_linetable of 3.10", () => {
  test("gives the ranges of co_lines()", () => {
    const code = codeOf(10, 16, hex("02 02 02 01 04 ff 02 02 02 01 04 ff"));
    expect([...code.lineRanges()]).toEqual([
      [0, 2, 3],
      [2, 4, 4],
      [4, 8, 3],
      [8, 10, 5],
      [10, 12, 6],
      [12, 16, 5],
    ]);
  });

  test("has ranges without a line", () => {
    const code = codeOf(10, 6, hex("02 00 02 80 02 01"), 7);
    expect([...code.lineRanges()]).toEqual([
      [0, 2, 7],
      [2, 4, null],
      [4, 6, 8],
    ]);
    expect([...code.lineStarts()]).toEqual([
      [0, 7],
      [4, 8],
    ]);
    expect(linesOf(code)).toEqual([7, 7, -1, -1, 8, 8]);
  });

  test("reads back what was written", () => {
    const range = fc.record({
      units: fc.integer({ min: 1, max: 300 }),
      line: fc.option(fc.integer({ min: 0, max: 2000 })),
    });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 20 }), (list) => {
        const ranges = list.map(({ units, line }) => ({ length: 2 * units, line }));
        const expected = ranges.flatMap(({ length, line }) =>
          Array.from({ length }, () => line ?? -1),
        );
        const code = codeOf(10, expected.length, linetable310(100, ranges), 100);
        expect(linesOf(code)).toEqual(expected);
      }),
    );
  });
});

describe("the location table", () => {
  /** [line, endLine, column, endColumn] of each run, -1 for none. */
  const positionsOf = (code: CodeObject): number[][] => {
    const { lines, endLines, columns, endColumns, starts, count } = code.positions();
    return Array.from({ length: count }, (_, run) =>
      [starts, lines, endLines, columns, endColumns].map((column) => column[run]!),
    );
  };

  test("of 3.11 gives what co_positions() gives", () => {
    // def f(a,\n b):\n x = (a +\n b)\n return [x,\n a]
    const table =
      "80 00 e0 09 0a d8 09 0a f1 03 01 0a 0b 80 41 e0 0c 0d d8 0c 0d f0 03 01 0c 0f f0 00 01 05 0f";
    expect(positionsOf(codeOf(11, 20, hex(table)))).toEqual([
      [0, 1, 1, 0, 0],
      [2, 3, 3, 9, 10],
      [4, 4, 4, 9, 10],
      [6, 3, 4, 9, 10],
      [10, 3, 3, 4, 5],
      [12, 5, 5, 12, 13],
      [14, 6, 6, 12, 13],
      [16, 5, 6, 11, 14],
      [18, 5, 6, 4, 14],
    ]);
  });

  test("has entries without columns and without any location", () => {
    const table = hex("e8 02 f8 80 11"); // code 13: line + 1; code 15; short: columns 1 to 2
    expect(positionsOf(codeOf(12, 6, table, 9))).toEqual([
      [0, 10, 10, -1, -1],
      [2, -1, -1, -1, -1],
      [4, 10, 10, 1, 2],
    ]);
  });

  test("that ends early leaves the rest without a position, one that is too long is cut", () => {
    expect(positionsOf(codeOf(12, 8, hex("81 00")))).toEqual([
      [0, 1, 1, 0, 0],
      [4, -1, -1, -1, -1],
    ]);
    expect(positionsOf(codeOf(12, 2, hex("87 00 d8 00 00")))).toEqual([[0, 1, 1, 0, 0]]);
  });

  test("lists neighbours of one line apart in 3.11, together from 3.12 on, as co_lines() does", () => {
    const table = hex("80 00 80 11 d8 02 03");
    expect([...codeOf(11, 6, table).lineRanges()]).toEqual([
      [0, 2, 1],
      [2, 4, 1],
      [4, 6, 2],
    ]);
    expect([...codeOf(12, 6, table).lineRanges()]).toEqual([
      [0, 4, 1],
      [4, 6, 2],
    ]);
  });

  test("starts the line None from 3.13 on only, as dis does", () => {
    const table = hex("f8 80 00 f8 80 00");
    expect([...codeOf(12, 8, table).lineStarts()]).toEqual([[2, 1]]);
    expect([...codeOf(13, 8, table).lineStarts()]).toEqual([
      [0, null],
      [2, 1],
      [4, null],
      [6, 1],
    ]);
  });

  test.each([
    ["a first byte below 0x80", "80 00 7f 00"],
    ["a short form without its columns", "80"],
    ["a one-line form without its end column", "d0 01"],
    ["a long form cut off", "f0 03 01 0a"],
    ["a number that never ends", "f0 7f 7f 7f 7f 7f 7f 00"],
    [
      "lines beyond 32 bits",
      "f0 7e 7f 7f 7f 3f 00 00 00 f0 7e 7f 7f 7f 3f 00 00 00 f0 7e 7f 7f 7f 3f 00 00 00 f0 7e 7f 7f 7f 3f 00 00 00 f0 7e 7f 7f 7f 3f 00 00 00",
    ],
  ])("with %s is refused", (_, table) => {
    expect(refusalOf(13, table)).toMatchObject({ name: "PycError", code: "bad-line-table" });
  });

  test("reads back what was written", () => {
    const position = fc.record({
      units: fc.integer({ min: 1, max: 20 }),
      line: fc.option(fc.integer({ min: 0, max: 70_000 }), { freq: 9 }),
      lines: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 })),
      column: fc.option(
        fc.oneof(fc.integer({ min: 0, max: 130 }), fc.integer({ min: 0, max: 70_000 })),
        { freq: 9 },
      ),
      width: fc.oneof(fc.integer({ min: 0, max: 16 }), fc.integer({ min: -100, max: 70_000 })),
    });
    fc.assert(
      fc.property(
        fc.array(position, { maxLength: 30 }),
        fc.integer({ min: 0, max: 70_000 }),
        (list, firstLine) => {
          const positions = list.map(({ units, line, lines, column, width }): SynthPosition => ({
            length: 2 * units,
            line,
            endLine: (line ?? 0) + lines,
            column: line === null ? null : column,
            endColumn: column === null ? null : Math.max(0, column + width),
          }));
          const expected = positions.flatMap(({ length, line, endLine = 0, column, endColumn }) => {
            const fields =
              line === null
                ? [-1, -1, -1, -1]
                : [line, endLine, column ?? -1, column === null ? -1 : (endColumn ?? -1)];
            return Array.from({ length: length / 2 }, () => fields);
          });
          const code = codeOf(
            13,
            2 * expected.length,
            locationTable(firstLine, positions),
            firstLine,
          );
          const runs = positionsOf(code);
          const actual = expected.map((_, unit) =>
            runs.findLast(([start = 0]) => start <= 2 * unit)?.slice(1),
          );
          expect(actual).toEqual(expected);
        },
      ),
    );
  });
});
