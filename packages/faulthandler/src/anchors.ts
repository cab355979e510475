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
  /** The next place of each literal, at or after the last one asked for; past the end when none. */
  readonly #places: number[] = literals.map(() => -1);

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The first place at or after `from`, which never goes back; the text's length when there is none. */
  next(from: number): number {
    let first = this.#bytes.length;
    for (const [index, literal] of literals.entries()) {
      let place = this.#places[index]!;
      if (place < from) {
        const found = this.#bytes.indexOf(literal, from);
        place = found < 0 ? this.#bytes.length : found;
        this.#places[index] = place;
      }
      if (place < first) first = place;
    }
    return first;
  }
}
