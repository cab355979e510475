/**
 * BreakpadInfoStream: threads that matter, whether or not there is an exception (Breakpad,
 * minidump_format.h, MDRawBreakpadInfo).
 */
import { struct, u32 } from "@faultline/bytes";
import type { Stream } from "../stream.ts";

const MDRawBreakpadInfo = struct("MDRawBreakpadInfo", {
  validity: u32,
  dumpThreadId: u32,
  requestingThreadId: u32,
});

/** MDBreakpadInfoValidity: which of the ids the writer filled. */
const DUMP_THREAD_ID = 1;
const REQUESTING_THREAD_ID = 2;

export interface BreakpadInfo {
  /** Wrote the dump: its stack is of no interest. */
  readonly dumpThreadId: number | null;
  /** Asked for it: the one that crashed, unless an exception names another. */
  readonly requestingThreadId: number | null;
}

export const BreakpadInfo: Stream<BreakpadInfo> = {
  type: 0x47670001,
  read({ cursor }) {
    const { validity, dumpThreadId, requestingThreadId } = MDRawBreakpadInfo.read(cursor);
    return {
      dumpThreadId: (validity & DUMP_THREAD_ID) === 0 ? null : dumpThreadId,
      requestingThreadId: (validity & REQUESTING_THREAD_ID) === 0 ? null : requestingThreadId,
    };
  },
};
