/** A text's lines, one character a byte, read one by one so that only those of a dump take memory. */
import { LOOKAHEAD_LINES, MAX_LINE_BYTES } from "./limits.ts";

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
/** How far back lines are looked for. */
const NEAR_BYTES = 4096;
const ESCAPE = "\u001b";
/** ECMA-48 control sequences: colours, mostly. */
const controlSequence = new RegExp(`${ESCAPE}\\[[0-?]*[ -/]*[@-~]`, "g");

export class Lines {
  readonly #bytes: Buffer;
  #at = 0;

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
    const newline = this.#bytes.subarray(this.#at, offset).lastIndexOf(NEWLINE);
    this.#at += newline + 1;
  }

  next(): Line | null {
    const line = this.#read(this.#at);
    if (line !== null) this.#at = line.end;
    return line;
  }

  /** The lines after the position, without going there. */
  ahead(): Line[] {
    const lines: Line[] = [];
    let at = this.#at;
    while (lines.length < LOOKAHEAD_LINES) {
      const line = this.#read(at);
      if (line === null) break;
      lines.push(line);
      at = line.end;
    }
    return lines;
  }

  /** The lines before a line, as far as they are near. */
  before(line: Line): Line[] {
    const near = this.#bytes.subarray(Math.max(line.start - NEAR_BYTES, 0), line.start);
    let at = near.length;
    for (let found = 0; found <= LOOKAHEAD_LINES && at >= 0; found++) {
      at = at === 0 ? -1 : near.lastIndexOf(NEWLINE, at - 1);
    }
    const lines: Line[] = [];
    const start = line.start - near.length + at + 1;
    for (let next = this.#read(start); next !== null && next.start < line.start;) {
      lines.push(next);
      next = this.#read(next.end);
    }
    return lines;
  }

  #read(start: number): Line | null {
    const bytes = this.#bytes;
    if (start >= bytes.length) return null;
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline + 1;
    let textEnd = newline < 0 ? bytes.length : newline;
    const cut = textEnd - start > MAX_LINE_BYTES;
    if (cut) textEnd = start + MAX_LINE_BYTES;
    else while (textEnd > start && bytes[textEnd - 1] === CARRIAGE_RETURN) textEnd--;
    const raw = bytes.toString("latin1", start, textEnd);
    const text = raw.includes(ESCAPE) ? raw.replace(controlSequence, "") : raw;
    const textStart = text === raw ? start : null;
    return { text, start, end, textStart, whole: newline >= 0, cut };
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
