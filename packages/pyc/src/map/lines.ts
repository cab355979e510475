/** The lines of code objects, each once and ascending: what answers whether a code object has a line. */
import { NO_VALUE, type PositionRuns } from "../line-tables/position-runs.ts";

export class CodeLines {
  lines = new Int32Array(256);
  count = 0;

  /** Adds the lines of the runs from `firstRun` on. */
  addOf(runs: PositionRuns, firstRun: number): void {
    const start = this.count;
    this.#reserve(runs.count - firstRun);
    const { lines } = this;
    let isSorted = true;
    let count = start;
    for (let run = firstRun; run < runs.count; run++) {
      const line = runs.lines[run]!;
      if (line === NO_VALUE) continue;
      if (count > start) {
        const last = lines[count - 1]!;
        if (line === last) continue;
        if (line < last) isSorted = false;
      }
      lines[count++] = line;
    }
    this.count = isSorted ? count : this.#sort(start, count);
  }

  /** Sorts lines [start, end) and drops repeated ones; where they end now. */
  #sort(start: number, end: number): number {
    const { lines } = this;
    lines.subarray(start, end).sort();
    let count = start + 1;
    for (let index = start + 1; index < end; index++) {
      if (lines[index] !== lines[count - 1]) lines[count++] = lines[index]!;
    }
    return count;
  }

  #reserve(more: number): void {
    if (this.count + more <= this.lines.length) return;
    const grown = new Int32Array(Math.max(this.lines.length * 2, this.count + more));
    grown.set(this.lines);
    this.lines = grown;
  }
}
