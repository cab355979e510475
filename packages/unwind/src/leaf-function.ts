/**
 * Callers of functions that call nothing, on CPUs with a link register: such a function need not save it.
 */
import { isReturnAddress } from "./return-address.ts";
import { type Finding, type Level, notApplicable, type Walker } from "./walker.ts";

// Without an unwind table, a leaf function that keeps no frame record hides its caller: the frame pointer is still the
// caller's, so the chain goes on one frame too far (rust-minidump accepts that). The link register knows better, but
// in a function that has made a call it points back into that function. So it counts where it points elsewhere.
// Test: frame-pointer.test.ts, "a leaf function".
export function callerOfLeaf(walker: Walker, callee: Level): Finding {
  const { cpu } = walker;
  if (!callee.stopped || callee.rules !== null || cpu.linkRegister === null) return notApplicable;
  const { pc, sp, registers } = callee.frame;
  const stored = registers[cpu.linkRegister];
  if (stored === undefined) return notApplicable;
  const pointer = walker.unsigned(stored);
  if (!isReturnAddress(walker, pointer) || isSaved(walker, callee, pointer)) return notApplicable;
  if (!isElsewhere(walker, pc, cpu.insideCall(pointer))) return notApplicable;
  const caller = walker.noRegisters();
  caller[cpu.pc] = cpu.codeAddress(pointer);
  caller[cpu.framePointer] = registers[cpu.framePointer];
  return { kind: "caller", pointer, sp, registers: caller, stopped: false };
}

/** The frame record has it too, so it is the function's own. */
function isSaved(walker: Walker, { frame }: Level, pointer: bigint): boolean {
  const { cpu } = walker;
  const framePointer = frame.registers[cpu.framePointer];
  if (framePointer === undefined) return false;
  return cpu.frameRecords.some(({ returnAddress }) => {
    const saved = walker.word(walker.unsigned(framePointer) + BigInt(returnAddress));
    return saved !== undefined && walker.unsigned(saved) === pointer;
  });
}

/** In another function than `pc`, as far as is known: by symbols, else by module. */
function isElsewhere({ code }: Walker, pc: bigint, other: bigint): boolean {
  const [here, there] = [code.functionStart(pc), code.functionStart(other)];
  if (here !== null && there !== null) return here !== there;
  return code.addressBias(pc) !== code.addressBias(other);
}
