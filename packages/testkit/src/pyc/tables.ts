/**
 * Writes the tables of code objects: lines, columns, exception handlers. Offsets and lengths are in bytes
 * of `co_code`.
 */

/** The instructions from `start` up to the next entry. */
export interface SynthLine {
  readonly start: number;
  readonly line: number;
}

/** `co_lnotab` (3.0–3.9): byte and line steps; signed from 3.6 on, before that lines only go up. */
export function lnotab(
  firstLine: number,
  lines: readonly SynthLine[],
  signed: boolean,
): Uint8Array {
  const pairs: number[] = [];
  let offset = 0;
  let line = firstLine;
  for (const next of lines) {
    let forward = next.start - offset;
    let step = next.line - line;
    if (!signed && step < 0) throw new RangeError("lnotab up to 3.5 cannot go back");
    for (; forward > 255; forward -= 255) pairs.push(255, 0);
    const [most, least] = signed ? [127, -128] : [255, 0];
    for (; step > most; step -= most, forward = 0) pairs.push(forward, most);
    for (; step < least; step -= least, forward = 0) pairs.push(forward, least & 0xff);
    pairs.push(forward, step & 0xff);
    offset = next.start;
    line = next.line;
  }
  return Uint8Array.from(pairs);
}

/** Instructions that share a line; null: they have none. */
export interface SynthRange {
  readonly length: number;
  readonly line: number | null;
}

/** `co_linetable` of 3.10. */
export function linetable310(firstLine: number, ranges: readonly SynthRange[]): Uint8Array {
  const pairs: number[] = [];
  let line = firstLine;
  for (const range of ranges) {
    let { length } = range;
    let step = range.line === null ? 0 : range.line - line;
    for (; step > 127; step -= 127) pairs.push(0, 127);
    for (; step < -127; step += 127) pairs.push(0, 0x81);
    const delta = range.line === null ? 0x80 : step & 0xff;
    for (let first = true; length > 0 || first; first = false) {
      const piece = Math.min(length, 254);
      pairs.push(piece, first || range.line === null ? delta : 0);
      length -= piece;
    }
    line = range.line ?? line;
  }
  return Uint8Array.from(pairs);
}

/** Instructions that share a position; columns count bytes of UTF-8, the end is exclusive. */
export interface SynthPosition {
  readonly length: number;
  readonly line: number | null;
  readonly endLine?: number;
  readonly column?: number | null;
  readonly endColumn?: number | null;
}

/** 6 bits a byte, least significant first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 64; left = Math.floor(left / 64)) bytes.push(0x40 | (left & 0x3f));
  return [...bytes, left];
}

const signedVarint = (value: number): number[] => varint(value < 0 ? -value * 2 + 1 : value * 2);

/** `co_linetable` of 3.11 and later; each entry in the shortest form that can hold it, as CPython picks it. */
export function locationTable(firstLine: number, positions: readonly SynthPosition[]): Uint8Array {
  const bytes: number[] = [];
  let running = firstLine;
  for (const position of positions) {
    for (let units = position.length / 2; units > 0; units -= 8) {
      const [code, ...payload] = locationEntry(position, running);
      bytes.push(0x80 | ((code ?? 0) << 3) | (Math.min(units, 8) - 1), ...payload);
      running = position.line ?? running;
    }
  }
  return Uint8Array.from(bytes);
}

/** Code and payload of one entry; `running`: the line before it. */
function locationEntry(position: SynthPosition, running: number): number[] {
  const { line, column = null, endColumn = null } = position;
  if (line === null) return [15];
  const endLine = position.endLine ?? line;
  const step = line - running;
  if (column === null || endColumn === null) {
    if (endLine === line) return [13, ...signedVarint(step)];
    return [14, ...signedVarint(step), ...varint(endLine - line), 0, 0];
  }
  const isOneLine = endLine === line && endColumn >= column;
  const width = endColumn - column;
  if (isOneLine && step === 0 && column < 80 && width < 16) {
    return [column >> 3, ((column & 7) << 4) | width];
  }
  if (isOneLine && step >= 0 && step < 3 && column < 128 && endColumn < 128) {
    return [10 + step, column, endColumn];
  }
  const lines = [...signedVarint(step), ...varint(endLine - line)];
  return [14, ...lines, ...varint(column + 1), ...varint(endColumn + 1)];
}

export interface SynthHandler {
  readonly start: number;
  readonly end: number;
  readonly target: number;
  readonly depth: number;
  readonly lasti: boolean;
}

/** 6 bits a byte, most significant first. */
function bigVarint(value: number): number[] {
  const rest = varint(value).map((byte) => byte & 0x3f);
  return rest.toReversed().map((bits, index) => (index < rest.length - 1 ? 0x40 | bits : bits));
}

/** `co_exceptiontable` of 3.11 and later. */
export function exceptionTable(handlers: readonly SynthHandler[]): Uint8Array {
  return Uint8Array.from(
    handlers.flatMap(({ start, end, target, depth, lasti }) => {
      const [first = 0, ...others] = bigVarint(start / 2);
      const rest = [(end - start) / 2, target / 2, depth * 2 + Number(lasti)];
      return [0x80 | first, ...others, ...rest.flatMap(bigVarint)];
    }),
  );
}
