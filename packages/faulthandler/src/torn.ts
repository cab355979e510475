/**
 * Lines that another writer tore: the head of ours, foreign text with its newline, then our tail.
 *
 * Two ways to mend. With a known beginning of the foreign text (`ForeignText`) head and tail are
 * exact. Without, the grammar says what the head must hold and what the tail must begin with, and
 * files that intact frames name complete a torn path. What stays unknown is null.
 */
import { cFrameStart, readCFrame } from "./c-stack.ts";
import type { CStackFrame, TextFrame } from "./dump.ts";
import {
  endOfNumber,
  findFrameTail,
  type FrameTail,
  frameStart,
  isPlainName,
  readFrame,
  type TornPath,
} from "./frame-line.ts";
import type { ForeignText } from "./foreign.ts";
import type { Line } from "./lines.ts";
import { readToken, type Token } from "./token.ts";
import {
  endOfHex,
  identStart,
  readThreadLine,
  recentFirst,
  type ThreadLine,
} from "./thread-line.ts";

/** A mended line, and how many of the lines after it were pieces of it or stood between them. */
export interface Mended<T> {
  readonly value: T;
  readonly used: number;
}

/**
 * Mends by what is known of the foreign text, which may stand after every word of the line. `head`: what
 * stands before it in the torn line; `next`: the lines after that.
 */
export function mendKnown(
  head: string,
  next: readonly Line[],
  foreign: ForeignText,
): Mended<Token> | null {
  let text = head;
  let used = 0;
  for (const piece of next) {
    if (readToken(piece.text) !== null) break;
    used++;
    const end = foreign.begin(piece.text);
    text += end < 0 ? piece.text : piece.text.slice(0, end);
    if (end < 0) break;
  }
  const whole = text === head ? null : readToken(text);
  if (whole !== null) return { value: whole, used };
  const alone = readToken(head);
  return alone === null ? null : { value: alone, used: 0 };
}

export interface TornFrame {
  readonly frame: TextFrame;
  /** Set when only the frame's path could not be joined. */
  readonly path: TornPath | null;
}

/** Mends a frame line by its grammar; null when the line does not look like a torn frame. */
export function mendFrame(text: string, next: readonly Line[]): Mended<TornFrame> | null {
  const start = sharedStart(text, frameStart);
  if (start === 0 || isLookalike(text)) return null;
  for (const [index, { text: piece }] of next.entries()) {
    if (readToken(piece) !== null) break;
    const value = joinFrame(text, start, piece);
    if (value !== null) return { value, used: index + 1 };
  }
  if (!text.startsWith(`${frameStart}"`)) return null;
  return { value: { frame: { ...headOf(text), damaged: true }, path: null }, used: 0 };
}

/**
 * The frame of a line whose name was torn: foreign text stands behind it, and its rest or the newline
 * alone on the next line. Where the name ends is not known. Null when nothing follows that says so.
 */
export function mendName(frame: TextFrame, next: readonly Line[]): Mended<TornFrame> | null {
  const [first, second] = next.map(({ text }) => text);
  if (first === undefined) return null;
  const rest = /^[A-Za-z0-9_<>\u0080-\uffff]{1,500}$/.test(first) && readToken(first) === null;
  const newline = first === "" && (!second || readFrame(second) !== null);
  if (!rest && !newline) return null;
  const { file, line } = frame;
  return { value: { frame: { file, line, name: null, damaged: true }, path: null }, used: 1 };
}

/** Mends a line of the C stack; of a path that was torn only the address is known. */
export function mendCFrame(text: string, next: readonly Line[]): Mended<CStackFrame> | null {
  const start = sharedStart(text, cFrameStart);
  if (start === 0) return null;
  const unknown = { file: null, symbol: null, offset: null };
  const torn = start === cFrameStart.length;
  for (const [index, { text: piece }] of next.entries()) {
    if (readToken(piece) !== null) break;
    const frame = readCFrame(cFrameStart.slice(0, start) + piece);
    if (frame !== null) return { value: frame, used: index + 1 };
    const address = / \[(0x[0-9a-f]{1,16})\]$/.exec(piece.slice(-24))?.[1];
    if (torn && address !== undefined) return { value: { ...unknown, address }, used: index + 1 };
  }
  return torn ? { value: { ...unknown, address: null }, used: 0 } : null;
}

