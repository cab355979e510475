/**
 * MemoryListStream: ranges of memory, each with its place in the file (minidumpapiset.h,
 * MINIDUMP_MEMORY_LIST).
 */
import { MAX_MEMORY_RANGES } from "../limits.ts";
import { MemoryRange } from "../records.ts";
import { readList, type Stream } from "../stream.ts";

export const MemoryList: Stream<readonly MemoryRange[]> = {
  type: 5,
  read: ({ cursor }) =>
    readList(cursor, {
      what: "MINIDUMP_MEMORY_LIST.NumberOfMemoryRanges",
      record: MemoryRange,
      size: 16,
      max: MAX_MEMORY_RANGES,
      limit: "MAX_MEMORY_RANGES",
    }),
};
