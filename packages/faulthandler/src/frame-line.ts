/**
 * Frame lines: `  File "FILE", line N in NAME`, each field possibly `???`.
 *
 * Python/traceback.c, `dump_frame`. Quotes inside FILE are not escaped, so the last `", line N in ` of
 * the line divides it: right for every file name, wrong only for a NAME that holds the same words.
 * Lines of a traceback (`, in NAME`) and of tracemalloc (no ` in `) look alike and are none.
 */
import type { TextFrame } from "./dump.ts";
import { readPrinted } from "./escapes.ts";

export const frameStart = "  File ";
const lineField = ", line ";
const unknown = "???";
const fieldStart = frameStart.length;
const QUOTE = 0x22;
const QUESTION_MARK = 0x3f;
/** Line numbers are C ints; 3.3-3.5 print an unknown one as a huge unsigned number. */
const MAX_LINE_NUMBER = 0x7fff_ffff;

/** The frame that a whole line says, null when it says none. */
export function readFrame(text: string): TextFrame | null {
  if (!text.startsWith(frameStart)) return null;
  const tail = findFrameTail(text);
  if (tail === null) return null;
  const isUnknown = isUnknownFile(text, tail.at);
  const isQuoted = tail.at >= fieldStart + 2 && text.charCodeAt(fieldStart) === QUOTE;
  if (!isUnknown && !isQuoted) return null;
  const file = isUnknown ? null : text.slice(fieldStart + 1, tail.at - 1);
  const frame = { file, line: tail.line, name: tail.name === unknown ? null : tail.name };
  return isVerbatim(text) && frame.line !== null ? frame : readStrings(frame);
}

/** Nothing in the line is escaped, cut or beyond ASCII. */
const isVerbatim = (text: string): boolean =>
  !/[\\\u0080-\u00ff]/.test(text) && !text.includes("...");

/** `, line N in NAME` to the end of the line. */
export interface FrameTail {
  /** Where the comma stands. */
  readonly at: number;
  readonly line: number | null;
  readonly name: string;
}

/** The last place where a line reads `, line N in NAME` behind a closing quote, or behind nothing. */
export function findFrameTail(text: string): FrameTail | null {
  let from = text.length;
  for (;;) {
    const at = text.lastIndexOf(lineField, from);
    if (at < 0) return null;
    const number = at + lineField.length;
    const end = endOfNumber(text, number);
    if (end > number && text.startsWith(" in ", end) && closesFile(text, at)) {
      return { at, line: lineNumber(text, number, end), name: text.slice(end + 4) };
    }
    if (at === 0) return null;
    from = at - 1;
  }
}

const closesFile = (text: string, at: number): boolean =>
  at === 0 || text.charCodeAt(at - 1) === QUOTE || isUnknownFile(text, at);

/** The file field, which ends at `at`, is `???`. */
const isUnknownFile = (text: string, at: number): boolean =>
  at === fieldStart + unknown.length && text.startsWith(unknown, fieldStart);

/** Where the digits, or `???`, at `start` end; `start` when there are none. */
export function endOfNumber(text: string, start: number): number {
  if (text.startsWith(unknown, start)) return start + unknown.length;
  let end = start;
  while (isDigit(text.charCodeAt(end))) end++;
  return end;
}

export const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

function lineNumber(text: string, start: number, end: number): number | null {
  if (text.charCodeAt(start) === QUESTION_MARK) return null;
  let number = 0;
  for (let at = start; at < end && number <= MAX_LINE_NUMBER; at++) {
    number = number * 10 + text.charCodeAt(at) - 0x30;
  }
  return number <= MAX_LINE_NUMBER ? number : null;
}

function readStrings(printed: TextFrame): TextFrame {
  const file = printed.file === null ? null : readPrinted(printed.file);
  const name = printed.name === null ? null : readPrinted(printed.name);
  const frame = { file: file?.text ?? null, line: printed.line, name: name?.text ?? null };
  return {
    ...frame,
    ...(file !== null && file.raw !== file.text && { fileRaw: file.raw }),
    ...(name !== null && name.raw !== name.text && { nameRaw: name.raw }),
    ...(file?.truncated && { fileTruncated: true }),
    ...(name?.truncated && { nameTruncated: true }),
    ...(isHelper(frame) && { helper: true }),
  };
}

/**
 * 3.13+ pushes a hidden frame between a warm class call's `__init__` and its caller
 * (`_Py_InitCleanup`, Python/specialize.c). It has no line; no file of anybody's is called so.
 */
const isHelper = ({ file, line, name }: TextFrame): boolean =>
  line === null && file === "__init__" && name === "__init__";

/** What is left of a path: it begins as `head` begins and ends with `rest`. */
export interface TornPath {
  /** The path's beginning, foreign text behind it. */
  readonly head: string;
  readonly rest: string;
}

const plainName = /^(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*|<[a-z]+>|)$/;

/** A name that a Python programmer writes; any other may hold what another writer put there. */
export const isPlainName = (name: string | null): boolean => name === null || plainName.test(name);
