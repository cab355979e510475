/** What a kind of stream is to the reader, and the shapes that lists have. */
import type { Cursor, Struct } from "@faultline/bytes";
import { MinidumpError } from "./error.ts";
import type { DumpFile } from "./file.ts";
import { within } from "./limits.ts";
import type { Platform } from "./platform.ts";

export interface StreamInput {
  /** Over the stream's own bytes. */
  readonly cursor: Cursor;
  readonly file: DumpFile;
  /** Where the process ran, which another stream tells. */
  readonly platform: () => Platform;
}

/** One kind of stream: `dump.stream(ThreadList)` reads it. */
export interface Stream<T> {
  readonly type: number;
  /** Throws MinidumpError, or TruncatedError where a record ends early. */
  read(input: StreamInput): T;
}

/** What a list is made of. */
export interface ListShape<T> {
  /** The field that holds the count, for errors. */
  readonly what: string;
  readonly record: Struct<T>;
  /** Bytes of a record. */
  readonly size: number;
  readonly max: number;
  /** `max` as limits.ts calls it. */
  readonly limit: string;
}

/** Holds a count that was read at `offset` against the bytes left and the limit. */
function checkCount<T>(cursor: Cursor, count: number, size: number, shape: ListShape<T>): void {
  if (count * size > cursor.remaining) {
    throw new MinidumpError("bad-count", cursor.offset, shape.what, {
      wanted: `${count} records of ${size} bytes`,
      found: `${cursor.remaining} bytes`,
    });
  }
  within(shape.max, shape.limit, count, shape.what, cursor.offset);
}

/**
 * The records of a list that begins with its 32-bit count.
 *
 * Folklore: 64-bit fields make some writers put 4 bytes between the count and the first record. The
 * only sign of it is the stream's size, which is 8 above that of the records instead of 4. Breakpad
 * and rust-minidump met it in lists of threads, modules and memory, and read both. Test:
 * lists.test.ts, "padding after the count".
 */
export function readList<T>(cursor: Cursor, shape: ListShape<T>): readonly T[] {
  const count = cursor.u32(shape.what);
  checkCount(cursor, count, shape.size, shape);
  if (cursor.remaining === count * shape.size + 4) cursor.skip(4, `${shape.what} (padding)`);
  return Array.from({ length: count }, () => shape.record.read(cursor));
}

/**
 * The records of a list whose header tells its own size and that of a record; what a newer writer
 * has appended to either is skipped. `countSize`: bytes of the header's NumberOfEntries.
 */
export function readSizedList<T>(
  cursor: Cursor,
  countSize: 4 | 8,
  shape: ListShape<T>,
): readonly T[] {
  const start = cursor.offset;
  const headerSize = cursor.u32(`${shape.what} (SizeOfHeader)`);
  const recordSize = cursor.u32(`${shape.what} (SizeOfEntry)`);
  const count = countSize === 4 ? cursor.u32(shape.what) : Number(cursor.u64(shape.what));
  if (headerSize < 8 + countSize || recordSize < shape.size) {
    throw new MinidumpError("bad-record-size", start, shape.what, {
      wanted: `a header of ${8 + countSize} and records of ${shape.size} bytes or more`,
      found: `${headerSize} and ${recordSize}`,
    });
  }
  cursor.skip(headerSize - 8 - countSize, `${shape.what} (end of header)`);
  checkCount(cursor, count, recordSize, shape);
  return Array.from({ length: count }, () => {
    const record = shape.record.read(cursor);
    cursor.skip(recordSize - shape.size, `${shape.what} (end of entry)`);
    return record;
  });
}