/** Characters of `literal` that the line begins with. */
function sharedStart(text: string, literal: string): number {
  let at = 0;
  while (at < literal.length && text.charAt(at) === literal.charAt(at)) at++;
  return at;
}

/** A traceback's `, line 3, in f`, and `, line 3` alone (tracemalloc, SyntaxError). */
const isLookalike = (text: string): boolean => /", line \d{1,20}(?:, in |$)/.test(text);

function joinFrame(head: string, start: number, piece: string): TornFrame | null {
  if (start < frameStart.length || !head.startsWith('"', start)) {
    return wholeFrame(frameStart.slice(0, start) + piece);
  }
  const number = head.lastIndexOf('", line ');
  if (number >= 0) {
    const whole = wholeFrame(head.slice(0, endOfNumber(head, number + 8)) + piece);
    if (whole !== null) return whole;
  }
  const tail = findFrameTail(piece);
  return tail === null || !isPlainName(tail.name) ? null : joinPath(head, piece, tail);
}

function wholeFrame(text: string): TornFrame | null {
  const frame = readFrame(text);
  return frame === null || !isPlainName(frame.name) ? null : { frame, path: null };
}

/** Head and tail of a path that was torn, or of the words right after its closing quote. */
function joinPath(text: string, piece: string, { at, line, name }: FrameTail): TornFrame | null {
  const head = text.slice(frameStart.length + 1);
  if (at === 0) {
    const end = head.indexOf('"');
    return end < 0 ? null : wholeFrame(`${frameStart}"${head.slice(0, end)}"${piece}`);
  }
  const frame = { file: null, line, name, damaged: true } as const;
  return { frame, path: { head, rest: piece.slice(0, at - 1) } };
}

/** The file of `files` that begins and ends as a torn path does. */
export function completePath({ head, rest }: TornPath, files: Iterable<string>): string | null {
  for (const file of files) {
    if (file.endsWith(rest) && head.startsWith(file.slice(0, file.length - rest.length)))
      return file;
  }
  return null;
}

/** What a torn frame line tells before the foreign text: at most its file. */
function headOf(text: string): TextFrame {
  const nothing: TextFrame = { file: null, line: null, name: null };
  const end = text.lastIndexOf('", line ');
  if (end < 0) return nothing;
  const frame = readFrame(`${text.slice(0, end)}", line 0 in _`);
  return frame === null ? nothing : { ...frame, line: null, name: null };
}

/** Mends a thread line: its identifier or the words after it were torn. */
export function mendThread(text: string, next: readonly Line[]): Mended<ThreadLine> | null {
  const start = identStart(text);
  if (start === 0) return null;
  const end = Math.min(endOfHex(text, start), start + 16);
  for (const [index, { text: piece }] of next.entries()) {
    if (readToken(piece) !== null) break;
    if (!piece.endsWith(recentFirst)) continue;
    const thread = joinThread(text, start, end, piece);
    if (thread !== null) return { value: thread, used: index + 1 };
  }
  const width = end - start;
  if ((width !== 8 && width !== 16) || !/^ (?:\(most|\[)/.test(text.slice(end, end + 8)))
    return null;
  const thread = readThreadLine(`${text.slice(0, end)}${recentFirst}`);
  return thread === null ? null : { value: thread, used: 0 };
}

/** The most of the head's digits that make an identifier of a width that CPython prints. */
function joinThread(head: string, start: number, end: number, piece: string): ThreadLine | null {
  const more = endOfHex(piece, 0);
  for (let cut = end; cut >= start; cut--) {
    const width = cut - start + more;
    if (width !== 16 && width !== 8) continue;
    const thread = readThreadLine(head.slice(0, cut) + piece);
    if (thread !== null) return thread;
  }
  return null;
}
