/** Resident memory of processes, as Linux tells it. */
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

export const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;

export const describe = (memory: Memory | null): string =>
  memory === null ? "unknown" : `${mebibytes(memory.now)} (at most ${mebibytes(memory.peak)})`;
