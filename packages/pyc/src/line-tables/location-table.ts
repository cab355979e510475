/**
 * `co_linetable` of CPython 3.11 and later: the location table, with lines and columns.
 *
 * PEP 657; Objects/locations.md (3.11), InternalDocs/code_objects.md (3.13+). Entries cover 1 to 8
 * code units; the first byte is 1 cccc nnn, its code says what follows.
 */
import { PycError } from "../error.ts";
import { NO_VALUE, type PositionRuns } from "./position-runs.ts";
import type { LineRange, TableSource } from "./table-source.ts";

/** Entry codes; 0 to 9 are the short forms. */
const ONE_LINE = 10; // to 12: line delta 0 to 2
const NO_COLUMNS = 13;
const LONG = 14;
const NONE = 15;

/** Columns are below 80 in short forms; varints of 30 bits are far above any line and column. */
const VARINT_MAX_SHIFT = 24;

/** Adds the runs of one code object: runs of equal `co_positions()`. */
export function readLocationTable(source: TableSource, runs: PositionRuns): void {
  const entries = new Entries(source);
  let offset = 0;
  while (offset < source.codeLength && entries.next()) {
    runs.add(offset, entries.line, entries.endLine, entries.column, entries.endColumn);
    offset += entries.length;
  }
  if (offset < source.codeLength) runs.add(offset, NO_VALUE, NO_VALUE, NO_VALUE, NO_VALUE);
}

/** The ranges as `co_lines()` of 3.`minor` gives them: from 3.12 on neighbours with one line are one range. */
export function* locationRanges(source: TableSource, minor: number): Generator<LineRange> {
  const entries = new Entries(source);
  let start = 0;
  let end = 0;
  let line: number | null = null;
  while (end < source.codeLength && entries.next()) {
    const next = entries.line === NO_VALUE ? null : entries.line;
    if (end > start && (minor < 12 || next !== line)) {
      yield [start, end, line];
      start = end;
    }
    line = next;
    end += entries.length;
  }
  if (end > start) yield [start, end, line];
}

/** One entry after the other; the fields are those of the entry last read. No object is made per entry. */
class Entries {
  /** Bytes of code that the entry covers. */
  length = 0;
  line = NO_VALUE;
  endLine = NO_VALUE;
  column = NO_VALUE;
  endColumn = NO_VALUE;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  /** The line that deltas count from; an entry without location does not move it. */
  #running: number;

  constructor({ bytes, start, end, firstLine }: TableSource) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#running = firstLine;
  }

  /** False at the end of the table. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const first = this.#bytes[this.#at]!;
    if (first < 0x80) {
      const what = `location entry: wanted a first byte of 0x80 or more, found 0x${first.toString(16)}`;
      throw new PycError("bad-line-table", this.#at, what);
    }
    this.#at++;
    this.length = 2 * ((first & 7) + 1);
    const code = (first >> 3) & 15;
    if (code < ONE_LINE) this.#short(code);
    else if (code < NO_COLUMNS) this.#oneLine(code - ONE_LINE);
    else if (code === LONG) this.#long();
    else this.#withoutColumns(code);
    return true;
  }

  #short(code: number): void {
    const byte = this.#byte();
    this.line = this.#running;
    this.endLine = this.#running;
    this.column = code * 8 + (byte >> 4);
    this.endColumn = this.column + (byte & 15);
  }

  #oneLine(delta: number): void {
    this.#move(delta);
    this.endLine = this.line;
    this.column = this.#byte();
    this.endColumn = this.#byte();
  }

  #long(): void {
    this.#move(this.#signedVarint());
    this.endLine = inRange(this.line + this.#varint(), this.#at);
    this.column = this.#varint() - 1;
    this.endColumn = this.#varint() - 1;
  }

  #withoutColumns(code: number): void {
    if (code === NONE) {
      this.line = NO_VALUE;
    } else {
      this.#move(this.#signedVarint());
    }
    this.endLine = this.line;
    this.column = NO_VALUE;
    this.endColumn = NO_VALUE;
  }

  #move(delta: number): void {
    this.#running = inRange(this.#running + delta, this.#at);
    this.line = this.#running;
  }

  #byte(): number {
    if (this.#at >= this.#end) {
      throw new PycError(
        "bad-line-table",
        this.#at,
        "location entry: cut off by the end of its table",
      );
    }
    return this.#bytes[this.#at++]!;
  }

  /** 6 bits a byte, least significant first; 0x40 says that more follow. */
  #varint(): number {
    let byte = this.#byte();
    let value = byte & 0x3f;
    for (let shift = 6; (byte & 0x40) !== 0; shift += 6) {
      if (shift > VARINT_MAX_SHIFT) {
        throw new PycError("bad-line-table", this.#at, "location entry: number beyond 30 bits");
      }
      byte = this.#byte();
      value |= (byte & 0x3f) << shift;
    }
    return value;
  }

  #signedVarint(): number {
    const value = this.#varint();
    return (value & 1) === 0 ? value >> 1 : -(value >> 1);
  }
}

function inRange(line: number, at: number): number {
  if (line === (line | 0)) return line;
  throw new PycError("bad-line-table", at, "location entry: line number beyond 32 bits");
}
