/**
 * Thread lines: `Thread 0xID [NAME] (most recent call first):`, `Current thread 0x…`, and `Stack …`.
 *
 * Python/traceback.c, `write_thread_id`. NAME (3.14+) is the operating system's, raw bytes on POSIX,
 * escaped on Windows; it may hold brackets and the words of the line itself, so it ends at the last
 * `] (most recent call first):`. 3.3 prints `Thread 0xID:` and `Traceback (most recent call first):`.
 */
import { readPrinted } from "./escapes.ts";
import { decodeUtf8 } from "./utf8.ts";

export const threadStart = "Thread 0x";
export const currentThreadStart = "Current thread 0x";
export const recentFirst = " (most recent call first):";
export const stackLine = `Stack${recentFirst}`;
/** The one-thread form of 3.3. */
export const stackLine33 = `Traceback${recentFirst}`;

const MAX_IDENT_DIGITS = 16;
/** Windows prints 8 digits; so do 32-bit systems, whose names with escapes in them are none of ours. */
const WINDOWS_IDENT_DIGITS = 8;

export interface ThreadLine {
  readonly current: boolean;
  /** "0x…" as printed; null for the anonymous form. */
  readonly ident: string | null;
  readonly osName: string | null;
  /** As printed, where it differs from `osName`. */
  readonly osNameRaw?: string;
  readonly anonymous: boolean;
  /** The form of CPython 3.3. */
  readonly py33: boolean;
}

/** What a whole line says of a thread, null when it is no thread line. */
export function readThreadLine(text: string): ThreadLine | null {
  if (text === stackLine || text === stackLine33) {
    const anonymous = { current: true, ident: null, osName: null, anonymous: true };
    return { ...anonymous, py33: text === stackLine33 };
  }
  const start = identStart(text);
  if (start === 0) return null;
  const end = endOfHex(text, start);
  if (end === start || end - start > MAX_IDENT_DIGITS) return null;
  const current = text.startsWith("C");
  const line = { current, ident: text.slice(start - 2, end), osName: null, anonymous: false };
  const rest = text.slice(end);
  if (rest === recentFirst) return { ...line, py33: false };
  if (rest === ":") return { ...line, py33: true };
  if (!rest.startsWith(" [") || !rest.endsWith(`]${recentFirst}`)) return null;
  const name = rest.slice(2, -1 - recentFirst.length);
  return { ...line, ...osName(name, end - start), py33: false };
}

/** Where the digits of a thread line's identifier begin; 0 when the line does not begin as one. */
export function identStart(text: string): number {
  if (text.startsWith(threadStart)) return threadStart.length;
  return text.startsWith(currentThreadStart) ? currentThreadStart.length : 0;
}

export function endOfHex(text: string, start: number): number {
  let end = start;
  while (isHexDigit(text.charCodeAt(end))) end++;
  return end;
}

const isHexDigit = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66);

function osName(name: string, digits: number): { osName: string; osNameRaw?: string } {
  if (digits !== WINDOWS_IDENT_DIGITS) return { osName: decodeUtf8(name) };
  const { text, raw } = readPrinted(name);
  return text === raw ? { osName: text } : { osName: text, osNameRaw: raw };
}
