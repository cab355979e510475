/** Records that several streams use (minidumpapiset.h). */
import { type Fields, type Reader, struct, type Struct, u32, u64 } from "@faultline/bytes";

/** A record inside of another. */
export const nested =
  <T>(record: Struct<T>): Reader<T> =>
  (cursor) =>
    record.read(cursor);

/** 32 bits of an address or a register, as those of 64 bits are. */
export const word: Reader<bigint> = (cursor, field) => BigInt(cursor.u32(field));

/** Bytes in the file; `rva` is an offset from its beginning. */
export const Location = struct("MINIDUMP_LOCATION_DESCRIPTOR", { dataSize: u32, rva: u32 });
export type Location = Fields<typeof Location>;

/** Memory of the process, `location.dataSize` bytes from `start` on, and where the dump keeps it. */
export const MemoryRange = struct("MINIDUMP_MEMORY_DESCRIPTOR", {
  start: u64,
  location: nested(Location),
});
export type MemoryRange = Fields<typeof MemoryRange>;
