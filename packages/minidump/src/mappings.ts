/** What the process could do with each part of its address space, from whichever stream tells it. */
import { attempt, MinidumpError } from "./error.ts";
import type { Minidump } from "./minidump.ts";
import { compare, countUntil } from "./sorted.ts";
import { type LinuxMapping, LinuxMaps } from "./streams/linux-maps.ts";
import { type MemoryInfo, MemoryInfoList } from "./streams/memory-info-list.ts";

export interface Mapping {
  readonly start: bigint;
  /** The first address behind it. */
  readonly end: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  /** Windows: the first access raises an exception. */
  readonly guard: boolean;
  /** A file, "[stack]"; null for memory of no name, and where the dump does not tell. */
  readonly path: string | null;
}

const ofMaps = ({ start, end, permissions, path }: LinuxMapping): Mapping => ({
  start,
  end,
  readable: permissions[0] === "r",
  writable: permissions[1] === "w",
  executable: permissions[2] === "x",
  guard: false,
  path,
});

const ofInfo = ({ start, size, readable, writable, executable, guard }: MemoryInfo): Mapping => ({
  start,
  end: start + size,
  readable,
  writable,
  executable,
  guard,
  path: null,
});

const read = <T>(list: () => readonly T[] | undefined): readonly T[] => {
  const found = attempt(list);
  return found instanceof MinidumpError ? [] : (found ?? []);
};

/**
 * Sorted by address. Empty where the dump has neither LinuxMaps nor MemoryInfoList, or neither can
 * be read.
 */
export function mappingsOf(dump: Minidump): readonly Mapping[] {
  const maps = read(() => dump.stream(LinuxMaps)).map(ofMaps);
  const info = maps.length === 0 ? read(() => dump.stream(MemoryInfoList)) : [];
  const mappings = [...maps, ...info.filter(({ state }) => state !== "free").map(ofInfo)];
  return mappings.sort((a, b) => compare(a.start, b.start));
}

/** The one of `mappings`, which are sorted, that holds `address`. */
export function mappingAt(mappings: readonly Mapping[], address: bigint): Mapping | undefined {
  const found =
    mappings[countUntil(mappings.length, (index) => mappings[index]!.start <= address) - 1];
  return found && address < found.end ? found : undefined;
}
