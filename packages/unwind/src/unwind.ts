/** The walk: registers + memory + rules → frames. */
import { callerByCfi } from "./cfi.ts";
import { pointerMask } from "./cpu/arm64.ts";
import type { CpuName } from "./cpu/cpu.ts";
import { cpuOf, type Os } from "./cpu/cpus.ts";
import { callerByFramePointer } from "./frame-pointer.ts";
import type { EndReason, FoundBy, Frame, Registers, Walk } from "./frame.ts";
import { callerAtEntry } from "./function-entry.ts";
import { callerInLinkRegister, callerOnTopOfStack } from "./leaf-function.ts";
import { callerLevel, contextLevel } from "./level.ts";
import { MAX_FRAMES, MAX_SCANNED_WORDS, MAX_SIGNAL_FRAMES, MAX_STACK_SWITCHES } from "./limits.ts";
import type { Code, Memory } from "./ports.ts";
import { callerByScan } from "./scan.ts";
import { callerByTrampoline } from "./signal-trampoline.ts";
import { type Finding, hex, type Level, Walker } from "./walker.ts";

/** Where a thread was stopped. */
export interface Context {
  readonly cpu: CpuName;
  /** See `registersOf`. */
  readonly registers: Registers;
}

export interface WalkOptions {
  readonly os?: Os;
  /** End of the highest module: tells address from signature in arm64's pointers. */
  readonly modulesEnd?: bigint;
  /** Frames that are walked, at most `MAX_FRAMES`. */
  readonly maxFrames?: number;
}

type Technique = (walker: Walker, callee: Level) => Finding;

/** In the order they are tried, each with what its frames are marked as. */
const techniques: readonly (readonly [FoundBy, Technique])[] = [
  ["registers", callerAtEntry],
  ["registers", callerInLinkRegister],
  ["cfi", callerByTrampoline],
  ["cfi", callerByCfi],
  ["scan", callerOnTopOfStack],
  ["frame-pointer", callerByFramePointer],
  ["scan", callerByScan],
];

/** The frames of one stack, innermost first. Never throws for what it reads: see `end` and `gaps`. */
export function unwind(
  context: Context,
  memory: Memory,
  code: Code,
  options: WalkOptions = {},
): Walk {
  const mask = context.cpu === "arm64" ? pointerMask(options.modulesEnd ?? 0n) : ALL_BITS;
  const walker = new Walker(cpuOf(context.cpu, options.os ?? "other"), memory, code, mask);
  const maxFrames = Math.min(options.maxFrames ?? MAX_FRAMES, MAX_FRAMES);
  const frames: Frame[] = [];
  const { gaps } = walker;
  let next: Level | EndReason = contextLevel(walker, context.registers) ?? "no-registers";
  while (typeof next !== "string") {
    if (frames.length >= maxFrames) {
      walker.gap("frame-limit", `more than ${maxFrames} frames (maxFrames, at most MAX_FRAMES)`);
      return { frames, end: "limit", gaps };
    }
    frames.push(next.frame);
    next = callerOf(walker, next);
    walker.frame++;
  }
  return { frames, end: next, gaps };
}

const ALL_BITS = 0xffff_ffff_ffff_ffffn;

function callerOf(walker: Walker, callee: Level): Level | EndReason {
  let cfiFailure: string | null = null;
  let missing = false;
  for (const [foundBy, technique] of techniques) {
    const finding = technique(walker, callee);
    if (finding.kind === "outermost") return "end-of-stack";
    const level =
      finding.kind === "failure" ? finding.why : callerLevel(walker, callee, finding, foundBy);
    if (level !== null && typeof level !== "string") {
      tellCfiFailure(walker, callee, cfiFailure, foundBy);
      return level;
    }
    if (walker.stackSwitches > MAX_STACK_SWITCHES) return "limit";
    if (walker.signalFrames > MAX_SIGNAL_FRAMES) return "limit";
    if (finding.kind === "failure") missing ||= finding.memoryMissing;
    if (foundBy === "cfi") cfiFailure ??= level;
  }
  tellCfiFailure(walker, callee, cfiFailure, null);
  if (walker.scannedWords > MAX_SCANNED_WORDS) return "limit";
  return missing || walker.word(callee.frame.sp) === undefined ? "memory-missing" : "no-caller";
}

function tellCfiFailure(
  walker: Walker,
  { frame }: Level,
  why: string | null,
  foundBy: FoundBy | null,
): void {
  if (why === null || foundBy === "cfi") return;
  const instead =
    foundBy === null ? "nothing else found its caller" : `${foundBy} found its caller`;
  walker.gap("cfi-failed", `frame at ${hex(frame.pc)}: ${why}; ${instead}`);
}
