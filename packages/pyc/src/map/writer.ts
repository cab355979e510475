/** `.pyc` → pyc map. */
import { CallSites } from "../call-sites/call-sites.ts";
import { instructionSet } from "../call-sites/instruction-set.ts";
import { CallSiteScanner } from "../call-sites/scanner.ts";
import type { CodeObject } from "../code-object.ts";
import { NO_VALUE, PositionRuns } from "../line-tables/position-runs.ts";
import { NULL } from "../marshal/objects.ts";
import { type Pyc, readPyc } from "../pyc.ts";
import type { PycFile } from "../pyc-file.ts";
import { hashBytes } from "../text.ts";
import {
  checksum,
  CodeTrait,
  columnBytes,
  type ColumnName,
  columnNames,
  columns,
  type Counts,
  HEADER_BYTES,
  MAP_MAGIC,
  PYC_MAP_VERSION,
  widthFor,
  Word,
} from "./format.ts";
import { CodeLines } from "./lines.ts";
import { MapStrings } from "./strings.ts";

/** Turns a `.pyc` into a pyc map, which answers without parsing. Throws the PycErrors of `readPyc` and of damaged tables. */
export function buildPycMap(bytes: Uint8Array): Uint8Array {
  const pyc = readPyc(bytes);
  const map = new MapBuilder(pyc);
  for (const code of pyc.codes) map.add(code);
  return map.finish();
}

type Values = Readonly<Record<ColumnName, ArrayLike<number>>>;

class MapBuilder {
  readonly #pyc: Pyc;
  readonly #file: PycFile;
  readonly #runs = new PositionRuns();
  readonly #lines = new CodeLines();
  readonly #strings: MapStrings;
  /** Null for versions without columns, and for pre-releases, whose opcodes have other numbers. */
  readonly #scanner: CallSiteScanner | null;
  readonly #runStarts: number[] = [];
  readonly #lineStarts: number[] = [];
  readonly #siteStarts: number[] = [];
  readonly #argumentStarts: number[] = [];
  readonly #arguments: number[] = [];

  constructor(pyc: Pyc) {
    const module = pyc.codes[0]!;
    const { magic, version } = pyc.header;
    const set = magic >= version.release ? instructionSet(version.minor) : null;
    this.#pyc = pyc;
    this.#file = module.file;
    this.#strings = new MapStrings(module.file);
    this.#scanner = set === null ? null : new CallSiteScanner(module.file, set, module);
  }

  add(code: CodeObject): void {
    const runs = this.#runs;
    const firstRun = runs.begin();
    this.#runStarts.push(firstRun);
    code.readPositions(runs);
    this.#lineStarts.push(this.#lines.count);
    this.#lines.addOf(runs, firstRun);
    this.#siteStarts.push(this.#scanner?.sites.count ?? 0);
    this.#scanner?.scan(code, runs, firstRun);
    this.#addArguments(code);
  }

  /** Argument names in order, `*args` and `**kwargs` with their stars. */
  #addArguments(code: CodeObject): void {
    const { named, varargs, varkeywords } = code.argumentIds();
    const strings = this.#strings;
    this.#argumentStarts.push(this.#arguments.length);
    for (const id of named) this.#arguments.push(strings.ofObject(id));
    if (varargs !== null) this.#arguments.push(strings.ofText(`*${this.#file.text(varargs)}`));
    if (varkeywords !== null)
      this.#arguments.push(strings.ofText(`**${this.#file.text(varkeywords)}`));
  }

  finish(): Uint8Array {
    this.#scanner?.finish();
    const filename = this.#strings.ofObject(this.#pyc.codes[0]!.fields.filename);
    return this.#write(this.#values(), filename);
  }

  #values(): Values {
    const { codes } = this.#pyc;
    const runs = this.#runs;
    const { count } = runs;
    const strings = this.#strings;
    const sites = this.#scanner?.sites ?? new CallSites();
    const ends = [count, this.#lines.count, sites.count, this.#arguments.length];
    const names = codes.map(({ fields }) => strings.ofObject(fields.name));
    const order = this.#byName(names);
    const hasEndLines = this.#file.minor >= 11;
    return {
      names,
      qualnames: codes.map((code) => this.#qualname(code)),
      firstLines: codes.map((code) => code.firstLine >>> 0),
      flags: codes.map((code) => code.flags >>> 0),
      codeLengths: codes.map((code) => code.codeLength),
      traits: codes.map((code) => this.#traits(code)),
      nameHashes: order.hashes,
      namedCodes: order.codes,
      runStarts: [...this.#runStarts, ends[0]!],
      lineStarts: [...this.#lineStarts, ends[1]!],
      siteStarts: [...this.#siteStarts, ends[2]!],
      argumentStarts: [...this.#argumentStarts, ends[3]!],
      arguments: this.#arguments,
      runOffsets: runs.starts.subarray(0, count),
      runLines: plusOne(runs.lines, count),
      runEndLines: hasEndLines ? differences(runs, count) : new Uint32Array(count),
      runColumns: plusOne(runs.columns, count),
      runEndColumns: plusOne(runs.endColumns, count),
      lines: plusOne(this.#lines.lines, this.#lines.count),
      ...this.#siteValues(sites),
      textStarts: strings.starts,
    };
  }

  /** Sites in the order of their lines, code object by code object. */
  #siteValues(sites: CallSites): Record<"siteRuns" | "siteKinds" | "siteNames", ArrayLike<number>> {
    const { count } = sites;
    const values = {
      siteRuns: new Uint32Array(count),
      siteKinds: new Uint32Array(count),
      siteNames: new Uint32Array(count),
    };
    const { lines } = this.#runs;
    this.#siteStarts.forEach((start, code) => {
      const end = this.#siteStarts[code + 1] ?? count;
      const firstRun = this.#runStarts[code]!;
      const order = sortedByLine(sites, start, end, lines);
      for (let index = start; index < end; index++) {
        const site = order === null ? index : order[index - start]!;
        values.siteRuns[index] = sites.runs[site]! - firstRun;
        values.siteKinds[index] = sites.kinds[site]!;
        values.siteNames[index] = this.#strings.ofObject(sites.names[site]!);
      }
    });
    return values;
  }

  #qualname(code: CodeObject): number {
    if (code.qualnameId !== NULL) return this.#strings.ofObject(code.qualnameId);
    return this.#strings.ofText(code.derivedQualname);
  }

  #traits(code: CodeObject): number {
    return this.#scanner?.plain[code.number] === 1 ? CodeTrait.plain : 0;
  }

  /** Hashes of the names in ascending order, and the code objects in that order. */
  #byName(names: readonly number[]): { hashes: Uint32Array; codes: Uint32Array } {
    const { text, starts } = this.#strings;
    const keys = new Float64Array(names.length);
    for (let code = 0; code < names.length; code++) {
      const name = names[code]!;
      keys[code] = hashBytes(text, starts[name]!, starts[name + 1]!) * CODE_RANGE + code;
    }
    keys.sort();
    const hashes = new Uint32Array(names.length);
    const codes = new Uint32Array(names.length);
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index]!;
      hashes[index] = Math.floor(key / CODE_RANGE);
      codes[index] = key % CODE_RANGE;
    }
    return { hashes, codes };
  }

  #write(values: Values, filename: number): Uint8Array {
    const strings = this.#strings;
    const counts = this.#counts(values);
    const widths: number[] = [];
    let size = HEADER_BYTES;
    for (const name of columnNames) {
      const column = columns[name];
      const width = column.isNarrow ? widthFor(largestOf(values[name])) : 4;
      if (column.isNarrow) widths.push(width);
      size += columnBytes(column.length(counts), width);
    }
    const textAt = size;
    size += columnBytes(strings.textBytes, 1);
    const map = new Uint8Array(size);
    const words = new Uint32Array(map.buffer);
    writeHeader(words, this.#file.minor, counts, widths);
    words[Word.filename] = filename;
    words[Word.textBytes] = strings.textBytes;
    writeColumns(map, values, widths);
    map.set(strings.text.subarray(0, strings.textBytes), textAt);
    words[Word.checksum] = checksum(words);
    return map;
  }

  #counts(values: Values): Counts {
    return {
      codeCount: this.#pyc.codes.length,
      runCount: values.runOffsets.length,
      lineCount: values.lines.length,
      siteCount: values.siteRuns.length,
      argumentCount: values.arguments.length,
      stringCount: this.#strings.count,
    };
  }
}

