/** A text's lines, one character a byte, decoded by the block so that a text of noise takes no memory. */
import { AHEAD_LINES, MAX_LINE_BYTES } from "./limits.ts";

export interface Line {
  readonly text: string;
  /** Where the line begins in the text's bytes, with all that was stripped from `text`. */
  readonly start: number;
  /** Where the next one begins. */
  readonly end: number;
  /** Where `text` begins; null when it does not lie in the bytes as it is. */
  readonly textStart: number | null;
  /** False for a last line without a newline: it may be cut. */
  readonly whole: boolean;
  /** The line was longer than is looked at. */
  readonly cut: boolean;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** Bytes decoded at once. What a dump keeps of its text keeps the whole block in memory. */
const BLOCK_BYTES = 16 * 1024;
/** How far back lines are looked for. */
const NEAR_BYTES = 4096;
const ESCAPE = "\u001b";
/** ECMA-48 control sequences: colours, mostly. */
const controlSequence = new RegExp(`${ESCAPE}\\[[0-?]*[ -/]*[@-~]`, "g");

export class Lines {
  readonly #bytes: Buffer;
  #at = 0;
  #block = "";
  #blockStart = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Where the next line begins. */
  get position(): number {
    return this.#at;
  }

  /** Goes on at the line that holds `offset`, which lies at or after the position. */
  skipTo(offset: number): void {
    let start = offset;
    while (start > this.#at && this.#bytes[start - 1] !== NEWLINE) start--;
    this.#at = start;
  }

  next(): Line | null {
    const line = this.#read(this.#at);
    if (line !== null) this.#at = line.end;
    return line;
  }

  /** At most `count` lines after the position, without going there. */
  ahead(count: number): Line[] {
    const lines: Line[] = [];
    for (let line = this.#read(this.#at); line !== null; line = this.#read(line.end)) {
      if (lines.push(line) === count) break;
    }
    return lines;
  }

  /** The lines before a line, as far as they are near. */
  before({ start }: Line): Line[] {
    const nearest = Math.max(start - NEAR_BYTES, 0);
    let first = start;
    for (let count = 0; count <= AHEAD_LINES && first > nearest; first--) {
      if (this.#bytes[first - 1] === NEWLINE && count++ === AHEAD_LINES) break;
    }
    const lines: Line[] = [];
    for (let line = this.#read(first); line !== null && line.start < start;) {
      lines.push(line);
      line = this.#read(line.end);
    }
    return lines;
  }

  #read(start: number): Line | null {
    if (start >= this.#bytes.length) return null;
    let newline = this.#newlineInBlock(start);
    if (newline < 0) {
      this.#decode(start, BLOCK_BYTES);
      newline = this.#newlineInBlock(start);
    }
    return newline < 0 ? this.#readLong(start) : this.#lineTo(start, newline, newline + 1, true);
  }

  /** Offset of the newline that ends the line at `start`; -1 when it is not in the block. */
  #newlineInBlock(start: number): number {
    const at = start - this.#blockStart;
    if (at < 0 || at >= this.#block.length) return -1;
    const newline = this.#block.indexOf("\n", at);
    return newline < 0 ? -1 : newline + this.#blockStart;
  }

  #decode(start: number, size: number): void {
    this.#block = this.#bytes.toString("latin1", start, start + size);
    this.#blockStart = start;
  }

  /** A line without a newline, or one that is longer than a block. */
  #readLong(start: number): Line {
    const { length } = this.#bytes;
    const newline = start + BLOCK_BYTES < length ? this.#bytes.indexOf(NEWLINE, start) : -1;
    const textEnd = newline < 0 ? length : newline;
    this.#decode(start, Math.min(textEnd - start, MAX_LINE_BYTES));
    return this.#lineTo(start, textEnd, newline < 0 ? length : newline + 1, newline >= 0);
  }

  #lineTo(start: number, textEnd: number, end: number, whole: boolean): Line {
    const cut = textEnd - start > MAX_LINE_BYTES;
    let last = (cut ? start + MAX_LINE_BYTES : textEnd) - this.#blockStart;
    const first = start - this.#blockStart;
    while (last > first && this.#block.charCodeAt(last - 1) === CARRIAGE_RETURN) last--;
    const raw = this.#block.slice(first, last);
    if (!raw.includes(ESCAPE)) return { text: raw, start, end, textStart: start, whole, cut };
    return { text: raw.replace(controlSequence, ""), start, end, textStart: null, whole, cut };
  }
}

/** The line from `at` on: where another writer's text ended without a newline, ours begins. */
export function splitLine(line: Line, at: number): [left: Line, right: Line] {
  const middle = line.textStart === null ? null : line.textStart + at;
  return [
    { ...line, text: line.text.slice(0, at), end: middle ?? line.end },
    { ...line, text: line.text.slice(at), start: middle ?? line.start, textStart: middle },
  ];
}
