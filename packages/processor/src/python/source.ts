/**
 * Lines of an uploaded Python source file.
 *
 * PEP 263 (coding cookies) and tokenize.detect_encoding: a UTF-8 signature wins, then a cookie in
 * the first two lines, else UTF-8. Line ends as Python's: \n, \r\n or \r.
 * Not handled: encodings that ASCII is not part of (UTF-16), which CPython refuses as well.
 */
import type { SourceContext } from "@faultline/shared";
import {
  MAX_SOURCE_FILE_BYTES,
  MAX_SOURCE_LINE_CHARS,
  SOURCE_LINES_AFTER,
  SOURCE_LINES_BEFORE,
} from "../limits.ts";

const LF = 0x0a;
const CR = 0x0d;
const NO_LINES = new Uint32Array(0);

/** PEP 263's own expression. */
const cookie = /^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)/;
const blank = /^[ \t\f]*(?:#.*)?$/;

/** A source file, its lines found once; they are decoded when asked for. */
export class SourceText {
  /** Name of the encoding when it is not known here, else null. */
  readonly unknownEncoding: string | null;
  readonly #bytes: Uint8Array;
  readonly #starts: Uint32Array;
  readonly #decode: ((bytes: Uint8Array) => string) | null;

  constructor(bytes: Uint8Array) {
    const hasSignature = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    this.#bytes = hasSignature ? bytes.subarray(3) : bytes;
    this.#starts = bytes.length > MAX_SOURCE_FILE_BYTES ? NO_LINES : lineStarts(this.#bytes);
    const encoding = hasSignature ? "utf-8" : this.#cookie();
    this.#decode = decoderFor(encoding);
    this.unknownEncoding = this.#decode === null ? encoding : null;
  }

  /** The line (1-based) with its neighbours; null outside the file or in an unknown encoding. */
  around(line: number): SourceContext | null {
    const decode = this.#decode;
    if (decode === null || line < 1 || line > this.#starts.length) return null;
    const first = Math.max(1, line - SOURCE_LINES_BEFORE);
    const last = Math.min(this.#starts.length, line + SOURCE_LINES_AFTER);
    const text = (at: number): string => shorten(decode(this.#line(at)));
    return {
      before: range(first, line - 1).map(text),
      line: text(line),
      after: range(line + 1, last).map(text),
    };
  }

  /** Bytes of a 1-based line without its end. */
  #line(line: number): Uint8Array {
    const start = this.#starts[line - 1] ?? this.#bytes.length;
    let end = this.#starts[line] ?? this.#bytes.length;
    if (end > start && this.#bytes[end - 1] === LF) end--;
    if (end > start && this.#bytes[end - 1] === CR) end--;
    return this.#bytes.subarray(start, end);
  }

  #cookie(): string {
    for (const line of range(1, Math.min(2, this.#starts.length))) {
      const text = latin1(this.#line(line).subarray(0, MAX_SOURCE_LINE_CHARS));
      const found = cookie.exec(text)?.[1];
      if (found !== undefined) return found.toLowerCase().replaceAll("_", "-");
      if (!blank.test(text)) break;
    }
    return "utf-8";
  }
}

function lineStarts(bytes: Uint8Array): Uint32Array {
  const starts: number[] = bytes.length > 0 ? [0] : [];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte !== LF && byte !== CR) continue;
    if (byte === CR && bytes[at + 1] === LF) at++;
    if (at + 1 < bytes.length) starts.push(at + 1);
  }
  return Uint32Array.from(starts);
}

/** Python's names that the Encoding standard spells otherwise ("cp1252", "koi8_r" is known as it is). */
const windowsCodePage = /^(?:cp|windows-?)(125[0-8]|874)$/;

function decoderFor(encoding: string): ((bytes: Uint8Array) => string) | null {
  // WHATWG's "iso-8859-1" is windows-1252, which differs from Python's in 0x80–0x9f.
  if (/^(?:latin-?1|iso-?8859-1|iso-latin-1|l1|ascii|us-ascii)(?:-|$)/.test(encoding))
    return latin1;
  const page = windowsCodePage.exec(encoding)?.[1];
  const label = /^(?:utf-?8|u8)(?:-|$)/.test(encoding)
    ? "utf-8"
    : page === undefined
      ? encoding
      : `windows-${page}`;
  try {
    const decoder = new TextDecoder(label, { ignoreBOM: true });
    return (bytes) => decoder.decode(bytes);
  } catch {
    return null;
  }
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

const shorten = (line: string): string =>
  line.length > MAX_SOURCE_LINE_CHARS ? line.slice(0, MAX_SOURCE_LINE_CHARS) : line;

const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);

export const sourceChars = (source: SourceContext): number =>
  [source.line, ...source.before, ...source.after].reduce((sum, line) => sum + line.length, 0);
