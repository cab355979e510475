/**
 * MiscInfoStream, versions 1 to 5, each of which appends to the one before (minidumpapiset.h,
 * MINIDUMP_MISC_INFO_5).
 */
import {
  array,
  bytes,
  type Cursor,
  i32,
  struct,
  type Struct,
  u16,
  u32,
  u64,
} from "@faultline/bytes";
import type { Stream } from "../stream.ts";

const Version1 = struct("MINIDUMP_MISC_INFO", {
  sizeOfInfo: u32,
  flags1: u32,
  processId: u32,
  processCreateTime: u32,
  processUserTime: u32,
  processKernelTime: u32,
});

const Version2 = struct("MINIDUMP_MISC_INFO_2", {
  processorMaxMhz: u32,
  processorCurrentMhz: u32,
  processorMhzLimit: u32,
  processorMaxIdleState: u32,
  processorCurrentIdleState: u32,
});

const Version3 = struct("MINIDUMP_MISC_INFO_3", {
  processIntegrityLevel: u32,
  processExecuteFlags: u32,
  protectedProcess: u32,
  timeZoneId: u32,
  bias: i32, // from here on TIME_ZONE_INFORMATION
  standardName: bytes(64),
  standardDate: array(8, u16),
  standardBias: i32,
  daylightName: bytes(64),
  daylightDate: array(8, u16),
  daylightBias: i32,
});

const Version4 = struct("MINIDUMP_MISC_INFO_4", { buildString: bytes(520), dbgBldStr: bytes(80) });

const Version5 = struct("MINIDUMP_MISC_INFO_5", {
  sizeOfXState: u32, // from here on XSTATE_CONFIG_FEATURE_MSC_INFO
  contextSize: u32,
  enabledFeatures: u64,
  features: bytes(512),
  processCookie: u32,
});

/** MISC1_*: which fields the writer filled. */
const FLAG = {
  processId: 0x1,
  processTimes: 0x2,
  processorPower: 0x4,
  integrity: 0x10,
  timeZone: 0x40,
  buildString: 0x100,
  processCookie: 0x200,
} as const;

/** What the writer did not fill is null. */
export interface MiscInfo {
  readonly processId: number | null;
  /** Seconds since 1970; then seconds of CPU. */
  readonly processCreateTime: number | null;
  readonly processUserTime: number | null;
  readonly processKernelTime: number | null;
  readonly processorMaxMhz: number | null;
  readonly processorCurrentMhz: number | null;
  /** SECURITY_MANDATORY_*: 0x2000 is medium. */
  readonly processIntegrityLevel: number | null;
  /** `bias`: minutes from local time to UTC, without daylight saving. */
  readonly timeZone: { readonly bias: number; readonly standardName: string } | null;
  /** Of the system and of what wrote the dump. */
  readonly buildString: string | null;
  readonly debugBuildString: string | null;
  /** Which parts of XSAVE the contexts have, as bits. */
  readonly enabledFeatures: bigint | null;
  readonly processCookie: number | null;
}

/** The parts that there are: a version is known by its size. */
function readVersions(cursor: Cursor) {
  const first = Version1.read(cursor);
  const next = <T>(size: number, part: Struct<T>): T | null =>
    cursor.remaining >= size ? part.read(cursor) : null;
  return {
    ...first,
    power: next(20, Version2),
    zone: next(188, Version3),
    build: next(600, Version4),
    state: next(532, Version5),
  };
}

export const MiscInfo: Stream<MiscInfo> = {
  type: 15,
  read({ cursor, file }) {
    const { offset } = cursor;
    const { flags1, power, zone, build, state, ...first } = readVersions(cursor);
    const given = <T>(flag: number, value: T | undefined): T | null =>
      value === undefined || (flags1 & flag) === 0 ? null : value;
    const text = (units: Uint8Array, what: string): string => file.fixedUtf16(units, what, offset);
    return {
      processId: given(FLAG.processId, first.processId),
      processCreateTime: given(FLAG.processTimes, first.processCreateTime),
      processUserTime: given(FLAG.processTimes, first.processUserTime),
      processKernelTime: given(FLAG.processTimes, first.processKernelTime),
      processorMaxMhz: given(FLAG.processorPower, power?.processorMaxMhz),
      processorCurrentMhz: given(FLAG.processorPower, power?.processorCurrentMhz),
      processIntegrityLevel: given(FLAG.integrity, zone?.processIntegrityLevel),
      timeZone: given(
        FLAG.timeZone,
        zone
          ? { bias: zone.bias, standardName: text(zone.standardName, "StandardName") }
          : undefined,
      ),
      buildString: given(
        FLAG.buildString,
        build ? text(build.buildString, "BuildString") : undefined,
      ),
      debugBuildString: given(
        FLAG.buildString,
        build ? text(build.dbgBldStr, "DbgBldStr") : undefined,
      ),
      enabledFeatures: state?.enabledFeatures ?? null,
      processCookie: given(FLAG.processCookie, state?.processCookie),
    };
  },
};
