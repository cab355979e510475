/** Why a `.pyc` or a pyc map is refused. */
export type PycErrorCode =
  /** The file ends before what it announces. */
  | "truncated"
  /** Not a `.pyc` of CPython 3. */
  | "bad-magic"
  /** A `.pyc`, but of a CPython whose format is not known here. */
  | "unsupported-version"
  | "bad-flags"
  /** A marshal type byte that no version writes, or one where it cannot stand. */
  | "bad-type"
  | "bad-length"
  | "bad-reference"
  /** The object of the file is no code object. */
  | "not-code"
  /** A field of a code object has a wrong type or value. */
  | "bad-code"
  | "bad-string"
  | "bad-line-table"
  | "bad-exception-table"
  /** A limit of limits.ts, which the message names. */
  | "limit"
  | "bad-map"
  | "map-version";

export class PycError extends Error {
  override readonly name = "PycError";
  readonly code: PycErrorCode;
  /** Where in the file, in bytes. */
  readonly offset: number;

  /** `what`: what was read, wanted and found; the message adds where. */
  constructor(code: PycErrorCode, offset: number, what: string, options?: ErrorOptions) {
    super(`${what} at 0x${offset.toString(16)}`, options);
    this.code = code;
    this.offset = offset;
  }
}
