/**
 * Strings of a `.pyc`: UTF-8 in which lone surrogates are encoded like any other code point
 * (Python's "surrogatepass"; RFC 3629 section 3 otherwise). JavaScript strings hold them as they are.
 */

/** Text of bytes [start, end); null when they are no such UTF-8. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string | null {
  let at = start;
  while (at < end && bytes[at]! < 0x80) at++;
  const ascii = latin1(bytes, start, at);
  return at === end ? ascii : decodeFrom(bytes, at, end, ascii);
}

/** Text of bytes that are ASCII; null when one is not. */
export function decodeAscii(bytes: Uint8Array, start: number, end: number): string | null {
  for (let at = start; at < end; at++) if (bytes[at]! >= 0x80) return null;
  return latin1(bytes, start, end);
}

const latin1 = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");

/** Smallest code point that may take so many bytes. */
const smallest = [0, 0, 0x80, 0x800, 0x10000];

function decodeFrom(bytes: Uint8Array, from: number, end: number, before: string): string | null {
  const points: string[] = [before];
  let at = from;
  while (at < end) {
    const lead = bytes[at]!;
    const length =
      lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0;
    if (length === 0 || at + length > end) return null;
    let point = length === 1 ? lead : lead & (0xff >> (length + 1));
    for (let index = 1; index < length; index++) {
      const next = bytes[at + index]!;
      if ((next & 0xc0) !== 0x80) return null;
      point = (point << 6) | (next & 0x3f);
    }
    if (point < smallest[length]! || point > 0x10ffff) return null;
    points.push(String.fromCodePoint(point));
    at += length;
  }
  return points.join("");
}

/** `text` as UTF-8; the inverse of `decodeText`. */
export function encodeText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let at = 0;
  for (let index = 0; index < text.length; index++) {
    const point = text.codePointAt(index)!;
    if (point > 0xffff) index++;
    at = encodePoint(point, bytes, at);
  }
  return bytes.subarray(0, at);
}

function encodePoint(point: number, into: Uint8Array, start: number): number {
  let at = start;
  if (point < 0x80) {
    into[at++] = point;
    return at;
  }
  if (point < 0x800) {
    into[at++] = 0xc0 | (point >> 6);
  } else {
    if (point < 0x10000) {
      into[at++] = 0xe0 | (point >> 12);
    } else {
      into[at++] = 0xf0 | (point >> 18);
      into[at++] = 0x80 | ((point >> 12) & 0x3f);
    }
    into[at++] = 0x80 | ((point >> 6) & 0x3f);
  }
  into[at++] = 0x80 | (point & 0x3f);
  return at;
}

const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a, 32 bits, over bytes [start, end). */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = FNV_BASIS;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, FNV_PRIME);
  return hash >>> 0;
}

/** The hash of `encodeText(text)`; allocates nothing while `text` is ASCII. */
export function hashText(text: string): number {
  let hash = FNV_BASIS;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) {
      const bytes = encodeText(text);
      return hashBytes(bytes, 0, bytes.length);
    }
    hash = Math.imul(hash ^ unit, FNV_PRIME);
  }
  return hash >>> 0;
}
