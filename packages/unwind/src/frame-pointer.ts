/**
 * Callers by the chain of frame records: the caller's frame pointer and the return address, side by side.
 *
 * System V ABI AMD64 3.2.2, AAPCS64 6.4.6. Registers other than pc, sp and the frame pointer are unknown afterwards.
 */
import type { FrameRecord } from "./cpu/cpu.ts";
import { trampolineAt } from "./signal-trampoline.ts";
import {
  type Caller,
  type Finding,
  failure,
  hex,
  type Level,
  outermost,
  type Walker,
} from "./walker.ts";

export function callerByFramePointer(walker: Walker, callee: Level): Finding {
  const { cpu } = walker;
  const stored = callee.frame.registers[cpu.framePointer];
  if (stored === undefined) return failure("the frame pointer is not known");
  const framePointer = walker.unsigned(stored);
  if (framePointer === 0n) return atNull(walker, callee);
  if (framePointer % BigInt(cpu.addressSize) !== 0n)
    return failure(`the frame pointer ${hex(framePointer)} is not aligned`);
  if (framePointer < callee.frame.sp)
    return failure(`the frame pointer ${hex(framePointer)} is below the stack pointer`);
  for (const record of cpu.frameRecords) {
    const caller = callerOfRecord(walker, framePointer, record);
    if (caller !== null) return caller;
  }
  return failure(`there is no frame record at ${hex(framePointer)}`);
}

// A null frame pointer marks the outermost frame. Where functions may use the register for something else, it does
// so only if the chain was followed up to here. Without this, builds with frame pointers and no symbols end in
// frames that were never called, scanned from the process's arguments (rust-minidump#1002).
function atNull({ cpu }: Walker, callee: Level): Finding {
  return cpu.framePointerMandatory || callee.frame.foundBy === "frame-pointer"
    ? outermost
    : failure("the frame pointer is null");
}

function callerOfRecord(
  walker: Walker,
  framePointer: bigint,
  { framePointer: toSaved, returnAddress: toReturn }: FrameRecord,
): Caller | null {
  const { cpu } = walker;
  const saved = walker.word(framePointer + BigInt(toSaved));
  const stored = walker.word(framePointer + BigInt(toReturn));
  if (saved === undefined || stored === undefined) return null;
  const end = framePointer + BigInt(toReturn + cpu.addressSize);
  const next = walker.unsigned(saved);
  const pointer = walker.unsigned(stored);
  if (walker.wrap(end) !== end) return null;
  if (!isReturnOfRecord(walker, pointer)) return null;
  if (next !== 0n && (next < end || walker.word(next) === undefined)) return null;
  const registers = walker.noRegisters();
  registers[cpu.pc] = cpu.codeAddress(pointer);
  registers[cpu.framePointer] = next;
  if (cpu.returnAddressEndsFrame) registers[cpu.sp] = end;
  return { kind: "caller", pointer, sp: end, registers, stopped: false };
}

/** The chain vouches for places of which nothing is known; but there must be a call, or what ends a signal's handler. */
function isReturnOfRecord(walker: Walker, pointer: bigint): boolean {
  const pc = walker.cpu.codeAddress(pointer);
  if (walker.isNoCode(pc)) return false;
  const called = walker.cpu.followsCall(pointer, walker.memory) !== false;
  return called || trampolineAt(walker, pc) !== undefined;
}
