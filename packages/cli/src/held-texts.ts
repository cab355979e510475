/** Texts kept until later, packed: answers repeat the same words frame after frame, twenty to one. */
import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Characters that are packed at once. */
const BLOCK_CHARS = 4 * 1024 * 1024;
const FASTEST = 1;

export class HeldTexts {
  readonly #packed: Uint8Array[] = [];
  #open: string[] = [];
  #openChars = 0;

  add(text: string): void {
    this.#open.push(text);
    this.#openChars += text.length;
    if (this.#openChars < BLOCK_CHARS) return;
    this.#packed.push(deflateRawSync(JSON.stringify(this.#open), { level: FASTEST }));
    this.#open = [];
    this.#openChars = 0;
  }

  /** All of them, in the order in which they were added. */
  *[Symbol.iterator](): Generator<string> {
    for (const block of this.#packed) {
      yield* JSON.parse(inflateRawSync(block).toString()) as string[];
    }
    yield* this.#open;
  }
}
