/** Code objects of the matched files that a printed frame can be. */
import type { CodeSummary, EntryWay, Position } from "@faultline/pyc";
import { MAX_CODES_SCANNED } from "../limits.ts";
import type { KnownFrame } from "./known-frame.ts";
import type { FileMatch, OpenedMap } from "./release-files.ts";

export interface FoundCode {
  readonly opened: OpenedMap;
  readonly index: number;
}

/** "line-differs": the file has the name, but not at that line; "unprinted": the frame has no name. */
export type Search =
  | { readonly outcome: "found"; readonly codes: readonly FoundCode[] }
  | { readonly outcome: "line-differs" | "name-missing" | "unprinted" };

/**
 * Code objects with the frame's name and line, and with what memory tells of them; without a line,
 * those with its name.
 */
export function findCodes(match: FileMatch, frame: KnownFrame, version: string | null): Search {
  const { name, line } = frame;
  if (name === null) return { outcome: "unprinted" };
  const codes: FoundCode[] = [];
  let named = false;
  for (const opened of match.maps) {
    for (const full of namesIn(opened, name, frame)) {
      const indexes = opened.map.codesNamed(full);
      if (indexes.length > 0) named = true;
      const fitting = line === null ? indexes : opened.map.codesAt(full, line);
      for (const index of fitting) {
        if (isOf(frame, opened.map.code(index))) codes.push({ opened, index });
      }
    }
  }
  if (codes.length > 0) return { outcome: "found", codes: ofVersion(codes, version) };
  return { outcome: named ? "line-differs" : "name-missing" };
}

function isOf({ memory }: KnownFrame, code: CodeSummary): boolean {
  if (memory === undefined) return true;
  const { qualname, firstLine } = memory;
  return (
    (qualname === null || qualname === code.qualname) &&
    (firstLine === null || firstLine === code.firstLine)
  );
}

/** The name itself, or the full names that CPython cut to it (500 code points). */
function namesIn({ map }: OpenedMap, name: string, frame: KnownFrame): readonly string[] {
  if (!frame.nameTruncated) return [name];
  const names = new Set<string>();
  for (let index = 0; index < Math.min(map.codeCount, MAX_CODES_SCANNED); index++) {
    const full = map.code(index).name;
    if (full.startsWith(name)) names.add(full);
  }
  return [...names];
}

/** A release may hold one file compiled for several versions: those of the crashed one win. */
function ofVersion(codes: readonly FoundCode[], version: string | null): readonly FoundCode[] {
  if (version === null || codes.length === 1) return codes;
  const same = codes.filter(({ opened }) => opened.map.pythonVersion === version);
  return same.length > 0 ? same : codes;
}

/** The value that all agree on, else null. */
export function agreed<T>(values: readonly T[]): T | null {
  const first = values[0];
  if (first === undefined) return null;
  return values.every((value) => value === first) ? first : null;
}

/** True when all are one function: what a reader would call the same code. */
export const sameFunction = (codes: readonly CodeSummary[]): boolean =>
  agreed(codes.map(({ qualname }) => qualname)) !== null &&
  agreed(codes.map(({ firstLine }) => firstLine)) !== null &&
  agreed(codes.map((code) => code.arguments.join(","))) !== null;

/** The code object that all of these are, as far as a caller's line depends on it; null when they differ there. */
export const oneCode = (codes: readonly CodeSummary[]): CodeSummary | null =>
  agreed(codes.map(({ flags, isPlain }) => `${flags} ${isPlain}`)) === null
    ? null
    : (codes[0] ?? null);

/** The next inner frame, as far as it is known: what the line called. */
export interface Callee {
  /** Null when it was not printed whole, or when the frame is the innermost. */
  readonly name: string | null;
  /** Its code object, null when it is not known: tells generators from functions, and what may be a property. */
  readonly code: CodeSummary | null;
}

/** The one span that a call of `callee` on the line can have, when every code object leaves one. */
export function callSpan(
  codes: readonly FoundCode[],
  line: number,
  callee: Callee,
): Position | null {
  let only: Position | null = null;
  for (const { opened, index } of codes) {
    const spans = opened.map.callSpansAt(index, line, callee.name, callee.code);
    const span = spans[0];
    if (spans.length !== 1 || span === undefined) return null;
    if (only !== null && !sameSpan(only, span)) return null;
    only = span;
  }
  return only;
}

/** How the line can have entered `callee`, as far as every code object tells; none: unknown. */
export function entryWays(
  codes: readonly FoundCode[],
  line: number,
  { name, code }: Callee,
): readonly EntryWay[] {
  if (name === null) return [];
  return codes.flatMap(({ opened, index }) => opened.map.entryWaysAt(index, line, name, code));
}

const sameSpan = (left: Position, right: Position): boolean =>
  left.line === right.line &&
  left.endLine === right.endLine &&
  left.column === right.column &&
  left.endColumn === right.endColumn;
