export type { Cpu, CpuContext } from "./contexts/cpu-context.ts";
export { crashReason } from "./crash-reason.ts";
export { MinidumpError, type MinidumpErrorCode } from "./error.ts";
export type { DirectoryEntry } from "./header.ts";
export { modulesOf } from "./linux-modules.ts";
export type { DumpMemory, MemoryPiece, MemoryRegion } from "./memory.ts";
export { Minidump, openMinidump } from "./minidump.ts";
export type { Platform } from "./platform.ts";
export type { CrashReason } from "./reasons/reason.ts";
export type { Location, MemoryRange } from "./records.ts";
export type { Stream } from "./stream.ts";
export { AssertionInfo } from "./streams/assertion-info.ts";
export { BreakpadInfo } from "./streams/breakpad-info.ts";
export { CommentA, CommentW } from "./streams/comments.ts";
export { type Annotation, CrashpadInfo, type ModuleAnnotations } from "./streams/crashpad-info.ts";
export { Exception } from "./streams/exception.ts";
export { type Handle, HandleData } from "./streams/handle-data.ts";
export { LinuxAuxv } from "./streams/linux-auxv.ts";
export { LinuxDsoDebug, type LoadedObject } from "./streams/linux-dso-debug.ts";
export { type LinuxMapping, LinuxMaps } from "./streams/linux-maps.ts";
export {
  LinuxCmdLine,
  LinuxCpuInfo,
  LinuxEnviron,
  LinuxLsbRelease,
  LinuxProcStatus,
  type TextFields,
} from "./streams/linux-text.ts";
export { Memory64List, type MemoryRange64 } from "./streams/memory64-list.ts";
export { type MemoryInfo, MemoryInfoList } from "./streams/memory-info-list.ts";
export { MemoryList } from "./streams/memory-list.ts";
export { MiscInfo } from "./streams/misc-info.ts";
export { type Module, ModuleList } from "./streams/module-list.ts";
export { SystemInfo } from "./streams/system-info.ts";
export { type ThreadInfo, ThreadInfoList } from "./streams/thread-info-list.ts";
export { type Thread, ThreadList } from "./streams/thread-list.ts";
export { ThreadNames } from "./streams/thread-names.ts";
export { type UnloadedModule, UnloadedModuleList } from "./streams/unloaded-module-list.ts";
