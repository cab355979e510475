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

/** What the lines of one context can have at most when none is cut; a character takes up to four bytes. */
const MAX_BLOCK_BYTES = (SOURCE_LINES_BEFORE + 1 + SOURCE_LINES_AFTER) * MAX_SOURCE_LINE_CHARS * 4;

const lineEnd = /\r\n|\n|\r/;

type Decode = (bytes: Uint8Array) => string;

/** PEP 263's own expression. */
const cookie = /^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)/;
const blank = /^[ \t\f]*(?:#.*)?$/;

/** A source file. Its lines are found as far down as they are asked for, and decoded when they are. */
export class SourceText {
  /** Name of the encoding when it is not known here, else null. */
  readonly unknownEncoding: string | null;
  readonly #bytes: Uint8Array;
  readonly #starts: number[] = [];
  readonly #decode: Decode | null;
  /** Where the search for line starts goes on. */
  #searched = 0;

  constructor(bytes: Uint8Array) {
    const hasSignature = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    const isTooLarge = bytes.length > MAX_SOURCE_FILE_BYTES;
    this.#bytes = isTooLarge ? bytes.subarray(0, 0) : bytes.subarray(hasSignature ? 3 : 0);
    if (this.#bytes.length > 0) this.#starts.push(0);
    const encoding = hasSignature ? "utf-8" : this.#cookie();
    this.#decode = decoderFor(encoding);
    this.unknownEncoding = this.#decode === null ? encoding : null;
  }

  /**
   * The line (1-based) with its neighbours; null outside the file or in an unknown encoding. Next to
   * a line longer than people write (generated code, data) the neighbours are left out.
   */
  around(line: number): SourceContext | null {
    const decode = this.#decode;
    const count = this.#findLines(line + SOURCE_LINES_AFTER);
    if (decode === null || line < 1 || line > count) return null;
    const first = Math.max(1, line - SOURCE_LINES_BEFORE);
    const block = this.#lines(first, Math.min(count, line + SOURCE_LINES_AFTER));
    if (block.length > MAX_BLOCK_BYTES) {
      const only = decode(this.#lines(line, line).subarray(0, MAX_BLOCK_BYTES));
      return { before: [], line: only.slice(0, MAX_SOURCE_LINE_CHARS), after: [] };
    }
    const lines = decode(block).split(lineEnd).map(shortened);
    const at = line - first;
    return { before: lines.slice(0, at), line: lines[at] ?? "", after: lines.slice(at + 1) };
  }

  /** Finds lines until the start of the one after `wanted` is known; answers with how many of them there are. */
  #findLines(wanted: number): number {
    const bytes = this.#bytes;
    let at = this.#searched;
    for (; at < bytes.length && this.#starts.length <= wanted; at++) {
      const byte = bytes[at];
      if (byte !== LF && byte !== CR) continue;
      if (byte === CR && bytes[at + 1] === LF) at++;
      if (at + 1 < bytes.length) this.#starts.push(at + 1);
    }
    this.#searched = at;
    return Math.min(wanted, this.#starts.length);
  }

  /** Bytes of the lines (1-based, both included) without the last one's end. */
  #lines(first: number, last: number): Uint8Array {
    const start = this.#starts[first - 1] ?? this.#bytes.length;
    let end = this.#starts[last] ?? this.#bytes.length;
    if (end > start && this.#bytes[end - 1] === LF) end--;
    if (end > start && this.#bytes[end - 1] === CR) end--;
    return this.#bytes.subarray(start, end);
  }

  #cookie(): string {
    const head = this.#lines(1, this.#findLines(2)).subarray(0, MAX_BLOCK_BYTES);
    for (const line of latin1(head).split(lineEnd)) {
      const found = cookie.exec(line)?.[1];
      if (found !== undefined) return found.toLowerCase().replaceAll("_", "-");
      if (!blank.test(line)) break;
    }
    return "utf-8";
  }
}

/** Python's names that the Encoding standard spells otherwise ("cp1252", "koi8_r" is known as it is). */
const windowsCodePage = /^(?:cp|windows-?)(125[0-8]|874)$/;

function decoderFor(encoding: string): Decode | null {
  if (/^(?:utf-?8|u8)(?:-|$)/.test(encoding)) return utf8;
  // WHATWG's "iso-8859-1" is windows-1252, which differs from Python's in 0x80–0x9f.
  if (/^(?:latin-?1|iso-?8859-1|iso-latin-1|l1|ascii|us-ascii)(?:-|$)/.test(encoding))
    return latin1;
  const page = windowsCodePage.exec(encoding)?.[1];
  try {
    const decoder = new TextDecoder(page === undefined ? encoding : `windows-${page}`);
    return (bytes) => decoder.decode(bytes);
  } catch {
    return null;
  }
}

const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const utf8: Decode = (bytes) => utf8Decoder.decode(bytes);
const latin1: Decode = (bytes) => String.fromCharCode(...bytes);

const shortened = (line: string): string => line.slice(0, MAX_SOURCE_LINE_CHARS);

const linesOf = ({ before, line, after }: SourceContext): string[] => [...before, line, ...after];

export function sourceChars({ before, line, after }: SourceContext): number {
  let sum = line.length;
  for (const each of before) sum += each.length;
  for (const each of after) sum += each.length;
  return sum;
}

export const sameLines = (left: SourceContext, right: SourceContext): boolean =>
  left.before.length === right.before.length &&
  linesOf(left).join("\n") === linesOf(right).join("\n");
