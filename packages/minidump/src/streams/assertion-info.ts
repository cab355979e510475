/**
 * AssertionInfoStream: what the C runtime of Windows objected to (Breakpad, minidump_format.h,
 * MDRawAssertionInfo).
 */
import { bytes, struct, u32 } from "@faultline/bytes";
import type { Stream } from "../stream.ts";

/** Three texts of 128 UTF-16 units. */
const MDRawAssertionInfo = struct("MDRawAssertionInfo", {
  expression: bytes(256),
  function: bytes(256),
  file: bytes(256),
  line: u32,
  type: u32,
});

/** MDAssertionInfoData */
const TYPES: Readonly<Record<number, AssertionInfo["type"]>> = {
  1: "invalid-parameter",
  2: "pure-virtual-call",
};

export interface AssertionInfo {
  /** Empty, like the next two, where the runtime was built without such text. */
  readonly expression: string;
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly type: "invalid-parameter" | "pure-virtual-call" | null;
}

export const AssertionInfo: Stream<AssertionInfo> = {
  type: 0x47670002,
  read({ cursor, file }) {
    const { offset } = cursor;
    const raw = MDRawAssertionInfo.read(cursor);
    return {
      expression: file.fixedUtf16(raw.expression, "MDRawAssertionInfo.expression", offset),
      function: file.fixedUtf16(raw.function, "MDRawAssertionInfo.function", offset),
      file: file.fixedUtf16(raw.file, "MDRawAssertionInfo.file", offset),
      line: raw.line,
      type: TYPES[raw.type] ?? null,
    };
  },
};
