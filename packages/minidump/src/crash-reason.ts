/** Why the process died, from the exception stream: one file of tables an operating system. */
import type { Minidump } from "./minidump.ts";
import { wordSize } from "./platform.ts";
import { type CrashReason, hexCode } from "./reasons/reason.ts";
import { linuxReason } from "./reasons/linux.ts";
import { macosReason } from "./reasons/macos.ts";
import { windowsReason } from "./reasons/windows.ts";
import { Exception } from "./streams/exception.ts";

const REASONS: Readonly<Record<string, (exception: Exception, cpu: string | null) => CrashReason>> =
  {
    linux: linuxReason,
    android: linuxReason,
    macos: macosReason,
    ios: macosReason,
    windows: windowsReason,
  };

/** On systems without a table codes stay numbers. */
const unknownReason = ({ code, flags, address }: Exception): CrashReason => ({
  reason: hexCode(code),
  code: hexCode(flags),
  address,
  addressOf: null,
});

/**
 * Undefined when the dump has no exception. Throws MinidumpError when that is damaged.
 *
 * Folklore: writers of 32-bit dumps extend addresses by their sign. Sighting:
 * minidump_32bit_crash_addr.dmp of Breakpad. Test: crash-reason.test.ts, "32 bits".
 */
export function crashReason(dump: Minidump): CrashReason | undefined {
  const exception = dump.stream(Exception);
  if (exception === undefined) return undefined;
  const { os, cpu } = dump.platform;
  const found = (REASONS[os ?? ""] ?? unknownReason)(exception, cpu);
  return wordSize(cpu) === 4 ? { ...found, address: BigInt.asUintN(32, found.address) } : found;
}
