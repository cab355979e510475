/** Where in the bytes a dump may begin: so that text without one is passed over without being read. */

/** Every line that begins a dump holds one of these. */
const literals = [
  "Fatal Python error",
  "Windows fatal exception: ",
  "Timeout (",
  "hread 0x",
  " (most recent call first):",
].map((literal) => Buffer.from(literal, "latin1"));

export class Anchors {
  readonly #bytes: Buffer;
  /** The next place of each literal at or after the last one asked for; past the end when none. */
  readonly #places: number[] = literals.map(() => -1);
  #first = -1;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The first place at or after `from`, which never goes back; the text's length when there is none. */
  next(from: number): number {
    if (from > this.#first) this.#first = this.#search(from);
    return this.#first;
  }

  #search(from: number): number {
    let first = this.#bytes.length;
    for (let index = 0; index < literals.length; index++) {
      let place = this.#places[index]!;
      if (place < from) {
        place = this.#bytes.indexOf(literals[index]!, from);
        if (place < 0) place = this.#bytes.length;
        this.#places[index] = place;
      }
      if (place < first) first = place;
    }
    return first;
  }
}
