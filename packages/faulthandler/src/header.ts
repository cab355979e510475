/**
 * Header lines: what ended the process, or why it was looked at.
 *
 * Modules/faulthandler.c (`faulthandler_fatal_error`, `faulthandler_exc_handler`, `format_timeout`) and
 * Python/pylifecycle.c (`fatal_error`). A header may stand anywhere in a line, because what was
 * written before it need not have ended with a newline.
 */
import type { DumpKind } from "./dump.ts";
import { decodeUtf8 } from "./utf8.ts";

export const fatalStart = "Fatal Python error: ";
export const signumStart = "Fatal Python error from unexpected signum: ";
export const windowsStart = "Windows fatal exception: ";
export const timeoutStart = "Timeout (";
const runtimeStateStart = "Python runtime state: ";

/** The words of faulthandler_handlers, whose hyphen came with 3.13. */
const signalWords: ReadonlySet<string> = new Set([
  "Segmentation fault",
  "Aborted",
  "Bus error",
  "Illegal instruction",
  "Floating point exception",
  "Floating-point exception",
]);

export interface Header {
  readonly kind: DumpKind;
  readonly message: string | null;
  readonly func: string | null;
  readonly timeout: string | null;
  readonly timeoutSeconds: number | null;
}

const none = { message: null, func: null, timeout: null, timeoutSeconds: null };

/** The header that `text` begins with. `whole`: false when the text may be cut at its end. */
export function readHeader(text: string, whole: boolean): Header | null {
  if (text.startsWith(fatalStart)) return fatalHeader(text.slice(fatalStart.length), whole);
  if (text.startsWith(timeoutStart)) return timeoutHeader(text);
  if (text.startsWith(windowsStart)) {
    return { ...none, kind: "windowsException", message: text.slice(windowsStart.length) };
  }
  if (!text.startsWith(signumStart)) return null;
  const number = text.slice(signumStart.length);
  return /^\d{1,10}$/.test(number) ? { ...none, kind: "signal", message: number } : null;
}

function fatalHeader(words: string, whole: boolean): Header {
  if (signalWords.has(words) || (!whole && isCutSignal(words))) {
    return { ...none, kind: "signal", message: words };
  }
  return { ...none, kind: "fatal", ...splitFunction(words) };
}

const isCutSignal = (words: string): boolean =>
  words !== "" && [...signalWords].some((signal) => signal.startsWith(words));

/** `FUNC: MSG` (3.9+ by the macro, before by hand); MSG may hold colons of its own. */
function splitFunction(words: string): { func: string | null; message: string } {
  const func = /^([A-Za-z_][A-Za-z0-9_]*): /.exec(words)?.[1] ?? null;
  return { func, message: decodeUtf8(func === null ? words : words.slice(func.length + 2)) };
}

const timeout = /^Timeout \(((\d{1,12}):(\d\d):(\d\d(?:\.\d{6})?))\)!$/;

function timeoutHeader(text: string): Header | null {
  const [, printed, hours, minutes, seconds] = timeout.exec(text) ?? [];
  if (printed === undefined) return null;
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return { ...none, kind: "timeout", timeout: printed, timeoutSeconds: roundMicros(total) };
}

const roundMicros = (seconds: number): number => Math.round(seconds * 1e6) / 1e6;

/** `Python runtime state: …` (3.8+), which only fatal errors print. */
export const readRuntimeState = (text: string): string | null =>
  text.startsWith(runtimeStateStart) ? text.slice(runtimeStateStart.length) : null;
