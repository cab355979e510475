export {
  escaped,
  faulthandlerText,
  type SynthCFrame,
  type SynthDump,
  type SynthFrame,
  type SynthHeader,
  type SynthThread,
} from "./faulthandler.ts";
export { behindPrefix, dockerJson, structuredLog } from "./log-envelopes.ts";
export { type SynthCpu, type SynthRegisters, synthContext } from "./minidump/contexts.ts";
export type {
  SynthAnnotation,
  SynthCrashpadInfo,
  SynthModuleAnnotations,
} from "./minidump/crashpad.ts";
export {
  stackAt,
  type SynthDumpThread,
  type SynthException,
  type SynthMemory,
  type SynthMinidump,
  synthMinidump,
  type SynthStack,
} from "./minidump/dump.ts";
export type { SynthDsoDebug } from "./minidump/linux.ts";
export type { SynthModule, SynthUnloadedModule } from "./minidump/modules.ts";
export type {
  SynthAssertion,
  SynthHandle,
  SynthMemoryInfo,
  SynthMiscInfo,
  SynthOs,
  SynthSystemInfo,
} from "./minidump/system.ts";
export {
  magicOf,
  type SynthCode,
  synthCode,
  type SynthHeader as SynthPycHeader,
  synthPyc,
} from "./pyc/file.ts";
export { marshalled, py, type PyObject, type StrType } from "./pyc/marshal.ts";
export {
  exceptionTable,
  linetable310,
  lnotab,
  locationTable,
  type SynthHandler,
  type SynthLine,
  type SynthPosition,
  type SynthRange,
} from "./pyc/tables.ts";
