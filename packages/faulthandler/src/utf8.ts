/**
 * Bytes of a line as text. Lines are handled with one character a byte ("latin1"), because the
 * grammar is ASCII and only thread names, C-stack paths and messages can hold more. Those are UTF-8
 * that may be cut in the middle of a character (Linux cuts a thread's name to 15 bytes), so bytes
 * that do not decode become lone surrogates U+DC80-U+DCFF, as PEP 383 has it.
 */

const beyondAscii = /[\u0080-\u00ff]/;

/** UTF-8 with "surrogateescape"; `text` holds one byte a character. */
export function decodeUtf8(text: string): string {
  if (!beyondAscii.test(text)) return text;
  const bytes = Buffer.from(text, "latin1");
  const decoded = bytes.toString("utf8");
  return decoded.includes("\ufffd") ? decodeEscaping(bytes) : decoded;
}

function decodeEscaping(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const size = sequenceSize(bytes, at);
    if (size === 0) text += String.fromCharCode(0xdc00 + bytes[at]!);
    else text += Buffer.from(bytes.subarray(at, at + size)).toString("utf8");
    at += Math.max(size, 1);
  }
  return text;
}

/** Bytes of the well-formed sequence at `at` (Unicode, table 3-7); 0 when there is none. */
function sequenceSize(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + size > bytes.length) return 0;
  const second = bytes[at + 1]!;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let next = at + 2; next < at + size; next++) {
    if ((bytes[next]! & 0xc0) !== 0x80) return 0;
  }
  return size;
}
