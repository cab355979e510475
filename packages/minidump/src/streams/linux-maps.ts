/** LinuxMaps: /proc/PID/maps as it was (proc_pid_maps(5); Breakpad, minidump_format.h, MD_LINUX_MAPS). */
import type { Stream } from "../stream.ts";

export interface LinuxMapping {
  readonly start: bigint;
  /** The first address behind it. */
  readonly end: bigint;
  /** "r-xp" */
  readonly permissions: string;
  /** Where in `path` it begins. */
  readonly offset: bigint;
  /** A file, "[stack]", or null for memory of no name. */
  readonly path: string | null;
  /** The file was deleted or replaced since. */
  readonly deleted: boolean;
}

/** Addresses, permissions, offset, device, inode, path; spaces before the path only line it up. */
const LINE = /^([0-9a-f]{1,16})-([0-9a-f]{1,16}) (\S{4}) ([0-9a-f]{1,16}) \S+ \d+[ \t]*(.*)$/;

const DELETED = " (deleted)";

function mappingOf(line: string): LinuxMapping | null {
  const match = LINE.exec(line);
  if (match === null) return null;
  const [, first, last, permissions = "", offset, path = ""] = match;
  const [start, end] = [BigInt(`0x${first}`), BigInt(`0x${last}`)];
  const deleted = path.endsWith(DELETED);
  const name = deleted ? path.slice(0, -DELETED.length) : path;
  return end <= start
    ? null
    : {
        start,
        end,
        permissions,
        offset: BigInt(`0x${offset}`),
        path: name === "" ? null : name,
        deleted,
      };
}

/** A line that is none, or whose mapping ends before it begins, is left out. */
export const LinuxMaps: Stream<readonly LinuxMapping[]> = {
  type: 0x47670009,
  read: ({ cursor, file }) =>
    file
      .lines(cursor, "LinuxMaps")
      .map(mappingOf)
      .filter((mapping) => mapping !== null),
};
