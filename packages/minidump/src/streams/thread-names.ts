/** ThreadNamesStream (minidumpapiset.h, MINIDUMP_THREAD_NAME_LIST). */
import { struct, u32, u64 } from "@faultline/bytes";
import { attempt, MinidumpError } from "../error.ts";
import { MAX_THREADS } from "../limits.ts";
import { readList, type Stream } from "../stream.ts";

/** Packed: no padding before RvaOfThreadName. */
const MinidumpThreadName = struct("MINIDUMP_THREAD_NAME", { threadId: u32, rvaOfThreadName: u64 });

/**
 * By thread id; a name that is empty or cannot be read is left out, and of several of one thread
 * the first counts.
 */
export const ThreadNames: Stream<ReadonlyMap<number, string>> = {
  type: 24,
  read({ cursor, file }) {
    const entries = readList(cursor, {
      what: "MINIDUMP_THREAD_NAME_LIST.NumberOfThreadNames",
      record: MinidumpThreadName,
      size: 12,
      max: MAX_THREADS,
      limit: "MAX_THREADS",
    });
    const names = new Map<number, string>();
    for (const { threadId, rvaOfThreadName } of entries) {
      const name = attempt(() => file.utf16At(Number(rvaOfThreadName), "ThreadName"));
      if (name instanceof MinidumpError || name === "" || names.has(threadId)) continue;
      names.set(threadId, name);
    }
    return names;
  },
};
