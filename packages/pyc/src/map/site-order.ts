/** The order in which a map holds a code object's call sites: by line, those of a line by offset. */
import type { CallSites } from "../call-sites/call-sites.ts";

/** Moves for each site before the sort goes another way: compilers write lines nearly in order. */
const MAX_MOVES = 8;

export class SiteOrder {
  /** Site at each place; places of a code object are sorted by `sort`. */
  readonly sites: Uint32Array;
  readonly #keys: Int32Array;

  /** `lines`: of all runs. */
  constructor(sites: CallSites, lines: Int32Array) {
    this.sites = new Uint32Array(sites.count);
    this.#keys = new Int32Array(sites.count);
    for (let site = 0; site < sites.count; site++) {
      this.sites[site] = site;
      this.#keys[site] = lines[sites.runs[site]!]!;
    }
  }

  /** Sorts the sites of one code object, which are [start, end). */
  sort(start: number, end: number): void {
    const { sites } = this;
    const keys = this.#keys;
    let moves = MAX_MOVES * (end - start);
    for (let site = start + 1; site < end; site++) {
      const key = keys[site]!;
      let place = site;
      for (; place > start && keys[sites[place - 1]!]! > key; place--) {
        sites[place] = sites[place - 1]!;
        moves--;
      }
      sites[place] = site;
      if (moves < 0) {
        this.#sortAll(start, end);
        return;
      }
    }
  }

  #sortAll(start: number, end: number): void {
    const keys = this.#keys;
    this.sites
      .subarray(start, end)
      .sort((left, right) => keys[left]! - keys[right]! || left - right);
  }
}
