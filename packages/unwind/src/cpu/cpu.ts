/** What a walk needs to know of a CPU and its calling convention. */
import type { Memory } from "../ports.ts";

export type CpuName = "amd64" | "arm64" | "x86" | "arm";

/** Where a frame record lies: the caller's frame pointer and the return address, in bytes from the frame pointer. */
export interface FrameRecord {
  readonly framePointer: number;
  readonly returnAddress: number;
}

/** Bytes that are known beforehand, little-endian, `offset` bytes from where one looks. */
export interface Mark {
  readonly offset: number;
  readonly size: 1 | 2 | 4 | 8;
  readonly value: bigint;
  /** The bits that count; absent: all. */
  readonly mask?: bigint;
}

/** What a signal handler returns to: how it is recognised, and where it keeps the registers of what was interrupted. */
export interface SignalTrampoline {
  /** Its instructions, from its first one on. */
  readonly code: readonly Mark[];
  /** What the kernel always has in the frame that it made, from the stack pointer on; none: too little to tell. */
  readonly frame: readonly Mark[];
  /** Bytes from the stack pointer to each register's saved value, by DWARF number. */
  readonly saved: readonly (readonly [register: number, offset: number])[];
}

export interface Cpu {
  readonly name: CpuName;
  readonly addressSize: 4 | 8;
  /** Spelled as debuggers do, by DWARF register number; what is not among them is not followed. */
  readonly registerNames: readonly string[];
  /** Further spellings of some. */
  readonly aliases: Readonly<Record<string, number>>;
  readonly pc: number;
  readonly sp: number;
  readonly framePointer: number;
  /** Where calls leave the return address; null when they push it. */
  readonly linkRegister: number | null;
  /** Registers that a function gives back as it found them, the frame pointer included. */
  readonly calleeSaved: readonly number[];
  /** Where the frame record may lie, most likely first. */
  readonly frameRecords: readonly FrameRecord[];
  /** The return address, saved, is the last word of its frame: the caller's stack pointer lies right above it. */
  readonly returnAddressEndsFrame: boolean;
  /** The ABI has every function keep the frame chain, so that a null frame pointer always ends the stack. */
  readonly framePointerMandatory: boolean;
  /** What compilers align functions to and most return addresses are not; null where that tells nothing. */
  readonly functionAlignment: bigint | null;
  readonly trampolines: readonly SignalTrampoline[];
  /** Where a code pointer points, its thumb bit taken off. Pointers come without signature, here and below. */
  codeAddress(pointer: bigint): bigint;
  /** An address inside the call that comes back to `returnAddress`. */
  insideCall(returnAddress: bigint): bigint;
  /** User code can lie there. */
  isCanonical(address: bigint): boolean;
  /** Whether a call ends right before `returnAddress`; undefined where the bytes are not known. */
  followsCall(returnAddress: bigint, memory: Memory): boolean | undefined;
}
