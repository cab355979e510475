/**
 * Strings as CPython's signal-safe writer prints them: `_Py_DumpASCII`, Python/traceback.c.
 *
 * 0x20-0x7e stand as they are, `"` and `\` included; everything else is `\xhh`, `\uhhhh` or
 * `\Uhhhhhhhh` in lower-case hex, the shortest that fits (3.3 writes U+FFFF in the long form). After
 * 500 code points the string is cut and `...` follows. Undoing the escapes is ambiguous, because the
 * backslash itself is not escaped; only sequences that the writer can have made are undone.
 */
import { decodeUtf8 } from "./utf8.ts";

const MAX_CODE_POINTS = 500;
const escapeSequence = /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))/g;
const drivePath = /^(?:[A-Za-z]:\\|\\\\)/;

/** A printed string: what it says, and the text as printed where that differs, without the "...". */
export interface PrintedText {
  readonly text: string;
  readonly raw: string;
  /** CPython cut it to 500 code points. */
  readonly truncated: boolean;
}

/** `printed`: the field between its quotes, one byte a character. */
export function readPrinted(printed: string): PrintedText {
  const escapes = printed.includes("\\");
  const marked = printed.endsWith("...") && printed.length > MAX_CODE_POINTS;
  if (!escapes && !marked) {
    const text = decodeUtf8(printed);
    return { text, raw: text, truncated: false };
  }
  const truncated = marked && codePoints(printed) - 3 === MAX_CODE_POINTS;
  const raw = decodeUtf8(truncated ? printed.slice(0, -3) : printed);
  return { text: escapes ? unescape(raw) : raw, raw, truncated };
}

function unescape(raw: string): string {
  const onDrive = drivePath.test(raw);
  return raw.replace(
    escapeSequence,
    (
      sequence: string,
      x: string | undefined,
      u: string | undefined,
      U: string | undefined,
      at: number,
    ) => {
      const code = codeOf(x, u, U);
      if (code === null || (onDrive && isDirectory(raw, at, code))) return sequence;
      return String.fromCodePoint(code);
    },
  );
}

/** The code point of an escape, null for one that the writer never makes: `\x41` is a path `x41`. */
function codeOf(x?: string, u?: string, U?: string): number | null {
  const code = Number.parseInt(x ?? u ?? U ?? "", 16);
  if (x !== undefined) return code < 0x20 || code > 0x7e ? code : null;
  if (u !== undefined) return code > 0xff ? code : null;
  return code >= 0xffff && code <= 0x10ffff ? code : null;
}

/**
 * On a Windows path the backslash before an "escape" may be a separator. `C:\dev\x86` and
 * `C:\Users\u1234567` are common directories, while control characters are in no file name.
 */
function isDirectory(path: string, at: number, code: number): boolean {
  return code < 0xa0 || /^\\u\d{5,20}(?:\\|$)/.test(path.slice(at, at + 24));
}

/** Code points that the writer counted. */
function codePoints(printed: string): number {
  let count = printed.length;
  for (const [sequence, x, u, U] of printed.matchAll(escapeSequence)) {
    if (codeOf(x, u, U) !== null) count -= sequence.length - 1;
  }
  return count;
}
