/**
 * The pyc map: little-endian columns of numbers, each beginning at a multiple of 4 bytes, so that a
 * reader lays typed arrays over them and parses nothing.
 *
 *   header      16 words (Word)
 *   columns     in the order of `columns` below
 *   text        UTF-8 of all strings, one after the other
 *
 * A column takes as many bytes a value as its largest one needs; none at all when all are 0.
 * Strings are known by number; 0 is the empty string and stands for "none".
 */

export const PYC_MAP_VERSION = 1;

/** "FLPM" */
export const MAP_MAGIC = 0x4d504c46;

export const HEADER_WORDS = 16;
export const HEADER_BYTES = 4 * HEADER_WORDS;

/** Index of each header word. */
export const Word = {
  magic: 0,
  version: 1,
  /** Of the whole map. */
  byteLength: 2,
  /** Sum of all words but this one and the next. */
  sum: 3,
  /** 12 for CPython 3.12 */
  pythonMinor: 4,
  codeCount: 5,
  runCount: 6,
  lineCount: 7,
  siteCount: 8,
  argumentCount: 9,
  stringCount: 10,
  textBytes: 11,
  /** Bytes a value of the narrow columns, 4 bits each, in the order of `columns`; two words. */
  widths: 12,
  /** String: `co_filename` of the module. */
  filename: 14,
  /** Sum of the sums on the way to `sum`, so that words in another order show as well (Fletcher). */
  sumOfSums: 15,
} as const;

/** How many values a column has. */
export interface Counts {
  readonly codeCount: number;
  readonly runCount: number;
  readonly lineCount: number;
  readonly siteCount: number;
  readonly argumentCount: number;
  readonly stringCount: number;
}

interface Column {
  readonly length: (counts: Counts) => number;
  /** False: always 4 bytes a value. */
  readonly isNarrow: boolean;
}

const perCode: Column = { length: ({ codeCount }) => codeCount, isNarrow: false };
/** Where each code object's part of other columns begins; one more, so that the next one ends it. */
const starts: Column = { length: ({ codeCount }) => codeCount + 1, isNarrow: false };
const perRun: Column = { length: ({ runCount }) => runCount, isNarrow: true };
const perSite: Column = { length: ({ siteCount }) => siteCount, isNarrow: true };

export const columns = {
  /** Strings: `co_name` and `co_qualname`. */
  names: perCode,
  qualnames: perCode,
  firstLines: perCode,
  flags: perCode,
  /** Bytes of `co_code`. */
  codeLengths: perCode,
  /** CodeTrait */
  traits: perCode,
  /** FNV-1a of the UTF-8 of every code object's name, sorted; and the code objects in that order. */
  nameHashes: perCode,
  namedCodes: perCode,
  argumentStarts: starts,
  runStarts: starts,
  lineStarts: starts,
  siteStarts: starts,
  /** Where each string's text begins, and where the last one's ends. */
  textStarts: { length: ({ stringCount }) => stringCount + 1, isNarrow: false },
  /** Strings: argument names in order. */
  arguments: { length: ({ argumentCount }) => argumentCount, isNarrow: true },
  /** Offset of each run's first instruction, ascending within a code object. */
  runOffsets: perRun,
  /** Line + 1; 0: none. */
  runLines: perRun,
  /** End line − line. */
  runEndLines: perRun,
  /** Column + 1; 0: none. */
  runColumns: perRun,
  runEndColumns: perRun,
  /** Line + 1 of every line of a code object, once, ascending. */
  lines: { length: ({ lineCount }) => lineCount, isNarrow: true },
  /** Run of each call site, counted from the code object's first; a code object's sites are sorted by line. */
  siteRuns: perSite,
  /** SiteKind */
  siteKinds: perSite,
  /** String: what is called, or the attribute; 0: not known, or none. */
  siteNames: perSite,
} satisfies Readonly<Record<string, Column>>;

export type ColumnName = keyof typeof columns;

export const columnNames = Object.keys(columns).filter(
  (name): name is ColumnName => name in columns,
);

export const CodeTrait = {
  /** A function that is bound to its own name as it was made, without decorators. */
  plain: 1,
} as const;

export type Widths = Readonly<Record<ColumnName, number>>;

/** 0, 1, 2 or 4 bytes for values up to `largest`. */
export function widthFor(largest: number): number {
  if (largest === 0) return 0;
  if (largest <= 0xff) return 1;
  return largest <= 0xffff ? 2 : 4;
}

/** Bytes of a column in the map, with those that fill its last word. */
export const columnBytes = (length: number, width: number): number => (length * width + 3) & ~3;

/** What header words `sum` and `sumOfSums` must be. */
export function checksums(words: Uint32Array): { sum: number; sumOfSums: number } {
  let sum = 0;
  let sumOfSums = 0;
  for (let index = 0; index < words.length; index++) {
    if (index !== Word.sum && index !== Word.sumOfSums) sum = (sum + words[index]!) | 0;
    sumOfSums = (sumOfSums + sum) | 0;
  }
  return { sum: sum >>> 0, sumOfSums: sumOfSums >>> 0 };
}
