/**
 * Callers of functions that have not begun: a call of NULL, or of what is no code, or one that was stopped at its first
 * instruction and has no unwind table. Nothing has moved the stack pointer or changed a register yet, so the return address
 * is where the call left it, and all callee-saved registers are the caller's.
 */
import { withoutScratch } from "./cfi.ts";
import { isReturnAddress } from "./return-address.ts";
import { type Finding, failure, hex, type Level, notApplicable, type Walker } from "./walker.ts";

const NULL_PAGES_END = 0x1_0000n;

export function callerAtEntry(walker: Walker, callee: Level): Finding {
  if (!callee.stopped || callee.rules !== null) return notApplicable;
  const { pc, sp, registers } = callee.frame;
  if (!isAtEntry(walker, pc)) return notApplicable;
  const { cpu } = walker;
  const { linkRegister } = cpu;
  const stored = linkRegister === null ? walker.word(sp) : registers[linkRegister];
  if (stored === undefined) return failure("the return address is not known");
  const pointer = walker.unsigned(stored);
  if (!isReturnAddress(walker, pointer)) return failure(`${hex(pointer)} is no return address`);
  const caller = withoutScratch(walker, registers);
  const callerSp = linkRegister === null ? walker.wrap(sp + BigInt(cpu.addressSize)) : sp;
  caller[cpu.pc] = cpu.codeAddress(pointer);
  caller[cpu.sp] = callerSp;
  return { kind: "caller", pointer, sp: callerSp, registers: caller, stopped: false };
}

function isAtEntry(walker: Walker, pc: bigint): boolean {
  if (pc < NULL_PAGES_END || walker.code.kindAt(pc) === "data") return true;
  return walker.code.functionStart(pc) === pc;
}
