/** Counts of what was seen together. */
import { MAX_COMPARED } from "./limits.ts";

/** Counts of values under keys. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #sums = new Map<string, number>();
  readonly #commonest = new Map<string, readonly (readonly [string, number])[]>();

  add(key: string, value: string, times: number): void {
    this.#sums.set(key, this.total(key) + times);
    this.#commonest.delete(key);
    const counts = this.#counts.get(key);
    if (counts === undefined) this.#counts.set(key, new Map([[value, times]]));
    else counts.set(value, (counts.get(value) ?? 0) + times);
  }

  /** What was seen under `key`, and how often. */
  of(key: string): ReadonlyMap<string, number> {
    return this.#counts.get(key) ?? none;
  }

  /** The commonest values of `key`, at most `MAX_COMPARED`, ranked once. */
  commonestOf(key: string): readonly (readonly [string, number])[] {
    let found = this.#commonest.get(key);
    if (found === undefined) {
      found = ranked(this.of(key)).slice(0, MAX_COMPARED);
      this.#commonest.set(key, found);
    }
    return found;
  }

  /** The commonest value of `key`; null for none. */
  firstOf(key: string): string | null {
    return this.commonestOf(key)[0]?.[0] ?? null;
  }

  total(key: string): number {
    return this.#sums.get(key) ?? 0;
  }

  keys(): Iterable<string> {
    return this.#counts.keys();
  }
}

const none: ReadonlyMap<string, number> = new Map();

/** Commonest first, equal ones by name. */
export function ranked(
  counts: Iterable<readonly [string, number]>,
): readonly (readonly [string, number])[] {
  return [...counts].toSorted(([a, most], [b, least]) => least - most || (a < b ? -1 : 1));
}

/** What was seen most, and at least `ratio` times as often as the next; null otherwise. */
export function dominant(
  counts: Iterable<readonly [string, number]>,
  ratio: number,
): string | null {
  let [best, most, next]: [string | null, number, number] = [null, 0, 0];
  for (const [value, count] of counts) {
    if (best === null || count > most || (count === most && value < best))
      [best, most, next] = [value, count, most];
    else if (count > next) next = count;
  }
  return most >= ratio * next ? best : null;
}

/** What was seen most; of equals the first by name. */
export const commonest = (counts: Iterable<readonly [string, number]>): string | null =>
  dominant(counts, 1);
