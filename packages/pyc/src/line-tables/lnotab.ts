/**
 * `co_lnotab`, CPython 3.0–3.9: pairs (bytes forward, lines forward).
 *
 * Objects/lnotab_notes.txt of those versions. Line deltas are unsigned up to 3.5 and signed from 3.6 on.
 */
import { PycError } from "../error.ts";
import { NO_VALUE, type PositionRuns } from "./position-runs.ts";
import type { LineStart, TableSource } from "./table-source.ts";

/** Adds the runs of one code object, as PyCode_Addr2Line answers. `signed`: 3.6 and later. */
export function readLnotab(source: TableSource, signed: boolean, runs: PositionRuns): void {
  const { bytes, start, end, codeLength } = source;
  requirePairs(source);
  let line = source.firstLine;
  let offset = 0;
  runs.reserve((end - start) / 2 + 1);
  for (let at = start; at < end && offset < codeLength; at += 2) {
    const forward = bytes[at]!;
    if (forward > 0) runs.add(offset, line, NO_VALUE, NO_VALUE, NO_VALUE);
    offset += forward;
    const delta = bytes[at + 1]!;
    line += signed ? (delta << 24) >> 24 : delta;
    if (line !== (line | 0)) throw new PycError("bad-line-table", at, "line number beyond 32 bits");
  }
  if (offset < codeLength) runs.add(offset, line, NO_VALUE, NO_VALUE, NO_VALUE);
}

/**
 * Line starts as `dis.findlinestarts` of 3.`minor` lists them: from 3.8 on it stops at the end of the code.
 */
export function* lnotabLineStarts(source: TableSource, minor: number): Generator<LineStart> {
  const { bytes, start, end, codeLength } = source;
  requirePairs(source);
  let line = source.firstLine;
  let last: number | null = null;
  let offset = 0;
  for (let at = start; at < end; at += 2) {
    const forward = bytes[at]!;
    if (forward > 0) {
      if (line !== last) yield [offset, line];
      last = line;
      offset += forward;
      if (minor >= 8 && offset >= codeLength) return;
    }
    const delta = bytes[at + 1]!;
    line += minor >= 6 ? (delta << 24) >> 24 : delta;
  }
  if (line !== last) yield [offset, line];
}

function requirePairs({ start, end }: TableSource): void {
  if ((end - start) % 2 === 0) return;
  throw new PycError(
    "bad-line-table",
    start,
    `co_lnotab: wanted pairs, found ${end - start} bytes`,
  );
}
