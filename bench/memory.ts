/** Memory and processor time of processes, as Linux tells them. */
import { readFile } from "node:fs/promises";

export interface Memory {
  /** Bytes. */
  readonly now: number;
  readonly peak: number;
}

/** Null where there is no /proc. */
export async function memoryOf(pid: number): Promise<Memory | null> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => null);
  if (status === null) return null;
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
  return { now: kib("VmRSS") * 1024, peak: kib("VmHWM") * 1024 };
}

/** Clock ticks of /proc/PID/stat; USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds of processor time that the process and its threads have used; NaN where there is no /proc. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // fields 14 and 15; field 2 is the name in parentheses and may hold anything
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;

export const describe = (memory: Memory | null): string =>
  memory === null ? "unknown" : `${mebibytes(memory.now)} (at most ${mebibytes(memory.peak)})`;
