/** SystemInfoStream: CPU and operating system (minidumpapiset.h, MINIDUMP_SYSTEM_INFO). */
import { bytes, Cursor, struct, u16, u32, u8 } from "@faultline/bytes";
import { type Platform, platformOf } from "../platform.ts";
import type { Stream } from "../stream.ts";

const MinidumpSystemInfo = struct("MINIDUMP_SYSTEM_INFO", {
  processorArchitecture: u16,
  processorLevel: u16,
  processorRevision: u16,
  numberOfProcessors: u8,
  productType: u8,
  majorVersion: u32,
  minorVersion: u32,
  buildNumber: u32,
  platformId: u32,
  csdVersionRva: u32,
  suiteMask: u16,
  reserved2: u16,
  cpu: bytes(24),
});

/** CPU_INFORMATION of x86 and of what follows it. */
const X86CpuInfo = struct("CPU_INFORMATION.X86CpuInfo", {
  vendorId: bytes(12),
  versionInformation: u32,
  featureInformation: u32,
  amdExtendedCpuFeatures: u32,
});

export interface SystemInfo extends Platform {
  /** Family, and model and stepping as the CPU's maker packs them. */
  readonly processorLevel: number;
  readonly processorRevision: number;
  readonly processors: number;
  /** "GenuineIntel"; null on other CPUs than x86 and amd64, and where the writer left it empty. */
  readonly cpuVendor: string | null;
  /** "6.18.44": major, minor and build. */
  readonly osVersion: string;
  /** Service pack of Windows; elsewhere what `uname` says: "Linux 6.18.44 #1 SMP … x86_64". */
  readonly osDescription: string | null;
}

function vendorOf(cpu: Platform["cpu"], cpuInfo: Cursor): string | null {
  if (cpu !== "x86" && cpu !== "amd64") return null;
  const { vendorId } = X86CpuInfo.read(cpuInfo);
  const text = String.fromCharCode(...vendorId.filter((byte) => byte >= 0x20 && byte < 0x7f));
  return text.length === vendorId.length ? text : null;
}

export const SystemInfo: Stream<SystemInfo> = {
  type: 7,
  read({ cursor, file }) {
    const raw = MinidumpSystemInfo.read(cursor);
    const { os, cpu } = platformOf(raw.processorArchitecture, raw.platformId);
    const csd = raw.csdVersionRva === 0 ? "" : file.utf16At(raw.csdVersionRva, "CSDVersion");
    return {
      os,
      cpu,
      processorLevel: raw.processorLevel,
      processorRevision: raw.processorRevision,
      processors: raw.numberOfProcessors,
      cpuVendor: vendorOf(cpu, new Cursor(raw.cpu, 0, file.byteOrder)),
      osVersion: `${raw.majorVersion}.${raw.minorVersion}.${raw.buildNumber}`,
      osDescription: csd === "" ? null : csd,
    };
  },
};
