/**
 * One function with its inlined calls and its lines, laid flat: every address gets the innermost scope and
 * one line. Calls that stick out of the call they are inside of are cut to it; of calls that overlap beside
 * each other the earlier keeps its addresses. Compilers and linkers produce both.
 */
import { type LineTable, rowFrom } from "../dwarf/line-table.ts";
import { MAX_FLATTEN_STEPS } from "../limits.ts";
import type { RowSink, RowTarget } from "./row-sink.ts";

/** A call inlined into a function. */
export interface FlatInline {
  /** Index of the call around it, -1 in the function itself. */
  readonly parent: number;
  /** Flat pairs: start, end. */
  readonly ranges: readonly number[];
}

/** Lays functions flat one after another; what it works with is kept for the next. */
export class Flattener {
  private readonly sink: RowSink;
  private bounds = new Float64Array(1024);
  /** Innermost call on each stretch between two bounds; -1: the function itself. */
  private owners = new Int32Array(1024);
  /** Steps that are left of MAX_FLATTEN_STEPS: calls that all overlap cost their number squared. */
  private left = MAX_FLATTEN_STEPS;
  private without = 0;

  constructor(sink: RowSink) {
    this.sink = sink;
  }

  /** Adds the rows of [start, end) of a function. `scopes`: of the calls, as the model numbers them. */
  add(
    start: number,
    end: number,
    rootScope: number,
    inlines: readonly FlatInline[],
    scopes: readonly number[],
    lines: LineTable,
  ): void {
    this.sink.startRun();
    const count = inlines.length === 0 ? 0 : this.findBounds(start, end, inlines);
    if (count === 0 || !this.findOwners(start, end, inlines, count - 1)) {
      addLines(start, end, rootScope, lines, this.sink);
      return;
    }
    const { bounds, owners } = this;
    for (let from = 0; from < count - 1;) {
      const owner = owners[from] as number;
      let to = from + 1;
      while (to < count - 1 && owners[to] === owner) to += 1;
      const scope = owner === -1 ? rootScope : (scopes[owner] as number);
      addLines(bounds[from] as number, bounds[to] as number, scope, lines, this.sink);
      from = to;
    }
  }

  /** What was left out, in words. */
  gaps(): readonly string[] {
    return this.without === 0
      ? []
      : [
          `${this.without} functions: inlined calls beyond MAX_FLATTEN_STEPS (${MAX_FLATTEN_STEPS}) left out`,
        ];
  }

  /** Sorted addresses at which anything changes, into `bounds`; answers with their number, at least 2. */
  private findBounds(start: number, end: number, inlines: readonly FlatInline[]): number {
    let most = 2;
    for (let index = 0; index < inlines.length; index += 1)
      most += (inlines[index] as FlatInline).ranges.length;
    if (most > this.bounds.length) {
      this.bounds = new Float64Array(2 * most);
      this.owners = new Int32Array(2 * most);
    }
    const { bounds } = this;
    bounds[0] = start;
    bounds[1] = end;
    let count = 2;
    for (let index = 0; index < inlines.length; index += 1) {
      const { ranges } = inlines[index] as FlatInline;
      for (let at = 0; at < ranges.length; at += 1) {
        const bound = ranges[at] as number;
        if (bound > start && bound < end) bounds[count++] = bound;
      }
    }
    sortFirst(bounds, count);
    let kept = 1;
    for (let at = 1; at < count; at += 1)
      if (bounds[at] !== bounds[kept - 1]) bounds[kept++] = bounds[at] as number;
    return kept;
  }

  /** False when that would take more steps than are left. */
  private findOwners(
    start: number,
    end: number,
    inlines: readonly FlatInline[],
    count: number,
  ): boolean {
    const { bounds, owners } = this;
    owners.fill(-1, 0, count);
    for (let index = 0; index < inlines.length; index += 1) {
      const { parent, ranges } = inlines[index] as FlatInline;
      for (let at = 0; at < ranges.length; at += 2) {
        const to = Math.min(ranges[at + 1] as number, end);
        const first = indexOf(bounds, count, Math.max(ranges[at] as number, start));
        let stretch = first;
        for (; stretch < count && (bounds[stretch] as number) < to; stretch += 1)
          if (owners[stretch] === parent) owners[stretch] = index;
        this.left -= stretch - first;
      }
      if (this.left < 0) {
        this.without += 1;
        return false;
      }
    }
    return true;
  }
}

/** Most functions have a few calls, which are nearly in order: no other way is as quick for those. */
const INSERTION_SORTED = 64;

function sortFirst(numbers: Float64Array, count: number): void {
  if (count > INSERTION_SORTED) {
    numbers.subarray(0, count).sort();
    return;
  }
  for (let at = 1; at < count; at += 1) {
    const number = numbers[at] as number;
    let to = at;
    for (; to > 0 && (numbers[to - 1] as number) > number; to -= 1)
      numbers[to] = numbers[to - 1] as number;
    numbers[to] = number;
  }
}

/** Index of the first bound at or behind `address`. */
function indexOf(bounds: Float64Array, count: number, address: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bounds[middle] as number) < address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Rows of the line table over [start, end) under one scope; addresses without a row get the scope alone. */
export function addLines(
  start: number,
  end: number,
  scope: number,
  lines: LineTable,
  sink: RowTarget,
): void {
  let at = start;
  for (let row = rowFrom(lines, start); row < lines.count && at < end; row += 1) {
    const from = lines.starts[row] as number;
    if (from >= end) break;
    if (from > at) sink.add(at, from, scope, 0, 0, 0);
    const to = Math.min(end, lines.ends[row] as number);
    sink.add(
      Math.max(at, from),
      to,
      scope,
      lines.files[row] as number,
      lines.lines[row] as number,
      lines.columns[row] as number,
    );
    at = to;
  }
  if (at < end) sink.add(at, end, scope, 0, 0, 0);
}
