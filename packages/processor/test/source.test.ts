import { expect, test } from "vitest";
import { MAX_SOURCE_FILE_BYTES, MAX_SOURCE_LINE_CHARS } from "../src/limits.ts";
import { SourceText } from "../src/python/source.ts";
import { utf8 } from "./builders.ts";

const numbered = (count: number): string =>
  Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

test("a line comes with three before and three after", () => {
  expect(new SourceText(utf8(numbered(10))).around(5)).toEqual({
    before: ["line 2", "line 3", "line 4"],
    line: "line 5",
    after: ["line 6", "line 7", "line 8"],
  });
});

test("fewer at the file's ends, none outside", () => {
  const source = new SourceText(utf8(numbered(2)));
  expect(source.around(1)).toEqual({ before: [], line: "line 1", after: ["line 2"] });
  expect(source.around(2)).toEqual({ before: ["line 1"], line: "line 2", after: [] });
  expect(source.around(0)).toBeNull();
  expect(source.around(3)).toBeNull();
  expect(new SourceText(new Uint8Array()).around(1)).toBeNull();
});

test.each([
  ["\\n", "a\nb\nc"],
  ["\\r\\n", "a\r\nb\r\nc"],
  ["\\r", "a\rb\rc"],
  ["mixed", "a\r\nb\rc\n"],
])("lines end in %s", (_, text) => {
  expect(new SourceText(utf8(text)).around(2)).toEqual({ before: ["a"], line: "b", after: ["c"] });
});

test.each([
  ["no cookie is UTF-8", [...utf8("x = 'é'\n")], "x = 'é'"],
  ["a signature is not text", [0xef, 0xbb, 0xbf, ...utf8("é\n")], "é"],
  ["a byte that is not UTF-8", [0x61, 0xff, 0x0a], "a\ufffd"],
])("%s", (_, bytes, first) => {
  expect(new SourceText(Uint8Array.from(bytes)).around(1)?.line).toBe(first);
});

test.each([
  ["# -*- coding: latin-1 -*-", 0xe9, "é"],
  ["# coding=iso_8859_1", 0x80, "\x80"],
  ["# vim: set fileencoding=cp1252 :", 0x80, "€"],
  ["# coding: koi8-r", 0xc1, "а"],
  ["#!/usr/bin/python3\n# coding: latin-1", 0xe9, "é"],
])("%s", (cookie, byte, character) => {
  const bytes = Uint8Array.from([...utf8(`${cookie}\n`), byte]);
  const last = cookie.split("\n").length + 1;
  expect(new SourceText(bytes).around(last)?.line).toBe(character);
});

test("a cookie below code is none", () => {
  const bytes = Uint8Array.from([...utf8("import os\n# coding: latin-1\n"), 0xe9]);
  expect(new SourceText(bytes).around(3)?.line).toBe("\ufffd");
});

test("an encoding that is not known shows nothing and is named", () => {
  const source = new SourceText(utf8("# coding: punycode\nx\n"));
  expect(source.unknownEncoding).toBe("punycode");
  expect(source.around(2)).toBeNull();
});

test("a long line is cut and stands alone, huge files show none", () => {
  const long = new SourceText(utf8(`a\n${"x".repeat(50_000)}\nb\n`));
  expect(long.around(2)).toEqual({
    before: [],
    line: "x".repeat(MAX_SOURCE_LINE_CHARS),
    after: [],
  });
  const wide = new SourceText(utf8(`a\n${"x".repeat(500)}\nb\n`));
  expect(wide.around(2)).toEqual({
    before: ["a"],
    line: "x".repeat(MAX_SOURCE_LINE_CHARS),
    after: ["b"],
  });
  const huge = new Uint8Array(MAX_SOURCE_FILE_BYTES + 1).fill(0x0a);
  expect(new SourceText(huge).around(1)).toBeNull();
});

test("lines are the same in whatever order they are asked for", () => {
  const text = numbered(200);
  const down = new SourceText(utf8(text));
  const up = new SourceText(utf8(text));
  const lines = Array.from({ length: 201 }, (_, index) => index + 1);
  const inOrder = lines.map((line) => down.around(line));
  expect(
    lines
      .toReversed()
      .map((line) => up.around(line))
      .toReversed(),
  ).toEqual(inOrder);
  expect(inOrder.map((context) => context?.line)).toEqual([
    ...Array.from({ length: 200 }, (_, index) => `line ${index + 1}`),
    undefined,
  ]);
});
