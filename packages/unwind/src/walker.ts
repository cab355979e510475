/** What the techniques share while one stack is walked: the process, and what the walk has spent and could not tell. */
import type { Cpu } from "./cpu/cpu.ts";
import type { Frame, Registers } from "./frame.ts";
import type { WalkGap, WalkGapCode } from "./gaps.ts";
import { MAX_GAPS } from "./limits.ts";
import type { Code, Memory, UnwindRules } from "./ports.ts";

/** A frame while its caller is looked for. */
export interface Level {
  readonly frame: Frame;
  /** The rules in force, null when there are none. */
  readonly rules: UnwindRules | null;
  /** Stopped between two instructions, by a signal or for the dump; false: about to be returned to. */
  readonly stopped: boolean;
}

/** What a technique makes of a frame's caller. */
export type Finding = Caller | { readonly kind: "outermost" } | Failure;

export interface Failure {
  readonly kind: "failure";
  /** For people; null when the technique does not apply. */
  readonly why: string | null;
  /** The dump lacks the memory that would have told. */
  readonly memoryMissing: boolean;
}

export interface Caller {
  readonly kind: "caller";
  /** As it was stored: with thumb bit, without signature. */
  readonly pointer: bigint;
  readonly sp: bigint;
  readonly registers: Registers;
  /** It was interrupted, not called. */
  readonly stopped: boolean;
}

export const failure = (why: string | null): Failure => ({
  kind: "failure",
  why,
  memoryMissing: false,
});
export const memoryMissing = (why: string): Failure => ({
  kind: "failure",
  why,
  memoryMissing: true,
});
export const outermost: Finding = { kind: "outermost" };
export const notApplicable: Finding = failure(null);

export const hex = (value: bigint): string => `0x${value.toString(16)}`;

export class Walker {
  readonly cpu: Cpu;
  readonly memory: Memory;
  readonly code: Code;
  readonly gaps: WalkGap[] = [];
  /** Index of the frame whose caller is looked for. */
  frame = 0;
  scannedWords = 0;
  expressionSteps = 0;
  stackSwitches = 0;
  signalFrames = 0;
  flatFrames = 0;
  readonly #bits: number;
  readonly #unknown: readonly undefined[];
  readonly #pointerMask: bigint;

  constructor(cpu: Cpu, memory: Memory, code: Code, pointerMask: bigint) {
    this.cpu = cpu;
    this.memory = memory;
    this.code = code;
    this.#bits = 8 * cpu.addressSize;
    this.#unknown = cpu.registerNames.map(() => undefined);
    this.#pointerMask = pointerMask;
  }

  /** A set in which no register is known. */
  noRegisters(): (bigint | undefined)[] {
    return this.#unknown.slice();
  }

  /** The word at `address`, undefined where memory is not known. */
  word(address: bigint): bigint | undefined {
    return this.memory.read(this.wrap(address), this.cpu.addressSize);
  }

  /** `value` modulo the size of addresses. */
  wrap(value: bigint): bigint {
    return BigInt.asUintN(this.#bits, value);
  }

  /** A code or frame pointer without what pointer authentication put into its upper bits. */
  unsigned(pointer: bigint): bigint {
    return pointer & this.#pointerMask;
  }

  /** No instruction of a user's code is there, whatever the modules are. */
  isNoCode(pc: bigint): boolean {
    return pc < FIRST_PAGE_END || !this.cpu.isCanonical(pc);
  }

  gap(code: WalkGapCode, detail: string): void {
    if (this.gaps.length > MAX_GAPS) return;
    if (this.gaps.length === MAX_GAPS) {
      this.gaps.push({
        code: "more-gaps",
        detail: `the first MAX_GAPS (${MAX_GAPS}) are kept`,
        frame: this.frame,
      });
    } else {
      this.gaps.push({ code, detail, frame: this.frame });
    }
  }
}

const FIRST_PAGE_END = 4096n;
