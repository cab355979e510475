/**
 * Rows of all line programs of a file, by address: address → (file, line, column).
 *
 * Inside a sequence addresses only grow; of several rows at one address the last counts, as for every
 * debugger. Sequences are laid side by side by their first address; what a later one says about
 * addresses that an earlier one has covered is left out.
 */
import { DebugInfoError } from "../error.ts";
import { MAX_LINE_ROWS } from "../limits.ts";

/** Row `i` covers [starts[i], ends[i]); rows by start, none overlapping. */
export interface LineTable {
  readonly count: number;
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  /** As the builder was given them. */
  readonly files: Uint32Array;
  readonly lines: Uint32Array;
  readonly columns: Uint16Array;
}

/** The first row that ends behind `address`: the one that covers it, else the next; `count` when there is none. */
export function rowFrom({ count, ends }: LineTable, address: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] as number) <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

const INITIAL_ROWS = 4096;

export class LineTableBuilder {
  private addresses: Float64Array;
  private files: Uint32Array;
  private lines: Uint32Array;
  private columns: Uint16Array;
  private count = 0;
  /** Row at which the sequence under way began. */
  private sequenceStart = 0;
  private readonly sequences: { start: number; end: number; first: number; last: number }[] = [];

  /** Makes room for `rows`; more make it grow. */
  constructor(rows = INITIAL_ROWS) {
    this.addresses = new Float64Array(rows);
    this.files = new Uint32Array(rows);
    this.lines = new Uint32Array(rows);
    this.columns = new Uint16Array(rows);
  }

  /** Adds a row; one at the address of the row before replaces it, one at a lower address is dropped. */
  add(address: number, file: number, line: number, column: number): void {
    let at = this.count;
    if (at > this.sequenceStart) {
      const before = this.addresses[at - 1] as number;
      if (address < before) return;
      if (address === before) at -= 1;
    }
    if (at === this.addresses.length) this.grow();
    this.addresses[at] = address;
    this.files[at] = file;
    this.lines[at] = line;
    this.columns[at] = column;
    this.count = at + 1;
  }

  /** Closes the sequence: its last row reaches to `end`. A sequence of dropped code is forgotten. */
  endSequence(end: number, keep: boolean): void {
    const first = this.sequenceStart;
    const start = this.addresses[first] ?? 0;
    if (this.count === first || !keep || end <= start) {
      this.count = first;
      return;
    }
    while (this.count > first && (this.addresses[this.count - 1] as number) >= end) this.count -= 1;
    if (this.count > first) this.sequences.push({ start, end, first, last: this.count - 1 });
    this.sequenceStart = this.count;
  }

  /** The rows; the builder is empty then. */
  finish(): LineTable {
    const { sequences, count, addresses } = this;
    sequences.sort((a, b) => a.start - b.start || b.end - a.end);
    const starts = new Float64Array(count);
    const ends = new Float64Array(count);
    const files = new Uint32Array(count);
    const lines = new Uint32Array(count);
    const columns = new Uint16Array(count);
    let to = 0;
    let covered = Number.NEGATIVE_INFINITY;
    for (const { end, first, last } of sequences) {
      for (let from = first; from <= last; from += 1) {
        const stop = from === last ? end : (addresses[from + 1] as number);
        if (stop <= covered) continue;
        starts[to] = Math.max(addresses[from] as number, covered);
        ends[to] = stop;
        files[to] = this.files[from] as number;
        lines[to] = this.lines[from] as number;
        columns[to] = this.columns[from] as number;
        to += 1;
      }
      covered = Math.max(covered, end);
    }
    this.release();
    return { count: to, starts, ends, files, lines, columns };
  }

  /** Gives the memory back: what is built from the rows needs as much again. */
  private release(): void {
    this.addresses = new Float64Array();
    this.files = new Uint32Array();
    this.lines = new Uint32Array();
    this.columns = new Uint16Array();
    this.count = 0;
  }

  private grow(): void {
    const size = this.addresses.length * 2;
    if (size > MAX_LINE_ROWS)
      throw new DebugInfoError("limit", `.debug_line: more than MAX_LINE_ROWS (${MAX_LINE_ROWS})`);
    const larger = <T extends Float64Array | Uint32Array | Uint16Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.addresses = larger(new Float64Array(size), this.addresses);
    this.files = larger(new Uint32Array(size), this.files);
    this.lines = larger(new Uint32Array(size), this.lines);
    this.columns = larger(new Uint16Array(size), this.columns);
  }
}
