/** What stands before the marshalled code object: magic number, and how to tell that the source changed (PEP 552). */
import { Cursor, TruncatedError } from "@faultline/bytes";
import { PycError } from "./error.ts";
import { type PythonVersion, versionOfMagic } from "./versions.ts";

export interface PycHeader {
  readonly magic: number;
  readonly version: PythonVersion;
  /** In bytes: 8, 12 or 16. */
  readonly size: number;
  /** PEP 552; null before 3.7. */
  readonly flags: number | null;
  readonly source:
    | {
        readonly checkedBy: "timestamp";
        /** Seconds since 1970, modulo 2^32. */
        readonly mtime: number;
        /** Bytes, modulo 2^32; null before 3.3. */
        readonly size: number | null;
      }
    | {
        readonly checkedBy: "hash";
        /** SipHash of the source, 16 hex digits as they lie in the file. */
        readonly hash: string;
        /** False: the interpreter trusts the file without looking at the source. */
        readonly checked: boolean;
      };
}

const FLAG_HASH = 1;
const FLAG_CHECK_SOURCE = 2;

/** Throws PycError `truncated`, `bad-magic`, `unsupported-version` or `bad-flags`. */
export function readHeader(bytes: Uint8Array): PycHeader {
  try {
    return header(new Cursor(bytes));
  } catch (error) {
    if (!(error instanceof TruncatedError)) throw error;
    const { field, need, have } = error;
    const what = `header: ${field}: need ${need} bytes, have ${have}`;
    throw new PycError("truncated", error.offset, what, { cause: error });
  }
}

function header(cursor: Cursor): PycHeader {
  const magic = cursor.u16("magic");
  const crlf = cursor.u16("CR LF");
  if (crlf !== 0x0a0d) {
    const found = crlf.toString(16).padStart(4, "0");
    throw new PycError(
      "bad-magic",
      2,
      `magic number ${magic}: wanted CR LF after it, found 0x${found}`,
    );
  }
  const version = versionOfMagic(magic);
  const size = version.headerSize;
  const flags = size === 16 ? cursor.u32("flags") : null;
  if (flags !== null && (flags & ~(FLAG_HASH | FLAG_CHECK_SOURCE)) !== 0) {
    const found = flags.toString(16);
    throw new PycError("bad-flags", 4, `header flags: wanted 0 to 3, found 0x${found}`);
  }
  const source = readSource(cursor, size, flags ?? 0);
  return { magic, version, size, flags, source };
}

function readSource(cursor: Cursor, size: number, flags: number): PycHeader["source"] {
  if ((flags & FLAG_HASH) !== 0) {
    const hash = Buffer.from(cursor.bytes(8, "source hash")).toString("hex");
    return { checkedBy: "hash", hash, checked: (flags & FLAG_CHECK_SOURCE) !== 0 };
  }
  const mtime = cursor.u32("mtime");
  return { checkedBy: "timestamp", mtime, size: size === 8 ? null : cursor.u32("source size") };
}
