/**
 * Registers of a thread, in the layout of the CPU that the flags name (winnt.h and
 * minidump_format.h, CONTEXT_*).
 */
import type { Cursor } from "@faultline/bytes";
import { readAmd64 } from "./contexts/amd64.ts";
import { readArm } from "./contexts/arm.ts";
import { readArm64, readArm64Old } from "./contexts/arm64.ts";
import type { CpuContext } from "./contexts/cpu-context.ts";
import { readX86 } from "./contexts/x86.ts";
import { MinidumpError } from "./error.ts";
import type { DumpFile } from "./file.ts";
import type { Location } from "./records.ts";

interface Layout {
  readonly cpu: string;
  /** The bit of ContextFlags that names the CPU. */
  readonly flag: number;
  /** Where ContextFlags lie in the record. */
  readonly flagsAt: number;
  readonly read: (cursor: Cursor) => CpuContext;
}

const LAYOUTS: readonly Layout[] = [
  { cpu: "amd64", flag: 0x0010_0000, flagsAt: 48, read: readAmd64 },
  { cpu: "x86", flag: 0x0001_0000, flagsAt: 0, read: readX86 },
  { cpu: "arm64", flag: 0x0040_0000, flagsAt: 0, read: readArm64 },
  { cpu: "arm64", flag: 0x8000_0000, flagsAt: 0, read: readArm64Old },
  { cpu: "arm", flag: 0x4000_0000, flagsAt: 0, read: readArm }, // Breakpad
  { cpu: "arm", flag: 0x0020_0000, flagsAt: 0, read: readArm }, // Windows
];

/**
 * The registers in `location`, of a process on `cpu`; undefined where there are none, for a CPU
 * that is not known here, and when the dump does not tell which it was. Throws MinidumpError
 * "bad-context" where the flags are not that CPU's, and TruncatedError.
 */
export function readContext(
  file: DumpFile,
  location: Location,
  cpu: string | null,
): CpuContext | undefined {
  const layouts = LAYOUTS.filter((layout) => layout.cpu === cpu);
  if (layouts.length === 0 || location.dataSize === 0) return undefined;
  for (const { flag, flagsAt, read } of layouts) {
    const ahead = file.cursor(location, "CONTEXT");
    ahead.skip(flagsAt, "CONTEXT");
    if ((ahead.u32("CONTEXT.ContextFlags") & flag) !== 0)
      return read(file.cursor(location, "CONTEXT"));
  }
  throw new MinidumpError("bad-context", location.rva, "CONTEXT.ContextFlags", {
    wanted: `the flag of ${cpu}`,
    found: "those of another CPU, or none",
  });
}
