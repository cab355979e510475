/**
 * Stretches of addresses with their answers, gathered in any order and then gone through by address.
 *
 * Where two stretches overlap, the one that begins first keeps its addresses (copies of one function that
 * the linker kept once look like that); the other gets what is left.
 */

/** Takes rows; those that touch and answer the same may become one. */
export interface RowTarget {
  /** [start, end) */
  add(start: number, end: number, scope: number, file: number, line: number, column: number): void;
}

export class RowSink implements RowTarget {
  private size = 4096;
  private count = 0;
  /** Rows at which runs begin. */
  private readonly runs: number[] = [0];
  private starts = new Float64Array(this.size);
  private ends = new Float64Array(this.size);
  private scopes = new Uint32Array(this.size);
  private files = new Uint32Array(this.size);
  private lines = new Uint32Array(this.size);
  private columns = new Uint16Array(this.size);

  /** Adds [start, end); a row that goes on where the one before ended, with the same answer, lengthens it. */
  add(start: number, end: number, scope: number, file: number, line: number, column: number): void {
    const last = this.count - 1;
    if (
      last >= (this.runs.at(-1) as number) &&
      this.ends[last] === start &&
      this.scopes[last] === scope &&
      this.files[last] === file &&
      this.lines[last] === line &&
      this.columns[last] === column
    ) {
      this.ends[last] = end;
      return;
    }
    if (this.count === this.size) this.grow(2 * this.size);
    const at = this.count++;
    this.starts[at] = start;
    this.ends[at] = end;
    this.scopes[at] = scope;
    this.files[at] = file;
    this.lines[at] = line;
    this.columns[at] = column;
  }

  /** Makes room for as many more at once. */
  reserve(rows: number): void {
    if (this.count + rows > this.size) this.grow(this.count + rows);
  }

  /** Says that rows from here on may lie anywhere; between two calls they go in by address. */
  startRun(): void {
    if (this.runs.at(-1) !== this.count) this.runs.push(this.count);
  }

  /** Hands over every row, by the first address of its run. */
  forEach(target: RowTarget["add"]): void {
    const { starts, ends, scopes, files, lines, columns, count } = this;
    const runs = this.runs.map((first, index) => ({ first, end: this.runs[index + 1] ?? count }));
    const ordered = runs.filter(({ first, end }) => end > first);
    ordered.sort((a, b) => (starts[a.first] as number) - (starts[b.first] as number));
    for (const { first, end } of ordered)
      for (let at = first; at < end; at += 1)
        target(
          starts[at] as number,
          ends[at] as number,
          scopes[at] as number,
          files[at] as number,
          lines[at] as number,
          columns[at] as number,
        );
  }

  private grow(size: number): void {
    this.size = size;
    const larger = <T extends Float64Array | Uint32Array | Uint16Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.starts = larger(new Float64Array(this.size), this.starts);
    this.ends = larger(new Float64Array(this.size), this.ends);
    this.scopes = larger(new Uint32Array(this.size), this.scopes);
    this.files = larger(new Uint32Array(this.size), this.files);
    this.lines = larger(new Uint32Array(this.size), this.lines);
    this.columns = larger(new Uint16Array(this.size), this.columns);
  }
}
