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

/**
 * Adds the runs of one code object: its entries, those of one position joined if `runs` joins.
 * What an entry takes beyond the table's end is found out once it is read: there is no harm in reading it.
 */
export function readLocationTable(source: TableSource, runs: PositionRuns): void {
  const { bytes, end, codeLength } = source;
  const numbers = new Varints(bytes);
  let at = source.start;
  let running = source.firstLine;
  let offset = 0;
  let line = NO_VALUE;
  let endLine = NO_VALUE;
  let column = NO_VALUE;
  let endColumn = NO_VALUE;
  runs.reserve(Math.min(end - at, codeLength >> 1) + 1);
  while (at < end && offset < codeLength) {
    const entry = at;
    const first = bytes[at++]!;
    const code = (first >> 3) & 15;
    if (code < ONE_LINE) {
      const columns = bytes[at++]!;
      line = running;
      endLine = running;
      column = 8 * code + (columns >> 4);
      endColumn = column + (columns & 15);
    } else if (code < NO_COLUMNS) {
      running += code - ONE_LINE;
      line = running;
      endLine = running;
      column = bytes[at]!;
      endColumn = bytes[at + 1]!;
      at += 2;
    } else {
      numbers.at = at;
      if (code !== NONE) running += numbers.signed();
      line = code === NONE ? NO_VALUE : running;
      endLine = code === LONG ? running + numbers.next() : line;
      column = code === LONG ? numbers.next() - 1 : NO_VALUE;
      endColumn = code === LONG ? numbers.next() - 1 : NO_VALUE;
      at = numbers.at;
    }
    if (first < 0x80 || at > end || running !== (running | 0) || endLine !== (endLine | 0)) {
      throw badEntry(first, entry, at > end);
    }
    runs.add(offset, line, endLine, column, endColumn);
    offset += 2 * ((first & 7) + 1);
  }
  if (offset < codeLength) runs.add(offset, NO_VALUE, NO_VALUE, NO_VALUE, NO_VALUE);
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

function badEntry(first: number, at: number, isCut: boolean): PycError {
  let why = "line number beyond 32 bits";
  if (first < 0x80) why = `wanted a first byte of 0x80 or more, found 0x${first.toString(16)}`;
  else if (isCut) why = "cut off by the end of its table";
  return new PycError("bad-line-table", at, `location entry: ${why};`);
}

/** Numbers of 6 bits a byte, least significant first; 0x40 says that more follow. */
class Varints {
  /** Where the next number begins. */
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): number {
    let byte = this.#bytes[this.at++]!;
    let value = byte & 0x3f;
    for (let shift = 6; (byte & 0x40) !== 0; shift += 6) {
      if (shift > VARINT_MAX_SHIFT) {
        throw new PycError("bad-line-table", this.at, "location entry: number beyond 30 bits;");
      }
      byte = this.#bytes[this.at++]!;
      value |= (byte & 0x3f) << shift;
    }
    return value;
  }

  /** The sign is the lowest bit. */
  signed(): number {
    const value = this.next();
    return (value & 1) === 0 ? value >> 1 : -(value >> 1);
  }
}
