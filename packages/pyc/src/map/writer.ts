/** `.pyc` → pyc map. */
import { CallSites } from "../call-sites/call-sites.ts";
import { instructionSet } from "../call-sites/instruction-set.ts";
import { CallSiteScanner } from "../call-sites/scanner.ts";
import type { CodeObject } from "../code-object.ts";
import { NO_VALUE, PositionRuns } from "../line-tables/position-runs.ts";
import { NULL } from "../marshal/objects.ts";
import { NumberList } from "../number-list.ts";
import { type Pyc, readPyc } from "../pyc.ts";
import type { PycFile } from "../pyc-file.ts";
import { hashBytes } from "../text.ts";
import {
  checksums,
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
import { addLines } from "./lines.ts";
import { SiteOrder } from "./site-order.ts";
import { MapStrings } from "./strings.ts";

/** Turns a `.pyc` into a pyc map, which answers without parsing. Throws the PycErrors of `readPyc` and of damaged tables. */
export function buildPycMap(bytes: Uint8Array): Uint8Array {
  const pyc = readPyc(bytes);
  const map = new MapBuilder(pyc, bytes.length);
  for (const code of pyc.codes) map.add(code);
  return map.finish();
}

/** The numbers of a column, of which the map holds `added` more. */
interface Source {
  readonly values: Int32Array;
  readonly count: number;
  readonly added: number;
}

type Sources = Readonly<Record<ColumnName, Source>>;

/** The first `count` numbers as they are. */
const plain = (values: Int32Array, count = values.length): Source => ({ values, count, added: 0 });

/** With 1 added, so that NO_VALUE is 0. */
const plusOne = (values: Int32Array, count: number): Source => ({
  values,
  count,
  added: -NO_VALUE,
});

const plainList = ({ values, length }: NumberList): Source => plain(values, length);

class MapBuilder {
  readonly #pyc: Pyc;
  readonly #file: PycFile;
  readonly #runs: PositionRuns;
  readonly #lines = new NumberList();
  readonly #strings: MapStrings;
  /** Null for versions without columns, and for pre-releases, whose opcodes have other numbers. */
  readonly #scanner: CallSiteScanner | null;
  readonly #runStarts: NumberList;
  readonly #lineStarts: NumberList;
  readonly #siteStarts: NumberList;
  readonly #argumentStarts: NumberList;
  readonly #arguments = new NumberList();
  /** Those of one code object. */
  readonly #argumentIds = new NumberList(16);

  constructor(pyc: Pyc, fileSize: number) {
    const module = pyc.codes[0]!;
    const { magic, version } = pyc.header;
    const set = magic >= version.release ? instructionSet(version.minor) : null;
    const expected = pyc.codes.length + 1;
    this.#pyc = pyc;
    this.#file = module.file;
    this.#strings = new MapStrings(module.file);
    this.#scanner = set === null ? null : new CallSiteScanner(module.file, set);
    this.#runs = new PositionRuns(fileSize >> 4);
    this.#runStarts = new NumberList(expected);
    this.#lineStarts = new NumberList(expected);
    this.#siteStarts = new NumberList(expected);
    this.#argumentStarts = new NumberList(expected);
  }

  add(code: CodeObject): void {
    const runs = this.#runs;
    const firstRun = runs.begin();
    this.#noteStarts();
    code.readPositions(runs);
    addLines(this.#lines, runs, firstRun);
    this.#scanner?.scan(code, runs, firstRun);
    this.#addArguments(code);
  }

  /** Where the next code object's parts begin, or the last one's end. */
  #noteStarts(): void {
    this.#runStarts.push(this.#runs.count);
    this.#lineStarts.push(this.#lines.length);
    this.#siteStarts.push(this.#scanner?.sites.count ?? 0);
    this.#argumentStarts.push(this.#arguments.length);
  }

  /** Argument names in order, `*args` and `**kwargs` with their stars. */
  #addArguments(code: CodeObject): void {
    const ids = this.#argumentIds;
    const strings = this.#strings;
    ids.length = 0;
    const { named, hasVarargs, hasVarkeywords } = code.addArguments(ids);
    for (let index = 0; index < named; index++) {
      this.#arguments.push(strings.ofObject(ids.values[index]!));
    }
    const starred = (index: number, stars: string): void => {
      this.#arguments.push(strings.ofText(`${stars}${this.#file.text(ids.values[index]!)}`));
    };
    if (hasVarargs) starred(named, "*");
    if (hasVarkeywords) starred(ids.length - 1, "**");
  }

  finish(): Uint8Array {
    this.#noteStarts();
    this.#scanner?.finish();
    const filename = this.#strings.ofObject(this.#pyc.codes[0]!.fields.filename);
    return this.#write(this.#sources(), filename);
  }

  #sources(): Sources {
    return {
      ...this.#codeSources(),
      ...this.#runSources(),
      ...this.#siteSources(this.#scanner?.sites ?? new CallSites()),
      runStarts: plainList(this.#runStarts),
      lineStarts: plainList(this.#lineStarts),
      siteStarts: plainList(this.#siteStarts),
      argumentStarts: plainList(this.#argumentStarts),
      arguments: plainList(this.#arguments),
      lines: plusOne(this.#lines.values, this.#lines.length),
      textStarts: plainList(this.#strings.starts),
    };
  }

  #codeSources() {
    const { codes } = this.#pyc;
    const column = (): Int32Array => new Int32Array(codes.length);
    const names = column();
    const qualnames = column();
    const firstLines = column();
    const flags = column();
    const codeLengths = column();
    const traits = column();
    codes.forEach((code, index) => {
      names[index] = this.#strings.ofObject(code.fields.name);
      qualnames[index] = this.#qualname(code);
      firstLines[index] = code.firstLine;
      flags[index] = code.flags;
      codeLengths[index] = code.codeLength;
      traits[index] = this.#scanner?.isPlain(code.number) === true ? CodeTrait.plain : 0;
    });
    return {
      names: plain(names),
      qualnames: plain(qualnames),
      firstLines: plain(firstLines),
      flags: plain(flags),
      codeLengths: plain(codeLengths),
      traits: plain(traits),
      ...this.#byName(names),
    };
  }

  #runSources() {
    const { starts, lines, endLines, columns: first, endColumns, count } = this.#runs;
    const lengths = new Int32Array(this.#file.minor >= 11 ? count : 0);
    for (let run = 0; run < lengths.length; run++) lengths[run] = endLines[run]! - lines[run]!;
    return {
      runOffsets: plain(starts, count),
      runLines: plusOne(lines, count),
      runEndLines: plain(lengths, count),
      runColumns: plusOne(first, count),
      runEndColumns: plusOne(endColumns, count),
    };
  }

  /** Sites in the order of their lines, code object by code object. */
  #siteSources(sites: CallSites) {
    const runs = new Int32Array(sites.count);
    const kinds = new Int32Array(sites.count);
    const names = new Int32Array(sites.count);
    const order = new SiteOrder(sites, this.#runs.lines);
    for (let code = 0; code < this.#pyc.codes.length; code++) {
      const start = this.#siteStarts.values[code]!;
      const end = this.#siteStarts.values[code + 1]!;
      const firstRun = this.#runStarts.values[code]!;
      order.sort(start, end);
      for (let index = start; index < end; index++) {
        const site = order.sites[index]!;
        runs[index] = sites.runs[site]! - firstRun;
        kinds[index] = sites.kinds[site]!;
        names[index] = this.#strings.ofObject(sites.names[site]!);
      }
    }
    return { siteRuns: plain(runs), siteKinds: plain(kinds), siteNames: plain(names) };
  }

  #qualname(code: CodeObject): number {
    if (code.qualnameId !== NULL) return this.#strings.ofObject(code.qualnameId);
    return this.#strings.ofText(code.derivedQualname);
  }

  /** Hashes of the names in ascending order, and the code objects in that order. */
  #byName(names: Int32Array): { nameHashes: Source; namedCodes: Source } {
    const { text, starts } = this.#strings;
    const keys = new Float64Array(names.length);
    for (let code = 0; code < names.length; code++) {
      const name = names[code]!;
      const hash = hashBytes(text, starts.values[name]!, starts.values[name + 1]!);
      keys[code] = hash * CODE_RANGE + code;
    }
    keys.sort();
    const hashes = new Int32Array(names.length);
    const codes = new Int32Array(names.length);
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index]!;
      hashes[index] = Math.floor(key / CODE_RANGE);
      codes[index] = key % CODE_RANGE;
    }
    return { nameHashes: plain(hashes), namedCodes: plain(codes) };
  }

  #write(sources: Sources, filename: number): Uint8Array {
    const strings = this.#strings;
    const widths: number[] = [];
    let size = HEADER_BYTES;
    for (const name of columnNames) {
      const source = sources[name];
      const width = columns[name].isNarrow ? widthFor(bitsOf(source)) : 4;
      widths.push(width);
      size += columnBytes(source.count, width);
    }
    const textAt = size;
    size += columnBytes(strings.textBytes, 1);
    const map = new Uint8Array(size);
    const words = new Uint32Array(map.buffer);
    writeHeader(words, this.#file.minor, this.#counts(sources), widths);
    words[Word.filename] = filename;
    words[Word.textBytes] = strings.textBytes;
    writeColumns(map, sources, widths);
    map.set(strings.text.subarray(0, strings.textBytes), textAt);
    const { sum, sumOfSums } = checksums(words);
    words[Word.sum] = sum;
    words[Word.sumOfSums] = sumOfSums;
    return map;
  }

  #counts(sources: Sources): Counts {
    return {
      codeCount: this.#pyc.codes.length,
      runCount: sources.runOffsets.count,
      lineCount: sources.lines.count,
      siteCount: sources.siteRuns.count,
      argumentCount: sources.arguments.count,
      stringCount: this.#strings.count,
    };
  }
}

