/** A pyc map, laid over its bytes: nothing is parsed, and lookups are binary searches. */
import { PycError } from "../error.ts";
import type { CodeSummary, EntryWay, Position, PycMap } from "../map-types.ts";
import { decodeText, hashText } from "../text.ts";
import { callSpans, entryWays } from "./call-spans.ts";
import {
  checksums,
  CodeTrait,
  columnBytes,
  type ColumnName,
  columnNames,
  columns,
  HEADER_BYTES,
  MAP_MAGIC,
  PYC_MAP_VERSION,
  Word,
} from "./format.ts";
import { lowerBound } from "./search.ts";

type Values = Uint8Array | Uint16Array | Uint32Array;
export type MapColumns = Readonly<Record<ColumnName, Values>>;

/**
 * Opens a map that `buildPycMap` made, and keeps a view of it. Checks its header, size and checksum.
 * Throws PycError `map-version` for one of another PYC_MAP_VERSION, `bad-map` for a damaged one.
 */
export function openPycMap(map: Uint8Array): PycMap {
  if (map.length < HEADER_BYTES)
    throw bad(0, `pyc map: wanted ${HEADER_BYTES} bytes of header, found ${map.length}`);
  // Typed arrays of words begin at multiples of 4; a piece of a larger buffer may lie anywhere.
  const bytes = map.byteOffset % 4 === 0 ? map : Uint8Array.from(map);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  if (words[Word.magic] !== MAP_MAGIC) throw bad(0, "pyc map: wanted FLPM");
  const version = words[Word.version]!;
  if (version !== PYC_MAP_VERSION) {
    const what = `pyc map: wanted version ${PYC_MAP_VERSION}, found ${version}`;
    throw new PycError("map-version", 4 * Word.version, what);
  }
  const length = words[Word.byteLength]!;
  if (length !== bytes.length || length % 4 !== 0) {
    throw bad(4 * Word.byteLength, `pyc map: wanted ${length} bytes, found ${bytes.length}`);
  }
  const { sum, sumOfSums } = checksums(words);
  if (sum !== words[Word.sum] || sumOfSums !== words[Word.sumOfSums]) {
    const wanted = `${words[Word.sum]}/${words[Word.sumOfSums]}`;
    throw bad(4 * Word.sum, `pyc map: wanted checksum ${wanted}, found ${sum}/${sumOfSums}`);
  }
  return new OpenedMap(words, layColumns(bytes, words));
}

const bad = (offset: number, what: string): PycError => new PycError("bad-map", offset, what);

/** Throws `bad-map` when the columns do not fill the map exactly. */
function layColumns(
  bytes: Uint8Array,
  words: Uint32Array,
): { columns: MapColumns; text: Uint8Array } {
  const counts = {
    codeCount: words[Word.codeCount]!,
    runCount: words[Word.runCount]!,
    lineCount: words[Word.lineCount]!,
    siteCount: words[Word.siteCount]!,
    argumentCount: words[Word.argumentCount]!,
    stringCount: words[Word.stringCount]!,
  };
  const laid: Partial<Record<ColumnName, Values>> = {};
  let at = HEADER_BYTES;
  let narrow = 0;
  for (const name of columnNames) {
    const column = columns[name];
    const length = column.length(counts);
    const width = column.isNarrow ? narrowWidth(words, narrow++) : 4;
    const end = at + columnBytes(length, width);
    if (end > bytes.length) throw bad(at, `pyc map: ${name}: ${length} values do not fit`);
    laid[name] = valuesAt(bytes, at, length, width);
    at = end;
  }
  const textBytes = words[Word.textBytes]!;
  if (at + columnBytes(textBytes, 1) !== bytes.length)
    throw bad(at, "pyc map: the columns do not fill it");
  if (!isComplete(laid)) throw bad(at, "pyc map: columns are missing");
  return { columns: laid, text: bytes.subarray(at, at + textBytes) };
}

const narrowWidth = (words: Uint32Array, index: number): number =>
  (words[Word.widths + (index >> 3)]! >> (4 * (index & 7))) & 15;

const isComplete = (
  laid: Partial<Record<ColumnName, Values>>,
): laid is Record<ColumnName, Values> => columnNames.every((name) => laid[name] !== undefined);

/** A column without bytes holds zeros: reading past its end gives undefined, which callers take for 0. */
function valuesAt(bytes: Uint8Array, at: number, length: number, width: number): Values {
  const offset = bytes.byteOffset + at;
  switch (width) {
    case 0:
      return new Uint8Array(0);
    case 1:
      return new Uint8Array(bytes.buffer, offset, length);
    case 2:
      return new Uint16Array(bytes.buffer, offset, length);
    case 4:
      return new Uint32Array(bytes.buffer, offset, length);
    default:
      throw bad(4 * Word.widths, `pyc map: wanted a width of 0, 1, 2 or 4 bytes, found ${width}`);
  }
}