/** Above every code index (MAX_CODE_OBJECTS); a 32-bit hash times this and a code index is an exact number. */
const CODE_RANGE = 1 << 20;

function writeHeader(
  words: Uint32Array,
  minor: number,
  counts: Counts,
  widths: readonly number[],
): void {
  words[Word.magic] = MAP_MAGIC;
  words[Word.version] = PYC_MAP_VERSION;
  words[Word.byteLength] = words.byteLength;
  words[Word.pythonMinor] = minor;
  words[Word.codeCount] = counts.codeCount;
  words[Word.runCount] = counts.runCount;
  words[Word.lineCount] = counts.lineCount;
  words[Word.siteCount] = counts.siteCount;
  words[Word.argumentCount] = counts.argumentCount;
  words[Word.stringCount] = counts.stringCount;
  widths.forEach((width, index) => {
    const word = Word.widths + (index >> 3);
    words[word] = words[word]! | (width << (4 * (index & 7)));
  });
}

function writeColumns(
  map: Uint8Array<ArrayBuffer>,
  values: Values,
  widths: readonly number[],
): void {
  let at = HEADER_BYTES;
  let narrow = 0;
  for (const name of columnNames) {
    const column = values[name];
    const width = columns[name].isNarrow ? widths[narrow++]! : 4;
    if (width === 4) new Uint32Array(map.buffer, at, column.length).set(column);
    if (width === 2) new Uint16Array(map.buffer, at, column.length).set(column);
    if (width === 1) map.set(column, at);
    at += columnBytes(column.length, width);
  }
}

function largestOf(column: ArrayLike<number>): number {
  let largest = 0;
  for (let index = 0; index < column.length; index++) {
    if (column[index]! > largest) largest = column[index]!;
  }
  return largest;
}

/** Values + 1, so that NO_VALUE is 0. */
function plusOne(column: Int32Array, count: number): Uint32Array {
  const shifted = new Uint32Array(count);
  for (let index = 0; index < count; index++) shifted[index] = column[index]! - NO_VALUE;
  return shifted;
}

function differences(runs: PositionRuns, count: number): Uint32Array {
  const values = new Uint32Array(count);
  for (let index = 0; index < count; index++)
    values[index] = runs.endLines[index]! - runs.lines[index]!;
  return values;
}

/** Sites [start, end) sorted by line, those of a line as they are; null when they are sorted already. */
function sortedByLine(
  sites: CallSites,
  start: number,
  end: number,
  lines: Int32Array,
): number[] | null {
  const lineOf = (site: number): number => lines[sites.runs[site]!]!;
  let isSorted = true;
  for (let site = start + 1; isSorted && site < end; site++) {
    isSorted = lineOf(site) >= lineOf(site - 1);
  }
  if (isSorted) return null;
  const order = Array.from({ length: end - start }, (_, index) => start + index);
  return order.sort((left, right) => lineOf(left) - lineOf(right));
}
