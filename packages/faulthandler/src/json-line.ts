/**
 * The strings of a JSON object on one line (RFC 8259), by their keys.
 *
 * Hand-written because a text may hold millions of lines that begin with a brace and are no JSON: an
 * exception for each would take minutes. Values that are no strings are passed over unread.
 */

/** Strings under the keys of the outermost object; null when the line is no such thing. */
export function stringFields(text: string): Map<string, string> | null {
  if (!text.startsWith("{")) return null;
  const fields = new Map<string, string>();
  let at = skipSpace(text, 1);
  while (text.startsWith('"', at)) {
    const keyEnd = endOfString(text, at);
    const key = decode(text, at, keyEnd);
    const colon = skipSpace(text, keyEnd);
    if (key === null || !text.startsWith(":", colon)) return null;
    const start = skipSpace(text, colon + 1);
    const end = endOfValue(text, start);
    const value = text.startsWith('"', start) ? decode(text, start, end) : null;
    if (value !== null) fields.set(key, value);
    at = skipSpace(text, end);
    if (text.startsWith("}", at)) return fields;
    if (!text.startsWith(",", at)) return null;
    at = skipSpace(text, at + 1);
  }
  return null;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (text.charAt(at) === " " || text.charAt(at) === "\t") at++;
  return at;
}

/** Where the string that begins at `start` ends, its closing quote included; the text's end if it has none. */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote > 0 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote < 0 ? text.length : quote + 1;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charAt(first - 1) === "\\") first--;
  return (at - first) % 2 === 1;
}

/** Where a value ends: at the comma or brace behind it, outside of its own brackets and strings. */
function endOfValue(text: string, start: number): number {
  if (text.startsWith('"', start)) return endOfString(text, start);
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') at = endOfString(text, at) - 1;
    else if (character === "{" || character === "[") depth++;
    else if (depth === 0 && (character === "," || character === "}")) return at;
    else if (character === "}" || character === "]") depth--;
  }
  return text.length;
}

const badEscape = /\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})/;

/** The string between `start` and `end`, one byte a character; null when it is none. */
function decode(text: string, start: number, end: number): string | null {
  if (end - start < 2 || text.charAt(end - 1) !== '"') return null;
  const inner = text.slice(start + 1, end - 1);
  if (!inner.includes("\\")) return inner;
  if (badEscape.test(inner.replaceAll("\\\\", "")) || holdsControl(inner)) return null;
  const value: unknown = JSON.parse(`"${Buffer.from(inner, "latin1").toString("utf8")}"`);
  return Buffer.from(String(value), "utf8").toString("latin1");
}

function holdsControl(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) < 0x20) return true;
  return false;
}
