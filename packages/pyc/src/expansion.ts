/** Counts what a file unfolds to, and refuses one that unfolds without bound (limits.ts, MAX_EXPANSION). */
import { PycError } from "./error.ts";
import { MAX_EXPANSION, MAX_EXPANSION_BASE } from "./limits.ts";

export class Expansion {
  readonly #limit: number;
  #used = 0;

  constructor(fileSize: number) {
    this.#limit = MAX_EXPANSION_BASE + MAX_EXPANSION * fileSize;
  }

  /** Counts `bytes` more, for the object at `offset`. */
  charge(bytes: number, offset: number): void {
    this.#used += bytes;
    if (this.#used <= this.#limit) return;
    const what = `shared objects unfold to more than MAX_EXPANSION (${MAX_EXPANSION} times the file and ${MAX_EXPANSION_BASE} bytes); code object`;
    throw new PycError("limit", offset, what);
  }
}
