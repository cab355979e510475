/**
 * `co_exceptiontable`, CPython 3.11 and later: which instructions are covered by which handler.
 *
 * Objects/exception_handling_notes.txt (3.11), InternalDocs/exception_handling.md (3.13+): entries of
 * four numbers, 6 bits a byte, most significant first; 0x40 says that more follow.
 */
import { PycError } from "./error.ts";

export interface ExceptionEntry {
  /** Instructions [start, end), in bytes of `co_code`. */
  readonly start: number;
  readonly end: number;
  /** Offset of the handler. */
  readonly target: number;
  /** The stack is cut to this depth before the handler runs. */
  readonly depth: number;
  /** The handler finds the offset of the instruction that raised on the stack. */
  readonly lasti: boolean;
}

const MAX_BITS = 30;

/** Entries of the table that is bytes [start, end) of the file. */
export function* exceptionEntries(
  bytes: Uint8Array,
  start: number,
  end: number,
): Generator<ExceptionEntry> {
  const numbers = new Numbers(bytes, start, end);
  while (!numbers.done) {
    const first = 2 * numbers.next();
    const length = 2 * numbers.next();
    const target = 2 * numbers.next();
    const depthAndLasti = numbers.next();
    yield {
      start: first,
      end: first + length,
      target,
      depth: depthAndLasti >> 1,
      lasti: (depthAndLasti & 1) === 1,
    };
  }
}

class Numbers {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  next(): number {
    let value = 0;
    for (let bits = 6; bits <= MAX_BITS; bits += 6) {
      if (this.done) throw this.#bad("cut off by the end of the table");
      const byte = this.#bytes[this.#at++]!;
      value = (value << 6) | (byte & 0x3f);
      if ((byte & 0x40) === 0) return value;
    }
    throw this.#bad(`number beyond ${MAX_BITS} bits`);
  }

  #bad(why: string): PycError {
    return new PycError("bad-exception-table", this.#at, `exception entry: ${why}`);
  }
}
