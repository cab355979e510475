/** The position of one instruction, out of a line table that lies in memory instead of a `.pyc`. */
import type { Position } from "../map-types.ts";
import { readLinetable } from "./linetable.ts";
import { readLnotab } from "./lnotab.ts";
import { readLocationTable } from "./location-table.ts";
import { NO_VALUE, PositionRuns } from "./position-runs.ts";

export interface LineTable {
  /** `co_lnotab` up to 3.9, `co_linetable` from 3.10 on. */
  readonly bytes: Uint8Array;
  /** `co_firstlineno` */
  readonly firstLine: number;
  /** Of CPython 3. */
  readonly minor: number;
}

/**
 * As `PyCode_Addr2Line` answers for the instruction at byte `offset` of `co_code`: before the first
 * one it is the first line. Null for an empty table. Throws PycError `bad-line-table`.
 */
export function positionAt(
  { bytes, firstLine, minor }: LineTable,
  offset: number,
): Position | null {
  if (offset < 0) return { line: firstLine, endLine: null, column: null, endColumn: null };
  const source = { bytes, start: 0, end: bytes.length, firstLine, codeLength: offset + 1 };
  const runs = new PositionRuns(64);
  if (minor >= 11) readLocationTable(source, runs);
  else if (minor === 10) readLinetable(source, runs);
  else readLnotab(source, minor >= 6, runs);
  const run = runs.count - 1;
  if (run < 0) return null;
  const line = known(runs.lines[run]);
  return {
    line,
    endLine: line === null ? null : known(runs.endLines[run]),
    column: known(runs.columns[run]),
    endColumn: known(runs.endColumns[run]),
  };
}

const known = (value: number | undefined): number | null =>
  value === undefined || value === NO_VALUE ? null : value;
