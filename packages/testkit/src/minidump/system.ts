/** Streams about the system and the process as a whole. */
import type { SynthCpu } from "./contexts.ts";
import type { Placer } from "./placer.ts";

export type SynthOs = "windows" | "macos" | "ios" | "linux" | "android";

const ARCHITECTURES: Readonly<Record<SynthCpu, number>> = {
  x86: 0,
  amd64: 9,
  arm: 5,
  arm64: 12,
  "arm64-old": 0x8003,
};

const PLATFORMS: Readonly<Record<SynthOs, number>> = {
  windows: 2,
  macos: 0x8101,
  ios: 0x8102,
  linux: 0x8201,
  android: 0x8203,
};

export interface SynthSystemInfo {
  readonly cpu: SynthCpu;
  readonly os: SynthOs;
  /** Codes instead of those of `cpu` and `os`. */
  readonly architecture?: number;
  readonly platformId?: number;
  readonly processors?: number;
  readonly version?: readonly [number, number, number];
  /** Service pack, or `uname -v`. */
  readonly description?: string;
  /** 12 letters. */
  readonly vendor?: string;
}

export function systemInfo(out: Placer, info: SynthSystemInfo): Uint8Array {
  const csd = info.description === undefined ? 0 : out.utf16(info.description);
  return out
    .writer()
    .u16(info.architecture ?? ARCHITECTURES[info.cpu], 6, 0x0a01)
    .u8(info.processors ?? 1, 1)
    .u32(...(info.version ?? [0, 0, 0]), info.platformId ?? PLATFORMS[info.os], csd)
    .u16(0, 0)
    .utf8((info.vendor ?? "").padEnd(12, "\0"))
    .zeros(12)
    .finish();
}

export interface SynthMiscInfo {
  /** 1 to 5: how much of it there is. */
  readonly version: number;
  /** MISC1_*; all that the version has when left out. */
  readonly flags?: number;
  readonly processId?: number;
  readonly createTime?: number;
  readonly userTime?: number;
  readonly kernelTime?: number;
  readonly maxMhz?: number;
  readonly integrityLevel?: number;
  readonly bias?: number;
  readonly zone?: string;
  readonly build?: string;
  readonly debugBuild?: string;
  readonly enabledFeatures?: bigint;
  readonly cookie?: number;
}

/** Bytes of the record of each version. */
const MISC_SIZES = [0, 24, 44, 232, 832, 1364];

export function miscInfo(out: Placer, info: SynthMiscInfo): Uint8Array {
  const size = MISC_SIZES[info.version] ?? 0;
  const record = out.writer();
  record.u32(size, info.flags ?? 0x3f7, info.processId ?? 0, info.createTime ?? 0);
  record.u32(info.userTime ?? 0, info.kernelTime ?? 0);
  record.u32(info.maxMhz ?? 0, info.maxMhz ?? 0, 0, 0, 0);
  record.u32(info.integrityLevel ?? 0, 0, 0, 1, info.bias ?? 0);
  record.utf16(info.zone ?? "", 32).zeros(16 + 4 + 64 + 16 + 4);
  record.utf16(info.build ?? "", 260).utf16(info.debugBuild ?? "", 40);
  record
    .u32(528, 0)
    .u64(info.enabledFeatures ?? 0)
    .zeros(512);
  return record
    .u32(info.cookie ?? 0)
    .finish()
    .subarray(0, size);
}

export interface SynthAssertion {
  readonly expression: string;
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly type: number;
}

export const assertionInfo = (out: Placer, info: SynthAssertion): Uint8Array =>
  out
    .writer()
    .utf16(info.expression, 128)
    .utf16(info.function, 128)
    .utf16(info.file, 128)
    .u32(info.line, info.type)
    .finish();

export interface SynthHandle {
  readonly handle: bigint;
  readonly type: string;
  readonly object: string;
}

export const handleRecord = (out: Placer, { handle, type, object }: SynthHandle): Uint8Array =>
  out
    .writer()
    .u64(handle)
    .u32(out.utf16(type), object === "" ? 0 : out.utf16(object), 0, 0x1f0003, 1, 1)
    .finish();

export interface SynthMemoryInfo {
  readonly start: bigint;
  readonly size: bigint;
  /** MEM_* */
  readonly state?: number;
  readonly type?: number;
  /** PAGE_* */
  readonly protection?: number;
}

export function memoryInfoRecord(out: Placer, info: SynthMemoryInfo): Uint8Array {
  const protection = info.protection ?? 4;
  return out
    .writer()
    .u64(info.start, info.start)
    .u32(protection, 0)
    .u64(info.size)
    .u32(info.state ?? 0x1000, protection, info.type ?? 0x20000, 0)
    .finish();
}
