/**
 * Callers by the chain of frame records: the caller's frame pointer and the return address, side by side.
 *
 * System V ABI AMD64 3.2.2, AAPCS64 6.4.6. Registers other than pc, sp and the frame pointer are unknown afterwards.
 */
import type { FrameRecord } from "./cpu/cpu.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";
import { trampolineAt } from "./signal-trampoline.ts";
import { type Finding, failure, hex, type Level, outermost, type Walker } from "./walker.ts";

export function callerByFramePointer(walker: Walker, callee: Level): Finding {
  const { cpu } = walker;
  const stored = callee.frame.registers[cpu.framePointer];
  if (stored === undefined) return failure("the frame pointer is not known");
  const framePointer = walker.unsigned(stored);
  const { foundBy } = callee.frame;
  const chained = cpu.framePointerMandatory || foundBy === "frame-pointer";
  const ends = chained && foundBy !== "registers" && foundBy !== "scan";
  if (framePointer === 0n) return chained ? outermost : failure("the frame pointer is null");
  if (framePointer % BigInt(cpu.addressSize) !== 0n)
    return failure(`the frame pointer ${hex(framePointer)} is not aligned`);
  if (framePointer < callee.frame.sp)
    return failure(`the frame pointer ${hex(framePointer)} is below the stack pointer`);
  if (!chained && framePointer - callee.frame.sp > MAX_FRAME_BYTES)
    return failure(`the frame pointer ${hex(framePointer)} is of another stack`);
  for (const record of cpu.frameRecords) {
    const finding = callerOfRecord(walker, framePointer, record, { chained, ends });
    if (finding !== null) return finding;
  }
  return failure(`there is no frame record at ${hex(framePointer)}`);
}

// A null frame pointer marks the outermost frame, and so does a record of two nulls, if the function that is there keeps
// records. Without that, stacks without symbols end in frames that were never called, scanned from the process's arguments
// (rust-minidump#1002). But where functions may use the register for something else, it may point at a null
// beside any word, and where they leave it alone, as in a Mac program built without frame pointers, at a frame far
// above; so a null counts as far only as the chain was followed.
// Test: frame-pointer.test.ts, "a null frame pointer" and "a null record".
interface Trust {
  /** The register is a frame pointer, so a null one means that there is no caller. */
  readonly chained: boolean;
  /** The record is the frame's own. */
  readonly ends: boolean;
}

/** The caller by what may be a record; null when it is none. */
function callerOfRecord(
  walker: Walker,
  framePointer: bigint,
  { framePointer: toSaved, returnAddress: toReturn }: FrameRecord,
  { chained, ends }: Trust,
): Finding | null {
  const { cpu } = walker;
  const saved = walker.word(framePointer + BigInt(toSaved));
  const stored = walker.word(framePointer + BigInt(toReturn));
  if (saved === undefined || stored === undefined) return null;
  if (saved === 0n && stored === 0n) return ends ? outermost : null;
  const end = framePointer + BigInt(toReturn + cpu.addressSize);
  const next = walker.unsigned(saved);
  const pointer = walker.unsigned(stored);
  if (walker.wrap(end) !== end || !isReturnOfRecord(walker, pointer, end)) return null;
  const leadsOn = next >= end && walker.word(next) !== undefined;
  if (!leadsOn && !(chained && next === 0n)) return null;
  const registers = walker.noRegisters();
  registers[cpu.pc] = cpu.codeAddress(pointer);
  registers[cpu.framePointer] = next;
  if (cpu.returnAddressEndsFrame) registers[cpu.sp] = end;
  return { kind: "caller", pointer, sp: end, registers, stopped: false };
}

/** The chain vouches for places of which nothing is known; but there must be a call, or what ends a signal's handler. */
function isReturnOfRecord(walker: Walker, pointer: bigint, sp: bigint): boolean {
  const pc = walker.cpu.codeAddress(pointer);
  if (walker.isNoCode(pc)) return false;
  const called = walker.cpu.followsCall(pointer, walker.memory) !== false;
  return called || trampolineAt(walker, pc, sp) !== undefined;
}
