/**
 * Frame lines: `  File "FILE", line N in NAME`, each field possibly `???`.
 *
 * Python/traceback.c, `dump_frame`. Quotes inside FILE are not escaped, so the last `", line N in ` of
 * the line divides it: right for every file name, wrong only for a NAME that holds the same words.
 * Lines of a traceback (`, in NAME`) and of tracemalloc (no ` in `) look alike and are none.
 */
import type { TextFrame } from "./dump.ts";
import { type PrintedText, readPrinted } from "./escapes.ts";

export const frameStart = "  File ";
const lineField = ", line ";
const unknown = "???";
/** Line numbers are C ints; 3.3-3.5 print an unknown one as a huge unsigned number. */
const MAX_LINE_NUMBER = 0x7fff_ffff;

/** The frame that a whole line says, null when it says none. */
export function readFrame(text: string): TextFrame | null {
  if (!text.startsWith(frameStart)) return null;
  const tail = findFrameTail(text);
  if (tail === null) return null;
  const file = readFileField(text.slice(frameStart.length, tail.at));
  return file === null ? null : makeFrame(file, tail.line, tail.name);
}

/** `, line N in NAME` to the end of the line. */
export interface FrameTail {
  /** Where the comma stands. */
  readonly at: number;
  readonly line: number | null;
  readonly name: string;
}

/** The last place where a line reads `, line N in NAME` after a closing quote or `???`. */
export function findFrameTail(text: string): FrameTail | null {
  let from = text.length;
  for (;;) {
    const at = text.lastIndexOf(lineField, from);
    if (at < 0) return null;
    const number = at + lineField.length;
    const end = endOfNumber(text, number);
    if (end > number && text.startsWith(" in ", end) && closesFile(text, at)) {
      return { at, line: lineNumber(text.slice(number, end)), name: text.slice(end + 4) };
    }
    if (at === 0) return null;
    from = at - 1;
  }
}

const closesFile = (text: string, at: number): boolean =>
  at === 0 || text.charCodeAt(at - 1) === 0x22 || text.endsWith(unknown, at);

/** Where the digits, or `???`, at `start` end; `start` when there are none. */
export function endOfNumber(text: string, start: number): number {
  if (text.startsWith(unknown, start)) return start + unknown.length;
  let end = start;
  while (isDigit(text.charCodeAt(end))) end++;
  return end;
}

export const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

function lineNumber(digits: string): number | null {
  const number = Number(digits);
  return number <= MAX_LINE_NUMBER ? number : null;
}

/** The file between its quotes; null when `field` is neither quoted nor `???`. */
function readFileField(field: string): string | null {
  if (field === unknown) return field;
  if (field.length < 2 || !field.startsWith('"') || !field.endsWith('"')) return null;
  return field;
}

/** `file`: the field with its quotes. */
function makeFrame(file: string, line: number | null, name: string): TextFrame {
  const path = file === unknown ? null : readPrinted(file.slice(1, -1));
  const words = name === unknown ? null : readPrinted(name);
  const frame = { file: path?.text ?? null, line, name: words?.text ?? null };
  if (isHelper(frame)) return { ...frame, helper: true };
  if (isVerbatim(path) && isVerbatim(words)) return frame;
  return {
    ...frame,
    ...(path !== null && path.raw !== path.text && { fileRaw: path.raw }),
    ...(words !== null && words.raw !== words.text && { nameRaw: words.raw }),
    ...(path?.truncated && { fileTruncated: true }),
    ...(words?.truncated && { nameTruncated: true }),
  };
}

const isVerbatim = (printed: PrintedText | null): boolean =>
  printed === null || (printed.raw === printed.text && !printed.truncated);

/**
 * 3.13+ pushes a hidden frame between a warm class call's `__init__` and its caller
 * (`_Py_InitCleanup`, Python/specialize.c). It has no line; no file of anybody's is called so.
 */
const isHelper = ({ file, line, name }: TextFrame): boolean =>
  line === null && file === "__init__" && name === "__init__";

const plainName = /^(?:[A-Za-z_][A-Za-z0-9_]*|<[a-z]+>)$/;

/** A name that a Python programmer writes; any other may hold what another writer put there. */
export const isPlainName = (name: string | null): boolean => name === null || plainName.test(name);
