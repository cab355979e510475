/** ExceptionStream: what ended the process (minidumpapiset.h, MINIDUMP_EXCEPTION_STREAM). */
import { array, struct, u32, u64 } from "@faultline/bytes";
import { Location, nested } from "../records.ts";
import type { Stream } from "../stream.ts";

/** EXCEPTION_MAXIMUM_PARAMETERS */
const PARAMETERS = 15;

const MinidumpException = struct("MINIDUMP_EXCEPTION", {
  exceptionCode: u32,
  exceptionFlags: u32,
  exceptionRecord: u64,
  exceptionAddress: u64,
  numberParameters: u32,
  unusedAlignment: u32,
  exceptionInformation: array(PARAMETERS, u64),
});

const MinidumpExceptionStream = struct("MINIDUMP_EXCEPTION_STREAM", {
  threadId: u32,
  alignment: u32,
  exceptionRecord: nested(MinidumpException),
  threadContext: nested(Location),
});

export interface Exception {
  readonly threadId: number;
  /** Windows: an NTSTATUS. Linux: the signal. macOS: the Mach exception. `crashReason` tells them apart. */
  readonly code: number;
  /** Linux: si_code, as unsigned. macOS: the exception's code. */
  readonly flags: number;
  /** As it is in the file; `crashReason` knows what it means. */
  readonly address: bigint;
  readonly information: readonly bigint[];
  /** Registers at the time of the exception: `dump.context(exception.context)`. */
  readonly context: Location;
}

export const Exception: Stream<Exception> = {
  type: 6,
  read({ cursor }) {
    const { threadId, exceptionRecord, threadContext } = MinidumpExceptionStream.read(cursor);
    const { numberParameters, exceptionInformation } = exceptionRecord;
    return {
      threadId,
      code: exceptionRecord.exceptionCode,
      flags: exceptionRecord.exceptionFlags,
      address: exceptionRecord.exceptionAddress,
      information: exceptionInformation.slice(0, numberParameters),
      context: threadContext,
    };
  },
};
