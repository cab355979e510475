/** Streams of Linux that hold a text file as it is (Breakpad, minidump_format.h, MD_LINUX_*). */
import type { Stream } from "../stream.ts";

/** By name; of a name that occurs twice the first value. */
export type TextFields = ReadonlyMap<string, string>;

/**
 * `name`, `separator`, value, one a line; blanks around both are left out, and so is a line that is
 * none of it.
 */
function fields(lines: readonly string[], separator: string): TextFields {
  const found = new Map<string, string>();
  for (const line of lines) {
    const at = line.indexOf(separator);
    const name = line.slice(0, Math.max(0, at)).trim();
    if (name !== "" && !found.has(name)) found.set(name, line.slice(at + 1).trim());
  }
  return found;
}

const unquoted = (value: string): string => /^(["'])(.*)\1$/s.exec(value)?.[2] ?? value;

/** /proc/PID/status: "Pid" → "4711". */
export const LinuxProcStatus: Stream<TextFields> = {
  type: 0x47670004,
  read: ({ cursor, file }) => fields(file.lines(cursor, "LinuxProcStatus"), ":"),
};

/** /etc/lsb-release or os-release: "DISTRIB_ID" → "Ubuntu". */
export const LinuxLsbRelease: Stream<TextFields> = {
  type: 0x47670005,
  read({ cursor, file }) {
    const found = fields(file.lines(cursor, "LinuxLsbRelease"), "=");
    return new Map([...found].map(([name, value]) => [name, unquoted(value)]));
  },
};

/** /proc/cpuinfo, one map a processor: "model name" → "…". */
export const LinuxCpuInfo: Stream<readonly TextFields[]> = {
  type: 0x47670003,
  read({ cursor, file }) {
    const processors: string[][] = [[]];
    for (const line of file.lines(cursor, "LinuxCpuInfo")) {
      if (line.trim() === "") processors.push([]);
      else processors.at(-1)?.push(line);
    }
    return processors.map((lines) => fields(lines, ":")).filter(({ size }) => size > 0);
  },
};

/** /proc/PID/cmdline: the arguments, the program first. Empty ones at the end are left out. */
export const LinuxCmdLine: Stream<readonly string[]> = {
  type: 0x47670006,
  read: ({ cursor, file }) => file.lines(cursor, "LinuxCmdLine", "\0"),
};

/** /proc/PID/environ. */
export const LinuxEnviron: Stream<TextFields> = {
  type: 0x47670007,
  read: ({ cursor, file }) => fields(file.lines(cursor, "LinuxEnviron", "\0"), "="),
};
