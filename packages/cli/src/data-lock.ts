/**
 * One living faultline per data folder: the file `faultline.pid` in it, holding the owner's process id
 * and when that process started, so that a process id used again later is not taken for the owner.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "./error.ts";

export interface DataLock {
  release(): void;
}

const FILE = "faultline.pid";

/** Makes the folder when it is missing, readable by its owner only. Throws CliError `data-in-use` naming the living owner. */
export function lockData(data: string): DataLock {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const file = join(data, FILE);
  const mine = `${process.pid} ${processStart(process.pid) ?? ""}\n`;
  while (!place(file, mine)) {
    const theirs = readOr(file, "");
    if (isAlive(theirs)) {
      throw new CliError(
        "data-in-use",
        `${data} is in use by the faultline of process ${theirs.split(" ")[0]}: stop that one first, or give another --data`,
      );
    }
    takeAway(file, theirs);
  }
  return {
    release() {
      if (readOr(file, "") === mine) rmSync(file);
    },
  };
}

/** Process id of the living faultline that owns the folder, null when there is none. */
export function dataOwner(data: string): number | null {
  const text = readOr(join(data, FILE), "");
  return isAlive(text) ? Number.parseInt(text, 10) : null;
}

/** Puts the file there whole or not at all: a link fails when the name is taken. */
function place(file: string, text: string): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft);
  }
}

/** Removes the dead owner's file; when another starter was quicker and it is theirs by now, gives it back. */
function takeAway(file: string, dead: string): void {
  const aside = `${file}.dead.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const taken = readFileSync(aside, "utf8");
  rmSync(aside);
  if (taken !== dead) place(file, taken);
}

function isAlive(text: string): boolean {
  const [pid, started] = text.trim().split(" ");
  if (pid === undefined || !/^\d+$/.test(pid)) return false;
  return processExists(Number(pid)) && (started || null) === processStart(Number(pid));
}

export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Start time of a process in clock ticks since boot (proc(5), /proc/pid/stat field 22); null without /proc. */
function processStart(pid: number): string | null {
  const stat = readOr(`/proc/${pid}/stat`, "");
  // field 2 is the name in parentheses and may hold anything; field 3 follows the last ")"
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}

function readOr(file: string, fallback: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return fallback;
  }
}
