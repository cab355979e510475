export type { CpuName } from "./cpu/cpu.ts";
export { type Os, registerNames, registersOf } from "./cpu/cpus.ts";
export {
  type EndReason,
  type FoundBy,
  foundBy,
  type Frame,
  type Registers,
  type Walk,
} from "./frame.ts";
export { type WalkGap, type WalkGapCode, walkGapCodes } from "./gaps.ts";
export type { CfaRule, Code, CodeKind, Memory, RegisterRule, UnwindRules } from "./ports.ts";
export { type Context, unwind, type WalkOptions } from "./unwind.ts";
