/**
 * MemoryInfoListStream: what each range of the address space was for (minidumpapiset.h,
 * MINIDUMP_MEMORY_INFO_LIST).
 */
import { struct, u32, u64 } from "@faultline/bytes";
import { MAX_RECORDS } from "../limits.ts";
import { readSizedList, type Stream } from "../stream.ts";

const MinidumpMemoryInfo = struct("MINIDUMP_MEMORY_INFO", {
  baseAddress: u64,
  allocationBase: u64,
  allocationProtect: u32,
  alignment1: u32,
  regionSize: u64,
  state: u32,
  protect: u32,
  type: u32,
  alignment2: u32,
});

/** winnt.h, MEM_*. */
const STATES: Readonly<Record<number, MemoryInfo["state"]>> = {
  0x1000: "commit",
  0x2000: "reserve",
  0x10000: "free",
};
const TYPES: Readonly<Record<number, MemoryInfo["type"]>> = {
  0x20000: "private",
  0x40000: "mapped",
  0x1000000: "image",
};

/** winnt.h, PAGE_*: which of them allow what. */
const READ = 0x02 | 0x04 | 0x08 | 0x20 | 0x40 | 0x80;
const WRITE = 0x04 | 0x08 | 0x40 | 0x80;
const EXECUTE = 0x10 | 0x20 | 0x40 | 0x80;
const GUARD = 0x100;

export interface MemoryInfo {
  readonly start: bigint;
  readonly size: bigint;
  readonly allocationBase: bigint;
  /** Null for a value that winnt.h does not have. */
  readonly state: "commit" | "reserve" | "free" | null;
  readonly type: "private" | "mapped" | "image" | null;
  /** PAGE_* as it is. */
  readonly protection: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  /** The first access raises an exception. */
  readonly guard: boolean;
}

export const MemoryInfoList: Stream<readonly MemoryInfo[]> = {
  type: 16,
  read: ({ cursor }) =>
    readSizedList(cursor, 8, {
      what: "MINIDUMP_MEMORY_INFO_LIST.NumberOfEntries",
      record: MinidumpMemoryInfo,
      size: 48,
      max: MAX_RECORDS,
      limit: "MAX_RECORDS",
    }).map((raw) => {
      const protection = raw.state === 0x1000 ? raw.protect : 0;
      return {
        start: raw.baseAddress,
        size: raw.regionSize,
        allocationBase: raw.allocationBase,
        state: STATES[raw.state] ?? null,
        type: TYPES[raw.type] ?? null,
        protection: raw.protect,
        readable: (protection & READ) !== 0,
        writable: (protection & WRITE) !== 0,
        executable: (protection & EXECUTE) !== 0,
        guard: (protection & GUARD) !== 0,
      };
    }),
};
