import { TruncatedError } from "@faultline/bytes";

/** Why a minidump, or one stream of it, is refused. */
export type MinidumpErrorCode =
  /** The file does not begin as a minidump. */
  | "bad-signature"
  | "bad-version"
  /** A record does not fit into what holds it. */
  | "truncated"
  /** A location leads out of the file. */
  | "out-of-bounds"
  /** A list announces more records than its stream has room for. */
  | "bad-count"
  /** A list announces records or a header of a size that cannot be. */
  | "bad-record-size"
  | "bad-string"
  /** A context is of another CPU than the dump. */
  | "bad-context"
  /** A limit of limits.ts, which the message names. */
  | "limit";

export class MinidumpError extends Error {
  override readonly name = "MinidumpError";
  readonly code: MinidumpErrorCode;
  /** Where in the file, in bytes. */
  readonly offset: number;
  /** What was to be there, and what was. */
  readonly wanted: string;
  readonly found: string;

  /** `what`: the record or field that was read, in the spelling of the vendor's header. */
  constructor(
    code: MinidumpErrorCode,
    offset: number,
    what: string,
    { wanted, found, ...options }: ErrorOptions & { wanted: string; found: string },
  ) {
    super(`${what} at 0x${offset.toString(16)}: want ${wanted}, found ${found}`, options);
    this.code = code;
    this.offset = offset;
    this.wanted = wanted;
    this.found = found;
  }
}

/** What `read` throws, as an error of this package; other errors than of the input are let through. */
export function refusals<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof TruncatedError ? truncated(error) : error;
  }
}

const truncated = (cause: TruncatedError): MinidumpError =>
  new MinidumpError("truncated", cause.offset, cause.field, {
    wanted: `${cause.need} bytes`,
    found: `${cause.have}`,
    cause,
  });

/** What `read` gives, or why the input is refused: for parts that are to cost no more than themselves. */
export function attempt<T>(read: () => T): T | MinidumpError {
  try {
    return refusals(read);
  } catch (error) {
    if (error instanceof MinidumpError) return error;
    throw error;
  }
}