/** Above every code index (MAX_CODE_OBJECTS); a 32-bit hash times this and a code index is an exact number. */
const CODE_RANGE = 1 << 20;

/** `widths`: of all columns; the header holds those of the narrow ones. */
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
  const narrow = widths.filter((_, index) => columns[columnNames[index]!].isNarrow);
  narrow.forEach((width, index) => {
    const word = Word.widths + (index >> 3);
    words[word] = words[word]! | (width << (4 * (index & 7)));
  });
}

function writeColumns(
  map: Uint8Array<ArrayBuffer>,
  sources: Sources,
  widths: readonly number[],
): void {
  let at = HEADER_BYTES;
  columnNames.forEach((name, index) => {
    const source = sources[name];
    const width = widths[index]!;
    if (width === 4) write4(new Uint32Array(map.buffer, at, source.count), source);
    if (width === 2) write2(new Uint16Array(map.buffer, at, source.count), source);
    if (width === 1) write1(map.subarray(at, at + source.count), source);
    at += columnBytes(source.count, width);
  });
}

// One loop for each width: each sees one class of array, and runs twice as fast for it.

function write4(column: Uint32Array, { values, added }: Source): void {
  for (let index = 0; index < column.length; index++) column[index] = values[index]! + added;
}

function write2(column: Uint16Array, { values, added }: Source): void {
  for (let index = 0; index < column.length; index++) column[index] = values[index]! + added;
}

function write1(column: Uint8Array, { values, added }: Source): void {
  for (let index = 0; index < column.length; index++) column[index] = values[index]! + added;
}

/** The bits of all values together: they need as many bytes as the largest one. */
function bitsOf({ values, count, added }: Source): number {
  let bits = 0;
  for (let index = 0; index < count; index++) bits |= values[index]! + added;
  return bits >>> 0;
}
