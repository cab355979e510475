/**
 * What a signal interrupted, where the trampoline that its handler returns to has no unwind table that tells.
 */
import type { Mark, SignalTrampoline } from "./cpu/cpu.ts";
import type { Memory } from "./ports.ts";
import { type Finding, type Level, memoryMissing, notApplicable, type Walker } from "./walker.ts";

// musl's restorer has no unwind table, and few dumps come with the symbols of their libc. The table of older vDSOs of arm64
// skips the interrupted function: it gives its link register for its program counter; newer ones have none. Debuggers know
// the trampoline by its instructions. Those are seldom in a dump, but the frame that the kernel made is.
// Test: signals.test.ts, "a restorer without table".
export function callerByTrampoline(walker: Walker, callee: Level): Finding {
  if (callee.stopped || !callee.frame.signalFrame) return notApplicable;
  const { pc, sp, registers } = callee.frame;
  const { cpu } = walker;
  const trampoline = trampolineAt(walker, pc, sp);
  if (trampoline === undefined || registers[cpu.sp] === undefined) return notApplicable;
  const saved = walker.noRegisters();
  for (const [register, offset] of trampoline.saved)
    saved[register] = walker.word(sp + BigInt(offset));
  const [savedPc, savedSp] = [saved[cpu.pc], saved[cpu.sp]];
  if (savedPc === undefined || savedSp === undefined)
    return memoryMissing("the registers that the signal saved are not in the dump");
  return { kind: "caller", pointer: savedPc, sp: savedSp, registers: saved, stopped: true };
}

/** The trampoline at `pc`, when the handler has returned and the stack pointer is `sp`. */
export const trampolineAt = (
  { cpu, memory }: Walker,
  pc: bigint,
  sp: bigint,
): SignalTrampoline | undefined =>
  cpu.trampolines.find(
    ({ code, frame }) => bears(memory, pc, code) || (frame.length > 0 && bears(memory, sp, frame)),
  );

const bears = (memory: Memory, start: bigint, marks: readonly Mark[]): boolean =>
  marks.every(({ offset, size, value, mask }) => {
    const found = memory.read(start + BigInt(offset), size);
    return found !== undefined && (mask === undefined ? found : found & mask) === value;
  });
