/**
 * ThreadInfoListStream: times and start addresses of threads (minidumpapiset.h,
 * MINIDUMP_THREAD_INFO_LIST).
 */
import { type Fields, struct, u32, u64 } from "@faultline/bytes";
import { MAX_THREADS } from "../limits.ts";
import { readSizedList, type Stream } from "../stream.ts";

/** Times in 100 ns; the first two since 1601. */
const MinidumpThreadInfo = struct("MINIDUMP_THREAD_INFO", {
  threadId: u32,
  dumpFlags: u32,
  dumpError: u32,
  exitStatus: u32,
  createTime: u64,
  exitTime: u64,
  kernelTime: u64,
  userTime: u64,
  startAddress: u64,
  affinity: u64,
});
export type ThreadInfo = Fields<typeof MinidumpThreadInfo>;

export const ThreadInfoList: Stream<readonly ThreadInfo[]> = {
  type: 17,
  read: ({ cursor }) =>
    readSizedList(cursor, 4, {
      what: "MINIDUMP_THREAD_INFO_LIST.NumberOfEntries",
      record: MinidumpThreadInfo,
      size: 64,
      max: MAX_THREADS,
      limit: "MAX_THREADS",
    }),
};
