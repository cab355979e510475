/**
 * Contexts of arm64, up to the program counter: Microsoft's, which Breakpad and Crashpad write
 * today, and the one that Breakpad had before (minidump_format.h, MDRawContextARM64 and
 * MDRawContextARM64_Old), whose flags and status register lie elsewhere.
 */
import { array, type Cursor, struct, u32, u64 } from "@faultline/bytes";
import { type CpuContext, cpuContext } from "./cpu-context.ts";

const Context = struct("MDRawContextARM64", {
  contextFlags: u32,
  cpsr: u32,
  iregs: array(33, u64), // x0–x30, sp, pc
});

const OldContext = struct("MDRawContextARM64_Old", {
  contextFlags: u64,
  iregs: array(33, u64),
  cpsr: u32,
});

const NAMES = [...Array.from({ length: 29 }, (_, n) => `x${n}`), "fp", "lr", "sp", "pc"];

function arm64(flags: number, iregs: readonly bigint[], cpsr: number): CpuContext {
  const registers = Object.fromEntries(NAMES.map((name, n) => [name, iregs[n] ?? 0n]));
  const named = { ...registers, cpsr: BigInt(cpsr) };
  return cpuContext("arm64", flags, { dwarf: NAMES, pc: "pc", sp: "sp" }, named);
}

export function readArm64(cursor: Cursor): CpuContext {
  const { contextFlags, iregs, cpsr } = Context.read(cursor);
  return arm64(contextFlags, iregs, cpsr);
}

export function readArm64Old(cursor: Cursor): CpuContext {
  const { contextFlags, iregs, cpsr } = OldContext.read(cursor);
  return arm64(Number(BigInt.asUintN(32, contextFlags)), iregs, cpsr);
}
