/**
 * Lines that another writer tore: the head of ours, foreign text with its newline, then our tail.
 *
 * Two ways to mend. With a known beginning of the foreign text (`ForeignText`) head and tail are
 * exact. Without, the grammar says what the head must hold and what the tail must begin with, and
 * files that intact frames name complete a torn path. What stays unknown is null.
 */
import type { TextFrame } from "./dump.ts";
import {
  endOfNumber,
  findFrameTail,
  type FrameTail,
  frameStart,
  isPlainName,
  readFrame,
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

/** Mends by what is known of the foreign text; `next`: the lines after the torn one. */
export function mendKnown(
  text: string,
  next: readonly Line[],
  foreign: ForeignText,
): Mended<Token> | null {
  const begin = foreign.begin(text);
  if (begin <= 0) return null;
  const head = text.slice(0, begin);
  let joined = head;
  let used = 0;
  for (const piece of next) {
    if (readToken(piece.text) !== null) break;
    used++;
    const end = foreign.begin(piece.text);
    joined += end < 0 ? piece.text : piece.text.slice(0, end);
    if (end < 0) break;
  }
  const whole = used > 0 && joined !== head ? readToken(joined) : null;
  if (whole !== null) return { value: whole, used };
  const alone = readToken(head);
  return alone === null ? null : { value: alone, used: 0 };
}

/** Mends a frame line by its grammar; null when the line does not look like a torn frame. */
export function mendFrame(
  text: string,
  next: readonly Line[],
  files: Iterable<string>,
): Mended<TextFrame> | null {
  const start = sharedStart(text);
  if (start < 3 || isLookalike(text)) return null;
  for (const [index, { text: piece }] of next.entries()) {
    if (readToken(piece) !== null) break;
    const frame = joinFrame(text, start, piece, files);
    if (frame !== null) return { value: frame, used: index + 1 };
  }
  return text.startsWith(`${frameStart}"`)
    ? { value: { ...headOf(text), damaged: true }, used: 0 }
    : null;
}

/** Characters of `  File ` that the line begins with. */
function sharedStart(text: string): number {
  let at = 0;
  while (at < frameStart.length && text.charAt(at) === frameStart.charAt(at)) at++;
  return at;
}

/** A traceback's `, line 3, in f`, and `, line 3` alone (tracemalloc, SyntaxError). */
const isLookalike = (text: string): boolean => /", line \d{1,20}(?:, in |$)/.test(text);

function joinFrame(
  head: string,
  start: number,
  piece: string,
  files: Iterable<string>,
): TextFrame | null {
  if (start < frameStart.length || !head.startsWith('"', start)) {
    return readFrame(frameStart.slice(0, start) + piece);
  }
  const open = headOf(head);
  const number = head.lastIndexOf('", line ');
  if (number >= 0 && open.file !== null) {
    const cut = endOfNumber(head, number + 8);
    const frame = readFrame(head.slice(0, cut) + piece);
    if (frame !== null && isPlainName(frame.name)) return frame;
  }
  const tail = findFrameTail(piece);
  return tail === null || !isPlainName(tail.name) ? null : joinPath(head, piece, tail, files);
}

/** Head and tail of a path that was torn, or of the words right after its closing quote. */
function joinPath(
  head: string,
  piece: string,
  tail: FrameTail,
  files: Iterable<string>,
): TextFrame | null {
  const { line, name } = tail;
  const field = head.slice(frameStart.length + 1);
  if (tail.at === 0) {
    const end = field.indexOf('"');
    return end < 0 ? null : readFrame(`${frameStart}"${field.slice(0, end)}"${piece}`);
  }
  const rest = piece.slice(0, tail.at - 1);
  for (const file of files) {
    const begun = file.slice(0, file.length - rest.length);
    if (file.endsWith(rest) && field.startsWith(begun)) return { file, line, name };
  }
  return { file: null, line, name, damaged: true };
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
  if (width !== 8 && width !== 16) return null;
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
