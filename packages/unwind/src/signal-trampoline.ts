/**
 * What a signal interrupted, where the trampoline that its handler returns to has no unwind table that tells.
 */
import type { SignalTrampoline } from "./cpu/cpu.ts";
import { type Finding, type Level, memoryMissing, notApplicable, type Walker } from "./walker.ts";

// musl's restorer has no unwind table, and that of the vDSO of arm64 skips the interrupted function (it gives its link
// register for its program counter, so Linux dropped it in 5.8). Debuggers know the trampoline by its instructions, and
// where the kernel saved the registers. Test: signals.test.ts.
export function callerByTrampoline(walker: Walker, callee: Level): Finding {
  if (callee.stopped || !callee.frame.signalFrame) return notApplicable;
  const { pc, sp, registers } = callee.frame;
  const { cpu } = walker;
  const trampoline = trampolineAt(walker, pc);
  if (trampoline === undefined || registers[cpu.sp] === undefined) return notApplicable;
  const saved = walker.noRegisters();
  for (const [register, offset] of trampoline.saved)
    saved[register] = walker.word(sp + BigInt(offset));
  const [savedPc, savedSp] = [saved[cpu.pc], saved[cpu.sp]];
  if (savedPc === undefined || savedSp === undefined)
    return memoryMissing("the registers that the signal saved are not in the dump");
  return { kind: "caller", pointer: savedPc, sp: savedSp, registers: saved, stopped: true };
}

export const trampolineAt = (walker: Walker, pc: bigint): SignalTrampoline | undefined =>
  walker.cpu.trampolines.find((one) => isAt(walker, one, pc));

function isAt({ memory }: Walker, { code }: SignalTrampoline, pc: bigint): boolean {
  let address = pc;
  for (const { size, value } of code) {
    if (memory.read(address, size) !== value) return false;
    address += BigInt(size);
  }
  return true;
}
