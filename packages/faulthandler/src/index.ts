export type {
  CStack,
  CStackFrame,
  Dump,
  DumpGap,
  DumpKind,
  TextFrame,
  TextThread,
} from "./dump.ts";
export { exceptionLine, tracebackFrames } from "./exception-text.ts";
export { dumpGapCodes, type DumpGapCode } from "./gaps.ts";
export * as faulthandlerLimits from "./limits.ts";
export { parseFaulthandler, type ParsedText } from "./parse.ts";
