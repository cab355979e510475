/** Callers of functions that call nothing and have no unwind table: such a function need not keep a frame record. */
import { isFunctionPointer, isReturnAddress } from "./return-address.ts";
import { type Finding, type Level, notApplicable, type Walker } from "./walker.ts";

// Such a function hides its caller: the frame pointer is still the caller's, so the chain goes on one frame too far.
// rust-minidump and Breakpad accept that. The link register knows better, but in a function that has made a call it
// points back into that function. So it counts where it points elsewhere.
// Test: leaf-function.test.ts.
export function callerInLinkRegister(walker: Walker, callee: Level): Finding {
  const { linkRegister } = walker.cpu;
  if (linkRegister === null) return notApplicable;
  return callerOfLeaf(walker, callee, callee.frame.registers[linkRegister], callee.frame.sp);
}

// Likewise on x86, where string functions, first among the victims of wrong pointers, are written without a frame, and
// distributions build all else with frame pointers. Any local may be on top of the stack, but hardly one that
// is behind a call, and in another module.
// Test: leaf-function.test.ts.
export function callerOnTopOfStack(walker: Walker, callee: Level): Finding {
  const { cpu } = walker;
  if (cpu.linkRegister !== null) return notApplicable;
  const { sp } = callee.frame;
  return callerOfLeaf(walker, callee, walker.word(sp), walker.wrap(sp + BigInt(cpu.addressSize)));
}

function callerOfLeaf(
  walker: Walker,
  callee: Level,
  stored: bigint | undefined,
  sp: bigint,
): Finding {
  const { cpu } = walker;
  if (!callee.stopped || callee.rules !== null || stored === undefined) return notApplicable;
  const pointer = walker.unsigned(stored);
  if (!isReturnAddress(walker, pointer) || isFunctionPointer(walker, pointer)) return notApplicable;
  if (!isElsewhere(walker, callee.frame.pc, cpu.insideCall(pointer))) return notApplicable;
  if (isInRecord(walker, callee, pointer)) return notApplicable;
  const registers = walker.noRegisters();
  registers[cpu.pc] = cpu.codeAddress(pointer);
  registers[cpu.framePointer] = callee.frame.registers[cpu.framePointer];
  if (cpu.returnAddressEndsFrame && cpu.linkRegister === null) registers[cpu.sp] = sp;
  return { kind: "caller", pointer, sp, registers, stopped: false };
}

/** In another function than `pc`, as far as is known: by symbols, else by module. */
function isElsewhere({ code }: Walker, pc: bigint, other: bigint): boolean {
  const [here, there] = [code.functionStart(pc), code.functionStart(other)];
  if (here !== null && there !== null) return here !== there;
  return code.addressBias(pc) !== code.addressBias(other);
}

/** The frame record has it too, so the function keeps one, which says more. */
function isInRecord(walker: Walker, { frame }: Level, pointer: bigint): boolean {
  const { cpu } = walker;
  const framePointer = frame.registers[cpu.framePointer];
  if (framePointer === undefined) return false;
  return cpu.frameRecords.some(({ returnAddress }) => {
    const saved = walker.word(walker.unsigned(framePointer) + BigInt(returnAddress));
    return saved !== undefined && walker.unsigned(saved) === pointer;
  });
}
