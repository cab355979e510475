/** Counts of what was seen together: all that joining crashes knows of other crashes. */

/** Counts of what each link was seen with, of a run or of a service's store. */
export interface Sightings {
  of(link: string): ReadonlyMap<string, number>;
}

/** A link, and what it was seen with once more. */
export type LinkPair = readonly [link: string, seenWith: string];

const NOTHING: ReadonlyMap<string, number> = new Map();

/** Counts in memory: those of one run. */
export class SightingCounts implements Sightings {
  readonly #counts = new Map<string, Map<string, number>>();

  of(link: string): ReadonlyMap<string, number> {
    return this.#counts.get(link) ?? NOTHING;
  }

  add([link, seenWith]: LinkPair): void {
    const counts = this.#counts.get(link);
    if (counts === undefined) this.#counts.set(link, new Map([[seenWith, 1]]));
    else counts.set(seenWith, (counts.get(seenWith) ?? 0) + 1);
  }
}

/** How often a link was seen at all. */
export function total(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}

/** What is seen most, if it is seen at least `ratio` times as often as the next; null otherwise. */
export function dominant(counts: ReadonlyMap<string, number>, ratio: number): string | null {
  let best: string | null = null;
  let most = 0;
  let second = 0;
  for (const [value, count] of counts) {
    const first = count > most || (count === most && (best === null || value < best));
    if (first) [best, second, most] = [value, Math.max(second, most), count];
    else second = Math.max(second, count);
  }
  return best !== null && most >= ratio * second ? best : null;
}

/** Two counts as one. */
export function together(
  left: ReadonlyMap<string, number>,
  right: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  if (right.size === 0) return left;
  const sum = new Map(left);
  for (const [value, count] of right) sum.set(value, (sum.get(value) ?? 0) + count);
  return sum;
}
