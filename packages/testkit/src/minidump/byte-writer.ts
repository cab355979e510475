/** Writes numbers and texts one after the other, in either byte order. */

export type Endian = "little" | "big";

export class ByteWriter {
  readonly endian: Endian;
  readonly #bytes: number[] = [];

  constructor(endian: Endian) {
    this.endian = endian;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** The low `size` bytes of `value`. */
  uint(value: bigint | number, size: number): this {
    const bytes = Array.from({ length: size }, (_, index) =>
      Number((BigInt(value) >> BigInt(8 * index)) & 0xffn),
    );
    this.#bytes.push(...(this.endian === "little" ? bytes : bytes.reverse()));
    return this;
  }

  u8(...values: readonly number[]): this {
    for (const value of values) this.uint(value, 1);
    return this;
  }

  u16(...values: readonly number[]): this {
    for (const value of values) this.uint(value, 2);
    return this;
  }

  u32(...values: readonly (bigint | number)[]): this {
    for (const value of values) this.uint(value, 4);
    return this;
  }

  u64(...values: readonly (bigint | number)[]): this {
    for (const value of values) this.uint(value, 8);
    return this;
  }

  bytes(bytes: Iterable<number>): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  zeros(count: number): this {
    return this.bytes(new Uint8Array(count));
  }

  /** UTF-16 units; with `units`, cut or filled with zeros to so many. */
  utf16(text: string, units = text.length): this {
    for (let index = 0; index < units; index++) {
      this.u16(index < text.length ? text.charCodeAt(index) : 0);
    }
    return this;
  }

  utf8(text: string): this {
    return this.bytes(new TextEncoder().encode(text));
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** Bytes of hex digits: "c0ffee". */
export const fromHex = (digits: string): Uint8Array =>
  Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** A GUID given as it is printed, with or without hyphens. */
export function guid(out: ByteWriter, printed: string): ByteWriter {
  const bytes = fromHex(printed.replaceAll("-", ""));
  const field = (from: number, size: number): number =>
    bytes.subarray(from, from + size).reduce((value, byte) => value * 256 + byte, 0);
  return out.u32(field(0, 4)).u16(field(4, 2), field(6, 2)).bytes(bytes.subarray(8, 16));
}
