/**
 * Context of 32-bit ARM, up to the status register: Breakpad's (minidump_format.h, MDRawContextARM)
 * and Windows' begin alike.
 */
import { array, type Cursor, struct, u32 } from "@faultline/bytes";
import { word } from "../records.ts";
import { type CpuContext, cpuContext } from "./cpu-context.ts";

const Context = struct("MDRawContextARM", {
  contextFlags: u32,
  iregs: array(16, word),
  cpsr: word,
});

/** r0–r15 with the names that r11 to r15 go by. */
const NAMES = "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 fp r12 sp lr pc".split(" ");

export function readArm(cursor: Cursor): CpuContext {
  const { contextFlags, iregs, cpsr } = Context.read(cursor);
  const named = { ...Object.fromEntries(NAMES.map((name, n) => [name, iregs[n] ?? 0n])), cpsr };
  return cpuContext("arm", contextFlags, { dwarf: NAMES, pc: "pc", sp: "sp" }, named);
}
