import { expect, test } from "vitest";
import { positionAt } from "../src/index.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

const linesAt = (minor: number, firstLine: number, table: string, offsets: readonly number[]) =>
  offsets.map((offset) => positionAt({ bytes: hex(table), firstLine, minor }, offset)?.line);

// def f(a,\n b):\n x = (a +\n b)\n return [x,\n a], compiled by 3.9, 3.10 and 3.11
test.each([
  [9, 1, "00 02 02 01 02 ff 04 02 02 01 02 ff", [0, 2, 4, 6, 8, 10, 12], [3, 4, 3, 3, 5, 6, 5]],
  [10, 1, "02 02 02 01 04 ff 02 02 02 01 04 ff", [0, 2, 4, 6, 8, 10, 14], [3, 4, 3, 3, 5, 6, 5]],
  [5, 10, "02 ff", [0, 1, 2, 3], [10, 10, 265, 265]],
] as const)("lines of 3.%d", (minor, firstLine, table, offsets, lines) => {
  expect(linesAt(minor, firstLine, table, offsets)).toEqual(lines);
});

test("lines and columns from 3.11 on", () => {
  const bytes = hex(
    "80 00 e0 09 0a d8 09 0a f1 03 01 0a 0b 80 41 e0 0c 0d d8 0c 0d f0 03 01 0c 0f f0 00 01 05 0f",
  );
  const at = (offset: number) => positionAt({ bytes, firstLine: 1, minor: 11 }, offset);
  expect(at(0)).toEqual({ line: 1, endLine: 1, column: 0, endColumn: 0 });
  expect(at(6)).toEqual({ line: 3, endLine: 4, column: 9, endColumn: 10 });
  expect(at(8)).toEqual(at(6));
  expect(at(18)).toEqual({ line: 5, endLine: 6, column: 4, endColumn: 14 });
});

test("before the first instruction it is the first line; beyond the table nothing is known", () => {
  const table = { bytes: hex("80 00"), firstLine: 7, minor: 13 };
  expect(positionAt(table, -2)).toMatchObject({ line: 7, column: null });
  expect(positionAt(table, 2)).toMatchObject({ line: null, endLine: null, column: null });
});

test("a damaged table is refused", () => {
  const damaged = { bytes: hex("80 00 7f 00"), firstLine: 1, minor: 13 };
  expect(() => positionAt(damaged, 2)).toThrow(expect.objectContaining({ code: "bad-line-table" }));
  expect(positionAt(damaged, 0)).toMatchObject({ line: 1 });
});
