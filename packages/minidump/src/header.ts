/**
 * The file's header and the directory of its streams (minidumpapiset.h, MINIDUMP_HEADER and
 * MINIDUMP_DIRECTORY).
 */
import { type ByteOrder, Cursor, struct, u32, u64 } from "@faultline/bytes";
import { MinidumpError } from "./error.ts";
import { MAX_STREAMS, within } from "./limits.ts";
import { Location, nested } from "./records.ts";
import { streamTypeName } from "./stream-types.ts";

/** "MDMP" */
const SIGNATURE = 0x504d444d;
/** The low half of Version; the high one is the writer's. */
const VERSION = 0xa793;

const MinidumpHeader = struct("MINIDUMP_HEADER", {
  signature: u32,
  version: u32,
  numberOfStreams: u32,
  streamDirectoryRva: u32,
  checkSum: u32,
  timeDateStamp: u32,
  flags: u64,
});

const MinidumpDirectory = struct("MINIDUMP_DIRECTORY", {
  type: u32,
  location: nested(Location),
});

/** Bytes of a directory entry. */
const ENTRY_SIZE = 12;

export interface DirectoryEntry {
  readonly type: number;
  /** "ThreadListStream"; the number in hex for a type that nobody here knows. */
  readonly name: string;
  readonly location: Location;
}

export interface Header {
  readonly byteOrder: ByteOrder;
  /** When the dump was written, in seconds since 1970. */
  readonly timestamp: number;
  /** MINIDUMP_TYPE */
  readonly flags: bigint;
  /** In the file's order; a type may occur more than once. */
  readonly directory: readonly DirectoryEntry[];
}

function byteOrderOf(bytes: Uint8Array): ByteOrder {
  const signature = new Cursor(bytes).u32("MINIDUMP_HEADER.Signature");
  if (signature === SIGNATURE) return "little";
  if (new Cursor(bytes, 0, "big").u32("MINIDUMP_HEADER.Signature") === SIGNATURE) return "big";
  throw new MinidumpError("bad-signature", 0, "MINIDUMP_HEADER.Signature", {
    wanted: '"MDMP" in either byte order',
    found: `0x${signature.toString(16).padStart(8, "0")}`,
  });
}

/** Throws MinidumpError, or TruncatedError where header or directory end early. */
export function readHeader(bytes: Uint8Array): Header {
  const byteOrder = byteOrderOf(bytes);
  const header = MinidumpHeader.read(new Cursor(bytes, 0, byteOrder));
  const { numberOfStreams: count, streamDirectoryRva: rva } = header;
  if ((header.version & 0xffff) !== VERSION) {
    throw new MinidumpError("bad-version", 4, "MINIDUMP_HEADER.Version", {
      wanted: `0x${VERSION.toString(16)} in its low half`,
      found: `0x${header.version.toString(16)}`,
    });
  }
  within(MAX_STREAMS, "MAX_STREAMS", count, "MINIDUMP_HEADER.NumberOfStreams", 8);
  if (rva + count * ENTRY_SIZE > bytes.length) {
    throw new MinidumpError("out-of-bounds", rva, "MINIDUMP_HEADER.StreamDirectoryRva", {
      wanted: `${count} directory entries of ${ENTRY_SIZE} bytes`,
      found: `${Math.max(0, bytes.length - rva)} bytes up to the end of the file`,
    });
  }
  const cursor = new Cursor(bytes.subarray(rva), rva, byteOrder);
  const directory = Array.from({ length: count }, () => {
    const { type, location } = MinidumpDirectory.read(cursor);
    return { type, name: streamTypeName(type), location };
  });
  return { byteOrder, timestamp: header.timeDateStamp, flags: header.flags, directory };
}
