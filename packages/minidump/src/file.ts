/** The bytes of the file, and the text in it. */
import { type ByteOrder, Cursor } from "@faultline/bytes";
import { MinidumpError } from "./error.ts";
import {
  MAX_DOCUMENT_BYTES,
  MAX_RECORDS,
  MAX_STRING_BYTES,
  MAX_TEXT_BYTES,
  within,
} from "./limits.ts";
import type { Location } from "./records.ts";

export class DumpFile {
  readonly bytes: Uint8Array;
  readonly byteOrder: ByteOrder;
  #textLeft = MAX_TEXT_BYTES;

  constructor(bytes: Uint8Array, byteOrder: ByteOrder) {
    this.bytes = bytes;
    this.byteOrder = byteOrder;
  }

  get #utf16(): TextEncoding {
    return this.byteOrder === "little" ? "utf-16le" : "utf-16be";
  }

  /** The bytes of a location, not copied. MinidumpError "out-of-bounds". */
  slice({ rva, dataSize }: Location, what: string): Uint8Array {
    if (rva + dataSize > this.bytes.length) {
      throw new MinidumpError("out-of-bounds", rva, what, {
        wanted: `${dataSize} bytes`,
        found: `${Math.max(0, this.bytes.length - rva)} up to the end of the file`,
      });
    }
    return this.bytes.subarray(rva, rva + dataSize);
  }

  cursor(location: Location, what: string): Cursor {
    return new Cursor(this.slice(location, what), location.rva, this.byteOrder);
  }

  /** From `rva` to the end of the file: for records that tell their own length. */
  cursorAt(rva: number, what: string): Cursor {
    return this.cursor({ rva, dataSize: Math.max(0, this.bytes.length - rva) }, what);
  }

  /** MINIDUMP_STRING: its length in bytes, UTF-16. Empty where `rva` is 0. */
  utf16At(rva: number, what: string): string {
    if (rva === 0) return "";
    const cursor = this.cursorAt(rva, what);
    const length = cursor.u32(`${what}.Length`);
    if (length % 2 !== 0) {
      throw new MinidumpError("bad-string", rva, `${what}.Length`, {
        wanted: "an even number of bytes",
        found: `${length}`,
      });
    }
    return this.text(cursor.bytes(length, `${what}.Buffer`), this.#utf16, what, rva);
  }

  /** Crashpad's MinidumpUTF8String: its length in bytes, UTF-8. Empty where `rva` is 0. */
  utf8At(rva: number, what: string): string {
    if (rva === 0) return "";
    const cursor = this.cursorAt(rva, what);
    const length = cursor.u32(`${what}.Length`);
    return this.text(cursor.bytes(length, `${what}.Buffer`), "utf-8", what, rva);
  }

  /** Text up to the first NUL or the end of `bytes`. */
  zeroTerminated(bytes: Uint8Array, what: string, offset: number): string {
    const end = bytes.indexOf(0);
    return this.text(end < 0 ? bytes : bytes.subarray(0, end), "utf-8", what, offset);
  }

  /** UTF-16 in a field of fixed size, up to its first NUL. */
  fixedUtf16(bytes: Uint8Array, what: string, offset: number): string {
    let end = 0;
    while (end + 1 < bytes.length && (bytes[end] !== 0 || bytes[end + 1] !== 0)) end += 2;
    return this.text(bytes.subarray(0, end), this.#utf16, what, offset);
  }

  /** `bytes`, which lie at `offset`, as text; what is not valid becomes U+FFFD. MinidumpError "limit". */
  text(bytes: Uint8Array, encoding: TextEncoding, what: string, offset: number): string {
    within(MAX_STRING_BYTES, "MAX_STRING_BYTES", bytes.length, what, offset);
    return this.#decode(bytes, encoding, what, offset);
  }

  /** A whole stream of text, in UTF-8, without the zeros that end it. */
  document(cursor: Cursor, what: string): string {
    const { offset, remaining } = cursor;
    within(MAX_DOCUMENT_BYTES, "MAX_DOCUMENT_BYTES", remaining, what, offset);
    const bytes = cursor.bytes(remaining, what);
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === 0) end--;
    return this.#decode(bytes.subarray(0, end), "utf-8", what, offset);
  }

  /** The parts of such a stream between which `separator` stands. */
  lines(cursor: Cursor, what: string, separator: "\n" | "\0" = "\n"): readonly string[] {
    const { offset } = cursor;
    const lines = this.document(cursor, what).split(separator, MAX_RECORDS + 1);
    within(MAX_RECORDS, "MAX_RECORDS", lines.length, what, offset);
    return lines;
  }

  #decode(bytes: Uint8Array, encoding: TextEncoding, what: string, offset: number): string {
    if (bytes.length > this.#textLeft) {
      throw new MinidumpError("limit", offset, what, {
        wanted: `at most ${MAX_TEXT_BYTES} bytes of text in all (MAX_TEXT_BYTES)`,
        found: `${bytes.length} more than ${MAX_TEXT_BYTES - this.#textLeft}`,
      });
    }
    this.#textLeft -= bytes.length;
    return new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
  }
}

export type TextEncoding = "utf-8" | "utf-16le" | "utf-16be";
