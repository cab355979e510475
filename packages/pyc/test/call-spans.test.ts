import { locationTable, synthPyc } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import {
  buildPycMap,
  type CodeSummary,
  openPycMap,
  type Position,
  type PycMap,
} from "../src/index.ts";
import { callsPyc, callsSource, callsVersions } from "./fixtures.ts";

interface Case {
  readonly line: number;
  readonly callee: string;
  /** Texts of the spans, as written behind the line. */
  readonly spans: readonly string[];
}

const decoder = new TextDecoder();

/** The cases of calls.py that CPython 3.`minor` is held to. */
function casesOf(minor: number): Case[] {
  return callsSource.flatMap((bytes, index) => {
    const [, ...groups] = decoder.decode(bytes).split("  #");
    return groups.flatMap((group) => {
      const [bound = "", ...parts] = group.split(": ");
      const cases = parts.join(": ");
      if (bound !== "" && !isWithin(minor, Number(bound))) return [];
      return cases.split(" ; ").map((one) => {
        const [callee = "", spans = ""] = one.split("->").map((part) => part.trim());
        const texts = spans.split(" | ").filter((span) => span !== "");
        return { line: index + 1, callee, spans: texts };
      });
    });
  });
}

const isWithin = (minor: number, bound: number): boolean =>
  bound < 0 ? minor <= -bound : minor >= bound;

/** Source text of a span, lines joined as they are. */
function textOf({ line, endLine, column, endColumn }: Position): string {
  const lines = callsSource.slice((line ?? 1) - 1, endLine ?? 1);
  return lines
    .map((bytes, index) => {
      const start = index === 0 ? (column ?? 0) : 0;
      return decoder.decode(
        bytes.subarray(start, index === lines.length - 1 ? (endColumn ?? 0) : undefined),
      );
    })
    .join("\n");
}

/** The function that has the line: not the module, nor a function that is written on it. */
function codeAt(map: PycMap, line: number): number {
  for (let index = 1; index < map.codeCount; index++) {
    if (map.codesAt(map.code(index).name, line).includes(index)) return index;
  }
  throw new Error(`no code object has line ${line}`);
}

/** The callee's code object: as told by "!", or the file's own where it has exactly one of that name. */
function calleeCode(map: PycMap, callee: string): CodeSummary | null {
  if (callee.endsWith("!")) {
    const name = callee.slice(0, -1);
    return { index: 0, name, qualname: name, firstLine: 1, arguments: [], flags: 3, isPlain: true };
  }
  const [index, ...others] = map.codesNamed(callee);
  return index === undefined || others.length > 0 ? null : map.code(index);
}

function spansOf(map: PycMap, { line, callee }: Case): string[] {
  const name = callee === "-" ? null : callee.replace("!", "");
  const spans = map.callSpansAt(codeAt(map, line), line, name, calleeCode(map, callee));
  return spans.map(textOf);
}

describe.each(callsVersions)("call spans of CPython 3.%d", (minor) => {
  const map = openPycMap(buildPycMap(callsPyc(minor)));

  const cases = casesOf(minor);
  const isSeveral = ({ spans }: Case): boolean => spans[0] === "*";

  test.each(cases.filter((one) => !isSeveral(one)))("line $line, $callee", (one) => {
    expect(spansOf(map, one).toSorted()).toEqual(one.spans.toSorted());
  });

  test.each(cases.filter(isSeveral))("line $line, $callee: several", (one) => {
    expect(spansOf(map, one).length).toBeGreaterThan(1);
  });
});

describe("call spans", () => {
  const spansIn = (bytes: Uint8Array): number => {
    const map = openPycMap(buildPycMap(bytes));
    return map.callSpansAt(0, 1, null).length;
  };
  const RESUME = 149;
  const POP_TOP = 32;
  const CALL = 53;
  const called = {
    code: [RESUME, 0, CALL, 0, 0, 0, 0, 0, 0, 0, POP_TOP, 0],
    lineTable: locationTable(1, [{ length: 12, line: 1, column: 4, endColumn: 7 }]),
  };

  test("are there from 3.11 on", () => {
    expect(spansIn(synthPyc(13, called))).toBe(1);
    expect(spansIn(synthPyc(10, { code: called.code }))).toBe(0);
  });

  test("are not told of pre-releases, whose opcodes have other numbers", () => {
    expect(spansIn(synthPyc(13, called, { magic: 3570 }))).toBe(0);
    expect(spansIn(synthPyc(13, called, { magic: 3572 }))).toBe(1);
  });

  test("have no columns where the file has none", () => {
    const lineTable = locationTable(1, [{ length: 12, line: 1 }]);
    const map = openPycMap(buildPycMap(synthPyc(13, { ...called, lineTable })));
    expect(map.callSpansAt(0, 1, null)).toEqual([
      { line: 1, endLine: 1, column: null, endColumn: null },
    ]);
  });

  test("are empty on lines without instructions", () => {
    const map = openPycMap(buildPycMap(synthPyc(13, called)));
    expect(map.callSpansAt(0, 0, null)).toEqual([]);
    expect(map.callSpansAt(0, 2, "f")).toEqual([]);
    expect(map.callSpansAt(0, -1, "f")).toEqual([]);
  });
});
