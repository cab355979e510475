/**
 * The bytes of a text, made UTF-8: byte order marks, and the UTF-16 that Windows PowerShell 5 writes
 * for `python x.py 2> log`.
 */

export interface Input {
  /** UTF-8, or whatever a program wrote. */
  readonly bytes: Buffer;
  /** Offsets into `bytes`, ascending, as offsets into the input. */
  readonly inputOffsets: (ascending: readonly number[]) => number[];
}

const SAMPLE_UNITS = 16;

export function openInput(bytes: Uint8Array): Input {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer[0] === 0xff && buffer[1] === 0xfe) return utf16(buffer.subarray(2), 2);
  if (buffer[0] === 0xfe && buffer[1] === 0xff) return utf16(swapped(buffer.subarray(2)), 2);
  if (looksLikeUtf16(buffer)) return utf16(buffer, 0);
  const mark = buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0;
  return {
    bytes: buffer.subarray(mark),
    inputOffsets: (ascending) => ascending.map((offset) => offset + mark),
  };
}

/** A piece cut out of a UTF-16 log has no byte order mark; its ASCII shows every second byte 0. */
function looksLikeUtf16(bytes: Uint8Array): boolean {
  if (bytes.length < 2 * SAMPLE_UNITS) return false;
  for (let at = 0; at < 2 * SAMPLE_UNITS; at += 2) {
    if (bytes[at] === 0 || bytes[at + 1] !== 0) return false;
  }
  return true;
}

const swapped = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16();

function utf16(units: Buffer, skipped: number): Input {
  const bytes = Buffer.from(units.toString("utf16le"), "utf8");
  return { bytes, inputOffsets: (ascending) => utf16Offsets(bytes, ascending, skipped) };
}

function utf16Offsets(bytes: Uint8Array, ascending: readonly number[], skipped: number): number[] {
  let at = 0;
  let offset = skipped;
  return ascending.map((wanted) => {
    for (; at < wanted; at++) {
      const byte = bytes[at] ?? 0;
      if ((byte & 0xc0) !== 0x80) offset += byte >= 0xf0 ? 4 : 2;
    }
    return offset;
  });
}
