/** ThreadListStream (minidumpapiset.h, MINIDUMP_THREAD_LIST). */
import { struct, u32, u64 } from "@faultline/bytes";
import { MAX_THREADS } from "../limits.ts";
import { Location, MemoryRange, nested } from "../records.ts";
import { readList, type Stream } from "../stream.ts";

export interface Thread {
  readonly id: number;
  readonly suspendCount: number;
  readonly priorityClass: number;
  readonly priority: number;
  /**
   * Address of what the thread keeps for itself: the TEB; of some Linux writers the thread pointer.
   * 0 where unknown.
   */
  readonly teb: bigint;
  /** From its stack pointer, or a little before, towards the outermost frame. */
  readonly stack: MemoryRange;
  /** `dump.context(thread.context)` reads the registers. */
  readonly context: Location;
}

const MinidumpThread = struct<Thread>("MINIDUMP_THREAD", {
  id: u32,
  suspendCount: u32,
  priorityClass: u32,
  priority: u32,
  teb: u64,
  stack: nested(MemoryRange),
  context: nested(Location),
});

export const ThreadList: Stream<readonly Thread[]> = {
  type: 3,
  read: ({ cursor }) =>
    readList(cursor, {
      what: "MINIDUMP_THREAD_LIST.NumberOfThreads",
      record: MinidumpThread,
      size: 48,
      max: MAX_THREADS,
      limit: "MAX_THREADS",
    }),
};