export class OpenedMap implements PycMap {
  readonly pythonVersion: string;
  readonly filename: string;
  readonly codeCount: number;
  readonly minor: number;
  readonly columns: MapColumns;
  readonly #text: Uint8Array;
  readonly #strings: (string | undefined)[] = [];

  constructor(words: Uint32Array, laid: { columns: MapColumns; text: Uint8Array }) {
    this.minor = words[Word.pythonMinor]!;
    this.pythonVersion = `3.${this.minor}`;
    this.columns = laid.columns;
    this.#text = laid.text;
    this.codeCount = words[Word.codeCount]!;
    this.filename = this.string(words[Word.filename]!);
  }

  code(index: number): CodeSummary {
    this.#requireCode(index);
    const { columns: all } = this;
    const first = all.argumentStarts[index]!;
    const count = all.argumentStarts[index + 1]! - first;
    return {
      index,
      name: this.string(all.names[index]!),
      qualname: this.string(all.qualnames[index]!),
      firstLine: all.firstLines[index]! | 0,
      arguments: Array.from({ length: count }, (_, argument) =>
        this.string(all.arguments[first + argument] ?? 0),
      ),
      flags: all.flags[index]! | 0,
      ...(this.minor >= 11 ? { isPlain: (all.traits[index]! & CodeTrait.plain) !== 0 } : {}),
    };
  }

  codesNamed(name: string): readonly number[] {
    return this.#named(name, null);
  }

  codesAt(name: string, line: number): readonly number[] {
    return this.#named(name, line);
  }

  positionAt(index: number, offset: number): Position | null {
    this.#requireCode(index);
    const { runOffsets, runStarts, codeLengths } = this.columns;
    if (!(offset >= 0 && offset < codeLengths[index]!)) return null;
    // The last run that begins at or before the offset.
    const run = lowerBound(runOffsets, runStarts[index]!, runStarts[index + 1]!, offset + 1) - 1;
    return this.positionOfRun(run);
  }

  callSpansAt(
    index: number,
    line: number,
    callee: string | null,
    calleeCode: CodeSummary | null = null,
  ): readonly Position[] {
    this.#requireCode(index);
    return callSpans(this, { index, line, callee, calleeCode });
  }

  entryWaysAt(
    index: number,
    line: number,
    callee: string,
    calleeCode: CodeSummary | null = null,
  ): readonly EntryWay[] {
    this.#requireCode(index);
    return entryWays(this, { index, line, callee, calleeCode });
  }

  /** Text of a string by its number; decoded once. */
  string(number: number): string {
    const known = this.#strings[number];
    if (known !== undefined) return known;
    const { textStarts } = this.columns;
    const start = textStarts[number] ?? 0;
    const text = decodeText(this.#text, start, textStarts[number + 1] ?? start) ?? "";
    this.#strings[number] = text;
    return text;
  }

  /** Line of a run; 0 when it has none. */
  lineOfRun(run: number): number {
    return this.columns.runLines[run] ?? 0;
  }

  positionOfRun(run: number): Position {
    const { runLines, runEndLines, runColumns, runEndColumns } = this.columns;
    const line = known(runLines[run]);
    // Before 3.11 there are lines, and nothing else.
    const hasEndLines = line !== null && this.minor >= 11;
    return {
      line,
      endLine: hasEndLines ? line + (runEndLines[run] ?? 0) : null,
      column: known(runColumns[run]),
      endColumn: known(runEndColumns[run]),
    };
  }

  /** Code objects named `name`, in ascending order; with a line only those that have it. */
  #named(name: string, line: number | null): number[] {
    const { nameHashes, namedCodes, names } = this.columns;
    const hash = hashText(name);
    const found: number[] = [];
    let at = lowerBound(nameHashes, 0, this.codeCount, hash);
    for (; at < this.codeCount && nameHashes[at] === hash; at++) {
      const code = namedCodes[at]!;
      if (this.string(names[code]!) !== name) continue;
      if (line === null || this.#hasLine(code, line)) found.push(code);
    }
    return found;
  }

  #hasLine(code: number, line: number): boolean {
    const { lines, lineStarts } = this.columns;
    const end = lineStarts[code + 1]!;
    const at = lowerBound(lines, lineStarts[code]!, end, line + 1);
    return at < end && lines[at] === line + 1;
  }

  #requireCode(index: number): void {
    if (index >= 0 && index < this.codeCount && Number.isInteger(index)) return;
    throw new RangeError(`code object ${index}: the map has ${this.codeCount}`);
  }
}

/** Stored with 1 added; 0: none. */
const known = (stored: number | undefined): number | null =>
  stored === undefined || stored === 0 ? null : (stored | 0) - 1;
