/**
 * `co_linetable` of CPython 3.11 and later: the location table, with lines and columns.
 *
 * PEP 657; Objects/locations.md (3.11), InternalDocs/code_objects.md (3.13+). Entries cover 1 to 8
 * code units; the first byte is 1 cccc nnn, its code says what follows.
 */
import { PycError } from "../error.ts";
import { NO_VALUE, PositionRuns } from "./position-runs.ts";
import type { LineRange, TableSource } from "./table-source.ts";

/** Entry codes; 0 to 9 are the short forms. */
const ONE_LINE = 10; // to 12: line delta 0 to 2
const NO_COLUMNS = 13;
const LONG = 14;
const NONE = 15;

/** Columns are below 80 in short forms; varints of 30 bits are far above any line and column. */
const VARINT_MAX_SHIFT = 24;

/** Adds the runs of one code object: its entries, joined or not as `runs` does. */
export function readLocationTable(source: TableSource, runs: PositionRuns): void {
  const { bytes, start, end, codeLength } = source;
  const numbers = new Varints(bytes, end);
  let line = source.firstLine;
  let offset = 0;
  let at = start;
  runs.reserve(Math.min(end - start, codeLength >> 1) + 1);
  while (at < end && offset < codeLength) {
    const first = bytes[at]!;
    const code = (first >> 3) & 15;
    const size = code < ONE_LINE ? 2 : code < NO_COLUMNS ? 3 : 1;
    if (first < 0x80 || at + size > end) throw badEntry(first, at);
    if (code < ONE_LINE) {
      const columns = bytes[at + 1]!;
      const column = 8 * code + (columns >> 4);
      runs.add(offset, line, line, column, column + (columns & 15));
    } else if (code < NO_COLUMNS) {
      line = inRange(line + code - ONE_LINE, at);
      runs.add(offset, line, line, bytes[at + 1]!, bytes[at + 2]!);
    } else if (code === NONE) {
      runs.add(offset, NO_VALUE, NO_VALUE, NO_VALUE, NO_VALUE);
    } else {
      numbers.at = at + 1;
      line = inRange(line + numbers.signed(), at);
      if (code === LONG) addLong(numbers, runs, offset, line);
      else runs.add(offset, line, line, NO_VALUE, NO_VALUE);
      at = numbers.at - 1;
    }
    at += size;
    offset += 2 * ((first & 7) + 1);
  }
  if (offset < codeLength) runs.add(offset, NO_VALUE, NO_VALUE, NO_VALUE, NO_VALUE);
}

function addLong(numbers: Varints, runs: PositionRuns, offset: number, line: number): void {
  const endLine = inRange(line + numbers.next(), numbers.at);
  const column = numbers.next() - 1;
  runs.add(offset, line, endLine, column, numbers.next() - 1);
}

/** The ranges as `co_lines()` of 3.`minor` gives them: from 3.12 on neighbours with one line are one range. */
export function* locationRanges(source: TableSource, minor: number): Generator<LineRange> {
  const entries = new PositionRuns(64, false);
  readLocationTable(source, entries);
  const { starts, lines, count } = entries;
  let first = 0;
  for (let next = 1; next <= count; next++) {
    if (next < count && minor >= 12 && lines[next] === lines[first]) continue;
    const line = lines[first]!;
    const end = next < count ? starts[next]! : source.codeLength;
    yield [starts[first]!, end, line === NO_VALUE ? null : line];
    first = next;
  }
}

function badEntry(first: number, at: number): PycError {
  const what =
    first < 0x80
      ? `location entry: wanted a first byte of 0x80 or more, found 0x${first.toString(16)}`
      : "location entry: cut off by the end of its table";
  return new PycError("bad-line-table", at, what);
}

function inRange(line: number, at: number): number {
  if (line === (line | 0)) return line;
  throw new PycError("bad-line-table", at, "location entry: line number beyond 32 bits");
}

/** Numbers of 6 bits a byte, least significant first; 0x40 says that more follow. */
class Varints {
  /** Where the next number begins. */
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #end: number;

  constructor(bytes: Uint8Array, end: number) {
    this.#bytes = bytes;
    this.#end = end;
  }

  next(): number {
    let value = 0;
    for (let shift = 0; shift <= VARINT_MAX_SHIFT; shift += 6) {
      if (this.at >= this.#end) throw badEntry(0xff, this.at);
      const byte = this.#bytes[this.at++]!;
      value |= (byte & 0x3f) << shift;
      if ((byte & 0x40) === 0) return value;
    }
    throw new PycError("bad-line-table", this.at, "location entry: number beyond 30 bits");
  }

  /** The sign is the lowest bit. */
  signed(): number {
    const value = this.next();
    return (value & 1) === 0 ? value >> 1 : -(value >> 1);
  }
}
