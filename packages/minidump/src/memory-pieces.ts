/**
 * Ranges of memory, which may overlap, become pieces that do not: where several hold a byte, the
 * first of them does.
 *
 * All edges of all ranges cut the addresses into slots; each range in turn takes those of its slots
 * that are free, stepping over taken ones by links that shorten as they are followed. That is never
 * quadratic, however ranges overlap.
 */

/** `size` bytes at `offset` of the file, which were memory from `key` on (see addressKey). */
export interface MappedRange {
  readonly key: number;
  readonly size: number;
  readonly offset: number;
}

/** Sorted; piece `i` is `sizes[i]` bytes from `starts[i]` on, at `offsets[i]` of the file. */
export interface Pieces {
  readonly starts: Float64Array;
  readonly sizes: Float64Array;
  readonly offsets: Float64Array;
  /** Where the memory without a gap that the piece is part of begins and ends. */
  readonly runStarts: Float64Array;
  readonly runEnds: Float64Array;
}

/** Index of the last of `values`, which are sorted, that is not above `value`; -1 where all are. */
export function lastNotAbove(values: Float64Array, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The edges of all ranges, sorted, each once. */
function edgesOf(ranges: readonly MappedRange[]): Float64Array {
  const all = new Float64Array(ranges.length * 2);
  for (const [index, { key, size }] of ranges.entries()) {
    all[index * 2] = key;
    all[index * 2 + 1] = key + size;
  }
  all.sort();
  let count = 0;
  for (const edge of all) {
    if (count === 0 || edge !== all[count - 1]) all[count++] = edge;
  }
  return all.subarray(0, count);
}

/**
 * Per slot, from its edge to the next one, the index of the range that it belongs to; -1 where none
 * holds it.
 */
function ownersOf(ranges: readonly MappedRange[], edges: Float64Array): Int32Array {
  const owners = new Int32Array(edges.length).fill(-1);
  const nextFree = Int32Array.from(edges, (_, slot) => slot);
  const freeFrom = (start: number): number => {
    let slot = start;
    while (nextFree[slot] !== slot) {
      const further = nextFree[nextFree[slot]!]!;
      nextFree[slot] = further;
      slot = further;
    }
    return slot;
  };
  for (const [index, { key, size }] of ranges.entries()) {
    const end = lastNotAbove(edges, key + size);
    let slot = freeFrom(lastNotAbove(edges, key));
    while (slot < end) {
      owners[slot] = index;
      nextFree[slot] = slot + 1;
      slot = freeFrom(slot + 1);
    }
  }
  return owners;
}

interface Piece {
  start: number;
  size: number;
  offset: number;
}

/** Slots one after the other in memory and in the file are one piece. */
function joined(
  ranges: readonly MappedRange[],
  edges: Float64Array,
  owners: Int32Array,
): readonly Piece[] {
  const pieces: Piece[] = [];
  let last: Piece | undefined;
  for (const [slot, owner] of owners.entries()) {
    const range = ranges[owner];
    if (range === undefined) continue;
    const start = edges[slot]!;
    const size = edges[slot + 1]! - start;
    const offset = range.offset + (start - range.key);
    if (last && last.start + last.size === start && last.offset + last.size === offset) {
      last.size += size;
    } else {
      last = { start, size, offset };
      pieces.push(last);
    }
  }
  return pieces;
}

/** Lays out `ranges`, none of which is empty. */
export function layOut(ranges: readonly MappedRange[]): Pieces {
  const edges = edgesOf(ranges);
  const pieces = joined(ranges, edges, ownersOf(ranges, edges));
  const starts = Float64Array.from(pieces, ({ start }) => start);
  const sizes = Float64Array.from(pieces, ({ size }) => size);
  const runStarts = starts.slice();
  const runEnds = starts.map((start, index) => start + sizes[index]!);
  for (let index = 1; index < starts.length; index++) {
    if (starts[index] === runEnds[index - 1]) runStarts[index] = runStarts[index - 1]!;
  }
  for (let index = starts.length - 2; index >= 0; index--) {
    if (starts[index + 1] === runEnds[index]) runEnds[index] = runEnds[index + 1]!;
  }
  return {
    starts,
    sizes,
    offsets: Float64Array.from(pieces, ({ offset }) => offset),
    runStarts,
    runEnds,
  };
}
