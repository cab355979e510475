/** Types of streams, by the names of their vendors; a type that is not here prints as its number. */

/** minidumpapiset.h, MINIDUMP_STREAM_TYPE. */
const MICROSOFT = {
  0: "UnusedStream",
  1: "ReservedStream0",
  2: "ReservedStream1",
  3: "ThreadListStream",
  4: "ModuleListStream",
  5: "MemoryListStream",
  6: "ExceptionStream",
  7: "SystemInfoStream",
  8: "ThreadExListStream",
  9: "Memory64ListStream",
  10: "CommentStreamA",
  11: "CommentStreamW",
  12: "HandleDataStream",
  13: "FunctionTableStream",
  14: "UnloadedModuleListStream",
  15: "MiscInfoStream",
  16: "MemoryInfoListStream",
  17: "ThreadInfoListStream",
  18: "HandleOperationListStream",
  19: "TokenStream",
  20: "JavaScriptDataStream",
  21: "SystemMemoryInfoStream",
  22: "ProcessVmCountersStream",
  23: "IptTraceStream",
  24: "ThreadNamesStream",
  0x8000: "ceStreamNull",
  0x8001: "ceStreamSystemInfo",
  0x8002: "ceStreamException",
  0x8003: "ceStreamModuleList",
  0x8004: "ceStreamProcessList",
  0x8005: "ceStreamThreadList",
  0x8006: "ceStreamThreadContextList",
  0x8007: "ceStreamThreadCallStackList",
  0x8008: "ceStreamMemoryVirtualList",
  0x8009: "ceStreamMemoryPhysicalList",
  0x800a: "ceStreamBucketParameters",
  0x800b: "ceStreamProcessModuleMap",
  0x800c: "ceStreamDiagnosisList",
} as const;

/** Breakpad, minidump_format.h, MDStreamType; from 0x4d7a0001 on Mozilla's. */
const BREAKPAD = {
  0x47670001: "BreakpadInfoStream",
  0x47670002: "AssertionInfoStream",
  0x47670003: "LinuxCpuInfo",
  0x47670004: "LinuxProcStatus",
  0x47670005: "LinuxLsbRelease",
  0x47670006: "LinuxCmdLine",
  0x47670007: "LinuxEnviron",
  0x47670008: "LinuxAuxv",
  0x47670009: "LinuxMaps",
  0x4767000a: "LinuxDsoDebug",
  0x4d7a0001: "MozMacosCrashInfoStream",
  0x4d7a0002: "MozMacosBootargsStream",
  0x4d7a0003: "MozLinuxLimits",
  0x4d7a0004: "MozSoftErrors",
} as const;

/** Crashpad, minidump_extensions.h; the last is sentry-native's. */
const CRASHPAD = {
  0x43500001: "CrashpadInfoStream",
  0x53790001: "SentryStackTraceStream",
} as const;

const NAMES: Readonly<Record<number, string>> = { ...MICROSOFT, ...BREAKPAD, ...CRASHPAD };

/** "ThreadListStream"; "0x12345678" for a type that nobody here knows. */
export const streamTypeName = (type: number): string =>
  NAMES[type] ?? `0x${type.toString(16).padStart(8, "0")}`;
