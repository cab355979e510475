/**
 * A position in a debug section, for the loops that run per byte: no object, closure or bigint a value.
 *
 * Reading past the end gives zeros and moves on; `check` throws then. Loops call it once a record, not
 * once a field: a position only ever grows, so a loop that checks cannot run away.
 */
import { DebugInfoError, hex } from "../error.ts";

export class ByteReader {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  /** Section name, for errors. */
  readonly section: string;
  /** Offset of the next byte. */
  at: number;

  constructor(bytes: Uint8Array, littleEndian: boolean, section: string, at = 0) {
    this.bytes = bytes;
    this.littleEndian = littleEndian;
    this.section = section;
    this.at = at;
  }

  /** Throws `truncated` when the position lies behind `end`. */
  check(what: string, end = this.bytes.length): void {
    if (this.at > end || this.at < 0) {
      throw new DebugInfoError(
        "truncated",
        `${this.section}: ${what}: runs to ${hex(this.at)}, the data ends at ${hex(end)}`,
      );
    }
  }

  u8(): number {
    return this.bytes[this.at++] ?? 0;
  }

  u16(): number {
    const { bytes, at } = this;
    this.at = at + 2;
    const a = bytes[at] ?? 0;
    const b = bytes[at + 1] ?? 0;
    return this.littleEndian ? a | (b << 8) : (a << 8) | b;
  }

  u24(): number {
    const { bytes, at } = this;
    this.at = at + 3;
    const a = bytes[at] ?? 0;
    const b = bytes[at + 1] ?? 0;
    const c = bytes[at + 2] ?? 0;
    return this.littleEndian ? a | (b << 8) | (c << 16) : (a << 16) | (b << 8) | c;
  }

  u32(): number {
    const { bytes, at } = this;
    this.at = at + 4;
    const a = bytes[at] ?? 0;
    const b = bytes[at + 1] ?? 0;
    const c = bytes[at + 2] ?? 0;
    const d = bytes[at + 3] ?? 0;
    return (
      (this.littleEndian
        ? a | (b << 8) | (c << 16) | (d << 24)
        : (a << 24) | (b << 16) | (c << 8) | d) >>> 0
    );
  }

  /** Values above 2^53 lose their low bits; every use compares them with something far smaller. */
  u64(): number {
    const first = this.u32();
    const second = this.u32();
    return this.littleEndian ? second * 2 ** 32 + first : first * 2 ** 32 + second;
  }

  /** An unsigned integer of 1, 2, 4 or 8 bytes. */
  sized(bytes: number): number {
    switch (bytes) {
      case 1:
        return this.u8();
      case 2:
        return this.u16();
      case 4:
        return this.u32();
      default:
        return this.u64();
    }
  }

  /** Unsigned LEB128 (DWARF 5, section 7.6). */
  uleb(): number {
    const { bytes } = this;
    let byte = bytes[this.at++] ?? 0;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 128;
    do {
      byte = bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return value;
  }

  /** Signed LEB128. */
  sleb(): number {
    const { bytes } = this;
    let value = 0;
    let scale = 1;
    let byte: number;
    do {
      byte = bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return (byte & 0x40) === 0 ? value : value - scale;
  }

  skipLeb(): void {
    while ((this.bytes[this.at++] ?? 0) >= 0x80);
  }

  skipString(): void {
    const end = this.bytes.indexOf(0, this.at);
    this.at = end === -1 ? this.bytes.length + 1 : end + 1;
  }

  /** A length or offset of the 32-bit or 64-bit DWARF format. */
  offset(size: 4 | 8): number {
    return size === 4 ? this.u32() : this.u64();
  }

  /** unit_length: which format follows, and where the unit ends (DWARF 5, section 7.4). */
  initialLength(): { offsetSize: 4 | 8; end: number } {
    const start = this.at;
    let length = this.u32();
    let offsetSize: 4 | 8 = 4;
    if (length === 0xffff_ffff) {
      offsetSize = 8;
      length = this.u64();
    } else if (length >= 0xffff_fff0) {
      throw new DebugInfoError(
        "bad-dwarf",
        `${this.section}: unit_length at ${hex(start)}: reserved value ${hex(length)}`,
      );
    }
    const end = this.at + length;
    if (end > this.bytes.length) {
      throw new DebugInfoError(
        "truncated",
        `${this.section}: unit at ${hex(start)}: need ${length} bytes at ${hex(this.at)}, have ${this.bytes.length - this.at}`,
      );
    }
    return { offsetSize, end };
  }
}
