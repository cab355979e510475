/**
 * The fields of one line of a `.sym` file, read in place: no string is made before a name is asked for.
 *
 * A field that is not what it should be reads as 0 and is remembered in `bad`; whoever reads a record looks
 * at it once, behind the last field.
 */
import { MAX_NAME_BYTES } from "../limits.ts";

const SPACE = 0x20;

export class Fields {
  readonly bytes: Uint8Array;
  /** Name of the first field that could not be read. */
  bad: string | null = null;
  private readonly text: Buffer;
  private start = 0;
  private at = 0;
  private end = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Turns to the line [start, end). */
  open(start: number, end: number): void {
    this.start = start;
    this.at = start;
    this.end = end;
    this.bad = null;
  }

  /** Whether anything but spaces is left. */
  more(): boolean {
    while (this.at < this.end && this.bytes[this.at] === SPACE) this.at += 1;
    return this.at < this.end;
  }

  /** Fields that are left. */
  count(): number {
    const { bytes, end } = this;
    let count = 0;
    for (let at = this.at; at < end; at += 1)
      if (bytes[at] !== SPACE && (at + 1 === end || bytes[at + 1] === SPACE)) count += 1;
    return count;
  }

  /** Moves past `word` when it comes next as a whole field. */
  take(word: string): boolean {
    if (!this.more()) return false;
    const end = this.at + word.length;
    if (end > this.end || (end < this.end && this.bytes[end] !== SPACE)) return false;
    for (let index = 0; index < word.length; index += 1)
      if (this.bytes[this.at + index] !== word.charCodeAt(index)) return false;
    this.at = end;
    return true;
  }

  /** A hexadecimal field below 2^53. */
  hex(field: string): number {
    return this.number(field, 16, Number.MAX_SAFE_INTEGER);
  }

  /** A decimal field of 32 bits. */
  decimal(field: string): number {
    return this.number(field, 10, 0xffff_ffff);
  }

  /** The next field as text. */
  word(field: string): string {
    if (!this.more()) this.bad ??= field;
    const start = this.at;
    while (this.at < this.end && this.bytes[this.at] !== SPACE) this.at += 1;
    return this.cut(start, this.at);
  }

  /** What is left of the line; names hold spaces. */
  rest(): string {
    return this.more() ? this.cut(this.at, this.end) : "";
  }

  /** How the line begins, for a message. */
  line(length: number): string {
    return this.text.toString("utf8", this.start, Math.min(this.end, this.start + length));
  }

  private cut(start: number, end: number): string {
    return this.text.toString("utf8", start, Math.min(end, start + MAX_NAME_BYTES));
  }

  private number(field: string, radix: 10 | 16, highest: number): number {
    const { bytes, end } = this;
    this.more();
    let { at } = this;
    let value = 0;
    const start = at;
    for (; at < end; at += 1) {
      const digit = digitOf(bytes[at] as number);
      if (digit >= radix) break;
      value = value * radix + digit;
    }
    if (at === start || value > highest || (at < end && bytes[at] !== SPACE)) this.bad ??= field;
    this.at = at;
    return value;
  }
}

/** 16 and more for what is no digit. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : 99;
}
