/** The lines of code objects, each once and ascending: what answers whether a code object has a line. */
import { NO_VALUE, type PositionRuns } from "../line-tables/position-runs.ts";
import type { NumberList } from "../number-list.ts";

/** Adds to `lines` those of the runs from `firstRun` on. */
export function addLines(lines: NumberList, runs: PositionRuns, firstRun: number): void {
  const start = lines.length;
  lines.reserve(runs.count - firstRun);
  const { values } = lines;
  let isSorted = true;
  let length = start;
  let last = NO_VALUE;
  for (let run = firstRun; run < runs.count; run++) {
    const line = runs.lines[run]!;
    if (line === last || line === NO_VALUE) continue;
    if (line < last) isSorted = false;
    values[length++] = line;
    last = line;
  }
  lines.length = isSorted ? length : sortOnce(values, start, length);
}

/** Sorts numbers [start, end) and drops repeated ones; where they end now. */
function sortOnce(values: Int32Array, start: number, end: number): number {
  values.subarray(start, end).sort();
  let length = start + 1;
  for (let index = start + 1; index < end; index++) {
    if (values[index] !== values[length - 1]) values[length++] = values[index]!;
  }
  return length;
}
