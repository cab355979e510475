/** What a walk gives back. */
import type { Address } from "@faultline/bytes";
import type { WalkGap } from "./gaps.ts";

/**
 * Values by DWARF register number of the CPU; undefined where a value is not known (any more). A frame's are those
 * in force when it goes on: registers that a call may change are unknown in every frame but those that were
 * stopped as they are.
 */
export type Registers = readonly (bigint | undefined)[];

/**
 * How a frame was found, most trustworthy first. `registers`: it is where the context's registers point, or where a
 * return instruction would have gone from a function that had not begun.
 */
export const foundBy = ["registers", "cfi", "frame-pointer", "scan"] as const;
export type FoundBy = (typeof foundBy)[number];

export interface Frame {
  /** The next instruction of this frame: for a caller the return address, without thumb bit and signature. */
  readonly pc: Address;
  /** The address to symbolicate: inside the call for a caller, `pc` itself for a frame that was stopped where it is. */
  readonly lookupPc: Address;
  /** The stack pointer once the callee has returned; a lower bound where `registers` does not know it. */
  readonly sp: Address;
  readonly registers: Registers;
  readonly foundBy: FoundBy;
  /** The trampoline that the kernel returns to after a signal handler (`<signal handler called>` of gdb). */
  readonly signalFrame: boolean;
}

/**
 * Why a walk ended.
 *
 * - `end-of-stack`: the outermost frame, by an undefined return address or a null frame pointer or return address.
 * - `no-caller`: every technique failed; there may be further frames.
 * - `memory-missing`: likewise, and the stack at that frame is not in the dump.
 * - `no-registers`: the context holds no program counter or no stack pointer.
 * - `limit`: see the gaps.
 */
export type EndReason = "end-of-stack" | "no-caller" | "memory-missing" | "no-registers" | "limit";

export interface Walk {
  /** Innermost first. */
  readonly frames: readonly Frame[];
  readonly end: EndReason;
  readonly gaps: readonly WalkGap[];
}
