/**
 * Texts as CPython's faulthandler and Py_FatalError print them, from what they are to say.
 *
 * Written after Python/traceback.c, Modules/faulthandler.c and Python/pylifecycle.c of 3.3-3.15. Shares
 * no code with the reader, so that a rule that is wrong in one of them shows.
 */

export interface SynthFrame {
  readonly file: string | null;
  readonly line: number | null;
  readonly name: string | null;
}

export interface SynthThread {
  /** Null: the one-thread form, which names no thread. */
  readonly ident: bigint | null;
  readonly current?: boolean;
  /** The operating system's name; printed by 3.14+. Bytes are cut by the system, not here. */
  readonly osName?: string;
  readonly garbageCollecting?: boolean;
  readonly frames: readonly SynthFrame[];
  /** Words of a stop line, without its brackets: "invalid frame". */
  readonly stop?: string;
}

export interface SynthCFrame {
  readonly file: string | null;
  readonly symbol?: string;
  readonly offset?: bigint;
  readonly address: bigint;
}

export type SynthHeader =
  | { readonly kind: "signal" | "windowsException"; readonly words: string }
  | { readonly kind: "signum"; readonly number: number }
  | { readonly kind: "timeout"; readonly microseconds: number }
  | {
      readonly kind: "fatal";
      readonly func?: string;
      readonly message: string;
      readonly runtimeState?: string;
      readonly exception?: readonly string[];
    };

export interface SynthDump {
  /** Minor version: 12 is CPython 3.12. It decides the forms. */
  readonly python: number;
  /** Absent in a dump on demand. */
  readonly header?: SynthHeader;
  readonly threads: readonly SynthThread[];
  /** Digits of an identifier: 16, on Windows and 32-bit systems 8. */
  readonly identDigits?: 8 | 16;
  readonly cStack?: readonly SynthCFrame[];
  readonly extensionModules?: readonly string[];
}

const MAX_FRAMES = 100;
const MAX_THREADS = 100;
const MAX_C_FRAMES = 32;
const MAX_CODE_POINTS = 500;

/** The dump as text, its last line ended. */
export function faulthandlerText(dump: SynthDump): string {
  const lines = [...headerLines(dump.header), ...threadLines(dump)];
  if (dump.cStack !== undefined) lines.push(...cStackLines(dump.cStack));
  if (dump.extensionModules !== undefined && dump.extensionModules.length > 0) {
    const names = dump.extensionModules.map(escaped).join(", ");
    lines.push("", `Extension modules: ${names} (total: ${dump.extensionModules.length})`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

function headerLines(header: SynthHeader | undefined): string[] {
  switch (header?.kind) {
    case undefined:
      return [];
    case "signal":
      return [`Fatal Python error: ${header.words}`, ""];
    case "windowsException":
      return [`Windows fatal exception: ${header.words}`, ""];
    case "signum":
      return [`Fatal Python error from unexpected signum: ${header.number}`, ""];
    case "timeout":
      return [`Timeout (${duration(header.microseconds)})!`];
    case "fatal": {
      const { func, message, runtimeState, exception = [] } = header;
      const state = runtimeState === undefined ? [] : [`Python runtime state: ${runtimeState}`];
      const words = func === undefined ? message : `${func}: ${message}`;
      return [`Fatal Python error: ${words}`, ...state, ...exception, ""];
    }
  }
}

function duration(microseconds: number): string {
  const seconds = Math.floor(microseconds / 1e6);
  const rest = microseconds % 1e6;
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return rest === 0 ? clock : `${clock}.${String(rest).padStart(6, "0")}`;
}

function threadLines({ python, threads, identDigits = 16 }: SynthDump): string[] {
  const lines: string[] = [];
  for (const thread of threads.slice(0, MAX_THREADS)) {
    if (lines.length > 0) lines.push("");
    lines.push(threadTitle(thread, python, identDigits));
    if (thread.garbageCollecting === true && python >= 10) lines.push("  Garbage-collecting");
    lines.push(...frameLines(thread, python));
  }
  if (threads.length > MAX_THREADS) lines.push("", "...");
  return lines;
}

function threadTitle(thread: SynthThread, python: number, digits: number): string {
  const { ident, current = false, osName } = thread;
  if (ident === null) return `${python === 3 ? "Traceback" : "Stack"} (most recent call first):`;
  const name = python >= 14 && osName !== undefined ? ` [${osName}]` : "";
  const words = `${current ? "Current thread" : "Thread"} 0x${ident.toString(16).padStart(digits, "0")}${name}`;
  return python === 3 ? `${words}:` : `${words} (most recent call first):`;
}

function frameLines({ frames, stop }: SynthThread, python: number): string[] {
  const lines = frames.slice(0, MAX_FRAMES).map(frameLine);
  if (frames.length > MAX_FRAMES && python <= 12) lines.push("  ...");
  if (stop !== undefined) {
    const bare = stop === "no Python frame" && (python === 8 || python === 9);
    lines.push(bare ? `<${stop}>` : `  <${stop}>`);
  }
  return lines;
}

function frameLine({ file, line, name }: SynthFrame): string {
  const place = file === null ? "???" : `"${escaped(file)}"`;
  return `  File ${place}, line ${line ?? "???"} in ${name === null ? "???" : escaped(name)}`;
}

function cStackLines(frames: readonly SynthCFrame[]): string[] {
  const lines = frames.slice(0, MAX_C_FRAMES).map(cFrameLine);
  if (frames.length >= MAX_C_FRAMES) lines.push("  <truncated rest of calls>");
  return ["", "Current thread's C stack trace (most recent call first):", ...lines];
}

function cFrameLine({ file, symbol = "", offset, address }: SynthCFrame): string {
  const hex = (value: bigint): string => `0x${value.toString(16)}`;
  if (file === null) return `  Binary file '<unknown>' [${hex(address)}]`;
  if (offset === undefined) return `  Binary file "${file}" [${hex(address)}]`;
  const distance = offset < 0n ? `-${hex(-offset)}` : `+${hex(offset)}`;
  return `  Binary file "${file}", at ${symbol}${distance} [${hex(address)}]`;
}

/** A string as the signal-safe writer prints it. */
export function escaped(text: string): string {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const shown = points.slice(0, MAX_CODE_POINTS).map(escapedPoint).join("");
  return points.length > MAX_CODE_POINTS ? `${shown}...` : shown;
}

function escapedPoint(point: number): string {
  if (point >= 0x20 && point <= 0x7e) return String.fromCodePoint(point);
  const hex = point.toString(16);
  if (point <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return point <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
