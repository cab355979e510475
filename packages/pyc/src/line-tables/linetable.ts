/**
 * `co_linetable` of CPython 3.10: pairs (length in bytes, line delta).
 *
 * PEP 626; Objects/lnotab_notes.txt of 3.10. A delta of -128 says that the range has no line.
 */
import { PycError } from "../error.ts";
import { NO_VALUE, type PositionRuns } from "./position-runs.ts";
import type { LineRange, TableSource } from "./table-source.ts";

const NO_LINE = -128;

/** Adds the runs of one code object. */
export function readLinetable(source: TableSource, runs: PositionRuns): void {
  let end = 0;
  runs.reserve((source.end - source.start) / 2 + 1);
  for (const range of linetableRanges(source)) {
    if (range[0] >= source.codeLength) return;
    runs.add(range[0], range[2] ?? NO_VALUE, NO_VALUE, NO_VALUE, NO_VALUE);
    end = range[1];
  }
  if (end < source.codeLength) runs.add(end, NO_VALUE, NO_VALUE, NO_VALUE, NO_VALUE);
}

/** The ranges as `co_lines()` gives them. */
export function* linetableRanges(source: TableSource): Generator<LineRange> {
  const { bytes, start: first, end: last } = source;
  if ((last - first) % 2 !== 0) {
    const what = `co_linetable: wanted pairs, found ${last - first} bytes`;
    throw new PycError("bad-line-table", first, what);
  }
  let line = source.firstLine;
  let end = 0;
  for (let at = first; at < last; at += 2) {
    const length = bytes[at]!;
    const delta = (bytes[at + 1]! << 24) >> 24;
    if (delta !== NO_LINE) line += delta;
    if (line !== (line | 0)) throw new PycError("bad-line-table", at, "line number beyond 32 bits");
    if (length === 0) continue;
    yield [end, end + length, delta === NO_LINE ? null : line];
    end += length;
  }
}
