/**
 * One function with its inlined calls and its lines, laid flat: every address gets the innermost scope and
 * one line. Calls that stick out of the call they are inside of are cut to it; of calls that overlap beside
 * each other the earlier keeps its addresses. Compilers and linkers produce both.
 */
import { type LineTable, rowFrom } from "../dwarf/line-table.ts";
import type { RowSink } from "./row-sink.ts";

/** A call inlined into a function: `scope` as the model numbers it. */
export interface FlatInline {
  /** Index of the call around it, -1 in the function itself. */
  readonly parent: number;
  readonly scope: number;
  /** Flat pairs: start, end. */
  readonly ranges: readonly number[];
}

/** Adds the rows of [start, end) of a function. */
export function flattenRange(
  start: number,
  end: number,
  rootScope: number,
  inlines: readonly FlatInline[],
  lines: LineTable,
  sink: RowSink,
): void {
  if (inlines.length === 0) {
    addLines(start, end, rootScope, lines, sink);
    return;
  }
  const bounds = boundaries(start, end, inlines);
  /** Innermost call on each stretch between two bounds; -1: the function itself. */
  const owners = new Int32Array(bounds.length - 1).fill(-1);
  inlines.forEach((inline, index) => {
    for (let at = 0; at < inline.ranges.length; at += 2) {
      const from = Math.max(inline.ranges[at] as number, start);
      const to = Math.min(inline.ranges[at + 1] as number, end);
      for (
        let stretch = indexOf(bounds, from);
        stretch < owners.length && (bounds[stretch] as number) < to;
        stretch += 1
      ) {
        if (owners[stretch] === inline.parent) owners[stretch] = index;
      }
    }
  });
  for (let from = 0; from < owners.length;) {
    const owner = owners[from] as number;
    let to = from + 1;
    while (to < owners.length && owners[to] === owner) to += 1;
    const scope = owner === -1 ? rootScope : (inlines[owner] as FlatInline).scope;
    addLines(bounds[from] as number, bounds[to] as number, scope, lines, sink);
    from = to;
  }
}

function boundaries(start: number, end: number, inlines: readonly FlatInline[]): Float64Array {
  const all = [start, end];
  for (const { ranges } of inlines)
    for (const bound of ranges) if (bound > start && bound < end) all.push(bound);
  const sorted = Float64Array.from(all).sort();
  return sorted.filter((bound, at) => at === 0 || bound !== sorted[at - 1]);
}

/** Index of the first bound at or behind `address`. */
function indexOf(bounds: Float64Array, address: number): number {
  let low = 0;
  let high = bounds.length;
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
  sink: RowSink,
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
