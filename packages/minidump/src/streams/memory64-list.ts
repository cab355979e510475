/**
 * Memory64ListStream: ranges of memory that lie one after the other in the file
 * (minidumpapiset.h, MINIDUMP_MEMORY64_LIST). What full dumps of Windows have.
 */
import { struct, u64 } from "@faultline/bytes";
import { MinidumpError } from "../error.ts";
import { MAX_MEMORY_RANGES, within } from "../limits.ts";
import type { Stream } from "../stream.ts";

const Header = struct("MINIDUMP_MEMORY64_LIST", { numberOfMemoryRanges: u64, baseRva: u64 });
const Descriptor = struct("MINIDUMP_MEMORY_DESCRIPTOR64", { start: u64, dataSize: u64 });

/** Bytes of a descriptor. */
const SIZE = 16;

/** Memory of the process. Size and place are numbers: a file's offsets stay below 2^53. */
export interface MemoryRange64 {
  readonly start: bigint;
  readonly dataSize: number;
  readonly rva: number;
}

export const Memory64List: Stream<readonly MemoryRange64[]> = {
  type: 9,
  read({ cursor, file }) {
    const { offset } = cursor;
    const header = Header.read(cursor);
    const count = Number(header.numberOfMemoryRanges);
    if (count * SIZE > cursor.remaining) {
      throw new MinidumpError("bad-count", offset, "MINIDUMP_MEMORY64_LIST.NumberOfMemoryRanges", {
        wanted: `${count} records of ${SIZE} bytes`,
        found: `${cursor.remaining} bytes`,
      });
    }
    within(MAX_MEMORY_RANGES, "MAX_MEMORY_RANGES", count, Header.name, offset);
    let rva = Number(header.baseRva);
    return Array.from({ length: count }, () => {
      const { start, dataSize } = Descriptor.read(cursor);
      const range = { start, dataSize: Number(dataSize), rva };
      rva = Math.min(rva + range.dataSize, file.bytes.length);
      return range;
    });
  },
};
