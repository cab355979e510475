/** Counts of what was seen together: all that joining crashes knows of other crashes. */
import { MAX_SEEN_VALUES } from "./limits.ts";

/** What one link was seen with. */
export interface Seen {
  /** How often, all values together. */
  readonly total: number;
  readonly distinct: number;
  /** The commonest values with their counts, commonest first, equal ones by name; at most `MAX_SEEN_VALUES`. */
  readonly top: readonly (readonly [value: string, count: number])[];
}

/** Counts of links. */
export interface Sightings {
  of(link: string): Seen;
}

/** A link, and what it was seen with once more. */
export type LinkPair = readonly [link: string, seenWith: string];

const nothing: Seen = { total: 0, distinct: 0, top: [] };

/** Those of one run. */
export class SightingCounts implements Sightings {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #asked = new Map<string, Seen>();

  of(link: string): Seen {
    const before = this.#asked.get(link);
    if (before !== undefined) return before;
    const counts = this.#counts.get(link);
    if (counts === undefined) return nothing;
    const seen = seenOf([...counts]);
    this.#asked.set(link, seen);
    return seen;
  }

  add([link, seenWith]: LinkPair, times: number): void {
    this.#asked.delete(link);
    const counts = this.#counts.get(link);
    if (counts === undefined) this.#counts.set(link, new Map([[seenWith, times]]));
    else counts.set(seenWith, (counts.get(seenWith) ?? 0) + times);
  }
}

function seenOf(counts: readonly (readonly [string, number])[]): Seen {
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const sorted = counts.toSorted(([a, most], [b, least]) => least - most || (a < b ? -1 : 1));
  return { total, distinct: counts.length, top: sorted.slice(0, MAX_SEEN_VALUES) };
}

/** What is seen most, if it is seen at least `ratio` times as often as the next; null otherwise. */
export function dominant({ top }: Seen, ratio: number): string | null {
  const [first, second] = top;
  return first !== undefined && first[1] >= ratio * (second?.[1] ?? 0) ? first[0] : null;
}

/** Two counts as one. */
export function together(left: Seen, right: Seen): Seen {
  if (right.total === 0) return left;
  if (left.total === 0) return right;
  const sum = new Map(left.top);
  for (const [value, count] of right.top) sum.set(value, (sum.get(value) ?? 0) + count);
  return { ...seenOf([...sum]), total: left.total + right.total };
}

/** The same counts under other names; those that get null are left out. */
export function renamed({ top }: Seen, nameOf: (value: string) => string | null): Seen {
  const counts = new Map<string, number>();
  for (const [value, count] of top) {
    const name = nameOf(value);
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return seenOf([...counts]);
}
