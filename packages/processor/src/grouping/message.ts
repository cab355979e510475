/**
 * Messages made fit for a key: what changes from run to run is blanked, what names the bug stays.
 */
import { MAX_MESSAGE_TOKEN_CHARS } from "./limits.ts";

/** glibc assert.c; C11 `assert` on macOS; the MSVC runtime; abseil and Chromium `CHECK`. */
const assertions: readonly RegExp[] = [
  /Assertion\s+[`'"‘](.{1,600}?)['"’]\s+failed/,
  /Assertion failed:\s*\(?(.{1,600}?)\)?,\s+(?:function|file)\b/,
  /Check failed:\s*(.{1,600}?)\s*(?:\(|$)/,
];

/** Order matters: a path holds names and numbers, a quoted text may hold anything. */
const blanks: readonly (readonly [RegExp, string])[] = [
  [/[`'"‘][^`'"’\n]{0,200}['"’]/g, "<text>"],
  [/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, "<uuid>"],
  [/(?<![\w/])(?:[A-Za-z]:)?(?:[\\/][\w.@+~-]+){2,}[\\/]?/g, "<path>"],
  [/\b(?:0x[0-9a-f]+|(?=[a-f]*\d)[0-9a-f]{8,})\b/gi, "<n>"],
  [/(?<![\w])[-+]?\d+(?:\.\d+)*(?![\w])/g, "<n>"],
];

/** The part of a message that tells one bug from another; empty when nothing does. */
export function messageToken(message: string): string {
  for (const pattern of assertions) {
    const expression = pattern.exec(message)?.[1];
    if (expression !== undefined)
      return clip(`assert ${expression.replaceAll(/\b0x[0-9a-f]{5,}\b/gi, "<n>")}`);
  }
  let text = statement(message);
  for (const [pattern, blank] of blanks) text = text.replaceAll(pattern, blank);
  return clip(text);
}

/**
 * The message without `Fatal Python error: ` and without the C function before it: CPython 3.8
 * and older, and callers that do not go through the macro, print the same message without one.
 */
export function statement(message: string): string {
  const text = message.trim().replace(/^Fatal Python error:\s*/, "");
  return (/^[A-Za-z_]\w*: (.+)$/s.exec(text)?.[1] ?? text).split("\n", 1)[0]!.trim();
}

/**
 * `json.decoder.JSONDecodeError` → `JSONDecodeError`, from what is said to be the name, else from
 * a message of the form `NAME: words`. Null where none is named.
 */
export function exceptionName(reason: string | null, message: string | null): string | null {
  const dotted =
    /^\s*((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)/.exec(reason ?? "")?.[1] ??
    /^\s*((?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?::|\s*$)/.exec(message ?? "")?.[1];
  return dotted === undefined ? null : dotted.slice(dotted.lastIndexOf(".") + 1);
}

const clip = (text: string): string =>
  text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_MESSAGE_TOKEN_CHARS);
