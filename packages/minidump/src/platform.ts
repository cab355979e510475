/** CPUs and operating systems by the codes of SYSTEM_INFO; a code that is not here prints as its number. */

/** minidumpapiset.h and winnt.h, PROCESSOR_ARCHITECTURE_*; from 0x8001 on Breakpad's, minidump_format.h. */
const CPUS: Readonly<Record<number, string>> = {
  0: "x86",
  1: "mips",
  3: "ppc",
  5: "arm",
  6: "ia64",
  9: "amd64",
  10: "x86", // a 32-bit process on 64-bit Windows
  12: "arm64",
  0x8001: "sparc",
  0x8002: "ppc64",
  0x8003: "arm64", // Breakpad's own code, from before Microsoft had one
  0x8004: "mips64",
  0x8005: "riscv",
  0x8006: "riscv64",
  0x8007: "loongarch64",
};

/** VER_PLATFORM_*; from 0x8000 on Breakpad's, minidump_format.h, MDOSPlatform. */
const SYSTEMS: Readonly<Record<number, string>> = {
  1: "windows", // 95, 98 and Me
  2: "windows",
  3: "windows", // CE
  0x8000: "unix",
  0x8101: "macos",
  0x8102: "ios",
  0x8201: "linux",
  0x8202: "solaris",
  0x8203: "android",
  0x8204: "ps3",
  0x8205: "nacl",
  0x8206: "fuchsia",
};

/** Where the process ran; null where the dump has no system info that can be read. */
export interface Platform {
  /** "linux", "android", "windows", "macos", "ios", …; "0x8209" for a code that nobody here knows. */
  readonly os: string | null;
  /** "amd64", "arm64", "x86", "arm", …; "0x8009" likewise. */
  readonly cpu: string | null;
}

const hex = (code: number): string => `0x${code.toString(16)}`;

export const platformOf = (architecture: number, platformId: number): Platform => ({
  os: SYSTEMS[platformId] ?? hex(platformId),
  cpu: CPUS[architecture] ?? hex(architecture),
});

const CPUS_OF_32_BITS = new Set(["x86", "mips", "ppc", "arm", "sparc", "riscv"]);

/** Bytes of an address. A CPU that is not known counts as one of 64 bits. */
export const wordSize = (cpu: string | null): 4 | 8 => (CPUS_OF_32_BITS.has(cpu ?? "") ? 4 : 8);
