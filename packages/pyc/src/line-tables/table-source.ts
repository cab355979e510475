/** What a line-table reader is given: where the table lies, and what the code object says beside it. */
export interface TableSource {
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** The table: bytes [start, end) of the file. */
  readonly start: number;
  readonly end: number;
  /** `co_firstlineno` */
  readonly firstLine: number;
  /** Bytes of `co_code`; what a table says beyond them is ignored, as CPython does. */
  readonly codeLength: number;
}

/** A stretch of instructions: first offset, offset after the last, line; null when it has none. */
export type LineRange = readonly [start: number, end: number, line: number | null];

/** Offset of an instruction that begins a line. */
export type LineStart = readonly [offset: number, line: number | null];
