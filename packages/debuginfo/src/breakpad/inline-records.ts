/**
 * INLINE records of one function to calls that know the call they are inside of.
 *
 * A record says how deep it is, not in what: the call one level up that covers the same addresses. One
 * record may lie in several (dump_syms merges equal ones); it becomes one call in each.
 */
import type { FlatInline } from "../cache/flatten.ts";
import { MAX_INLINE_DEPTH, MAX_INLINES } from "../limits.ts";

export interface InlineRecord {
  readonly depth: number;
  readonly callLine: number;
  /** Number of a FILE; null in the old dialect, which does not tell. */
  readonly callFile: number | null;
  /** Number of an INLINE_ORIGIN. */
  readonly origin: number;
  /** Flat pairs: start, end. */
  readonly ranges: readonly number[];
}

/** A stretch of addresses and the call that has it, as an index; -1 the function itself. */
interface Piece {
  readonly start: number;
  readonly end: number;
  readonly call: number;
}

/**
 * The calls and their scopes, those around others first. `scopeOf` makes a call's scope inside that of `around` (null: the
 * function). Records without a call around them are left out, as is what exceeds MAX_INLINES.
 */
export function nestInlines(
  records: readonly InlineRecord[],
  rootScope: number,
  scopeOf: (record: InlineRecord, around: InlineRecord | null, aroundScope: number) => number,
): { readonly calls: readonly FlatInline[]; readonly scopes: readonly number[] } {
  const levels = Map.groupBy(records, (record) => record.depth);
  const calls: FlatInline[] = [];
  const scopes: number[] = [];
  const recordOf: InlineRecord[] = [];
  let around: readonly Piece[] = [{ start: 0, end: Number.MAX_SAFE_INTEGER, call: -1 }];
  for (let depth = 0; depth < MAX_INLINE_DEPTH && around.length > 0; depth += 1) {
    const pieces: Piece[] = [];
    for (const record of levels.get(depth) ?? []) {
      if (calls.length + pieces.length > MAX_INLINES) break;
      for (const [parent, ranges] of shares(record, around)) {
        const scope = scopeOf(record, recordOf[parent] ?? null, scopes[parent] ?? rootScope);
        for (let at = 0; at < ranges.length; at += 2)
          pieces.push({
            start: ranges[at] as number,
            end: ranges[at + 1] as number,
            call: calls.length,
          });
        calls.push({ parent, ranges });
        scopes.push(scope);
        recordOf.push(record);
      }
    }
    around = apart(pieces);
  }
  return { calls, scopes };
}

/** The record's ranges by the call that they lie in. */
function shares(record: InlineRecord, around: readonly Piece[]): ReadonlyMap<number, number[]> {
  const found = new Map<number, number[]>();
  let left = MAX_INLINES;
  for (let at = 0; at < record.ranges.length; at += 2) {
    const from = record.ranges[at] as number;
    const to = record.ranges[at + 1] as number;
    for (let index = firstEndingBehind(around, from); index < around.length; index += 1) {
      const piece = around[index] as Piece;
      if (piece.start >= to || left-- === 0) break;
      const ranges = found.get(piece.call) ?? [];
      ranges.push(Math.max(from, piece.start), Math.min(to, piece.end));
      found.set(piece.call, ranges);
    }
  }
  return found;
}

/** By start, without overlaps: the earlier keeps what two claim. */
function apart(pieces: Piece[]): readonly Piece[] {
  pieces.sort((a, b) => a.start - b.start);
  let covered = 0;
  return pieces.flatMap((piece) => {
    const start = Math.max(piece.start, covered);
    if (piece.end <= start) return [];
    covered = piece.end;
    return [{ ...piece, start }];
  });
}

function firstEndingBehind(pieces: readonly Piece[], address: number): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pieces[middle] as Piece).end <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}
