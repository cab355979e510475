/**
 * Where instructions came from, as columns of numbers: runs of instructions with one position, in
 * the order of their offsets. Every line-table format is decoded into this.
 */

/** In any column: not known. CPython uses the same number inside. */
export const NO_VALUE = -1;

export class PositionRuns {
  /** Offset of the first instruction of each run, in bytes of `co_code`. */
  starts: Int32Array<ArrayBuffer>;
  /** 1-based. */
  lines: Int32Array<ArrayBuffer>;
  endLines: Int32Array<ArrayBuffer>;
  /** 0-based, in bytes of UTF-8; the end is exclusive. */
  columns: Int32Array<ArrayBuffer>;
  endColumns: Int32Array<ArrayBuffer>;
  count = 0;
  /** Runs of this code object begin here: what came before is never continued. */
  #first = 0;
  readonly #joins: boolean;

  /** `joins`: neighbours with one position are one run. */
  constructor(expected = 256, joins = true) {
    const capacity = Math.max(16, expected);
    this.starts = new Int32Array(capacity);
    this.lines = new Int32Array(capacity);
    this.endLines = new Int32Array(capacity);
    this.columns = new Int32Array(capacity);
    this.endColumns = new Int32Array(capacity);
    this.#joins = joins;
  }

  /** From here on runs belong to another code object; index of its first run. */
  begin(): number {
    this.#first = this.count;
    return this.count;
  }

  /** Makes room for `more` runs: `add` does not. */
  reserve(more: number): void {
    const needed = this.count + more;
    if (needed <= this.starts.length) return;
    const capacity = Math.max(needed, this.starts.length * 2);
    this.starts = grown(this.starts, capacity);
    this.lines = grown(this.lines, capacity);
    this.endLines = grown(this.endLines, capacity);
    this.columns = grown(this.columns, capacity);
    this.endColumns = grown(this.endColumns, capacity);
  }

  /** Adds a run from `start` on, or lets the last one go on when it has the same position. */
  add(start: number, line: number, endLine: number, column: number, endColumn: number): void {
    const index = this.count;
    const last = index - 1;
    if (
      last >= this.#first &&
      this.columns[last] === column &&
      this.lines[last] === line &&
      this.endColumns[last] === endColumn &&
      this.endLines[last] === endLine &&
      this.#joins
    ) {
      return;
    }
    this.starts[index] = start;
    this.lines[index] = line;
    this.endLines[index] = endLine;
    this.columns[index] = column;
    this.endColumns[index] = endColumn;
    this.count = index + 1;
  }
}

function grown(column: Int32Array<ArrayBuffer>, capacity: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(capacity);
  next.set(column);
  return next;
}
