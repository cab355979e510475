/**
 * Reads fields one after the other; knows where its bytes lie in the file, and is told each field's
 * name, so that "truncated" says what and where.
 *
 * Meant for records that occur once or a few hundred times. Loops that run per byte of a file are
 * written over a bare Uint8Array and an index instead.
 */
import { type FileOffset, fileOffset } from "./offsets.ts";

export type ByteOrder = "little" | "big";

/** A field that does not fit into the bytes left. */
export class TruncatedError extends Error {
  override readonly name = "TruncatedError";
  /** As the reader named it: "MINIDUMP_HEADER.version". */
  readonly field: string;
  /** Where the field begins in the file. */
  readonly offset: FileOffset;
  /** Bytes the field needs, and bytes left. */
  readonly need: number;
  readonly have: number;

  constructor(field: string, offset: FileOffset, need: number, have: number) {
    super(`${field}: need ${need} bytes at 0x${offset.toString(16)}, have ${have}`);
    this.field = field;
    this.offset = offset;
    this.need = need;
    this.have = have;
  }
}

export class Cursor {
  readonly byteOrder: ByteOrder;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #base: number;
  #at = 0;

  /** `base`: where the first of `bytes` lies in the file. Nothing is copied. */
  constructor(bytes: Uint8Array, base = 0, byteOrder: ByteOrder = "little") {
    this.byteOrder = byteOrder;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = byteOrder === "little";
    this.#base = base;
  }

  /** Where the next field begins in the file. */
  get offset(): FileOffset {
    return fileOffset(this.#base + this.#at);
  }

  /** Bytes left. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#take(1, field));
  }

  u16(field: string): number {
    return this.#view.getUint16(this.#take(2, field), this.#little);
  }

  u32(field: string): number {
    return this.#view.getUint32(this.#take(4, field), this.#little);
  }

  i32(field: string): number {
    return this.#view.getInt32(this.#take(4, field), this.#little);
  }

  u64(field: string): bigint {
    return this.#view.getBigUint64(this.#take(8, field), this.#little);
  }

  /** The next `length` bytes, as a view of the cursor's own. */
  bytes(length: number, field: string): Uint8Array {
    const start = this.#take(length, field);
    return this.#bytes.subarray(start, start + length);
  }

  skip(length: number, field: string): void {
    this.#take(length, field);
  }

  /** Index of the next `length` bytes, which are then read. A length is a count from a file: it may be anything. */
  #take(length: number, field: string): number {
    const start = this.#at;
    if (!(length >= 0 && length <= this.#bytes.length - start)) {
      throw new TruncatedError(field, this.offset, length, this.remaining);
    }
    this.#at = start + length;
    return start;
  }
}
