/** `str` objects: compact ones, which all names of code objects are (PEP 393). */
import { MAX_PYTHON_NAME_CHARS } from "../limits.ts";
import type { TextLayout } from "./layout.ts";
import type { ProcessMemory } from "./process-memory.ts";

const COMPACT = 1 << 3;
const ASCII = 1 << 4;
const KIND = 7;

/** Null for what does not look like a name, and beyond MAX_PYTHON_NAME_CHARS. */
export function readText(
  memory: ProcessMemory,
  layout: TextLayout,
  address: bigint,
): string | null {
  const length = memory.word(address + BigInt(layout.length));
  const state = memory.int(address + BigInt(layout.state));
  if (length === null || state === null || length > BigInt(MAX_PYTHON_NAME_CHARS)) return null;
  const bits = state >>> layout.kindShift;
  const kind = bits & KIND;
  const ascii = (bits & ASCII) !== 0;
  if ((bits & COMPACT) === 0 || (ascii && kind !== 1)) return null;
  const decoder = decoders[kind];
  if (decoder === undefined) return null;
  const data = address + BigInt(ascii ? layout.ascii : layout.compact);
  const bytes = memory.bytes(data, Number(length) * kind);
  const text = bytes === null ? null : decoder(bytes, ascii);
  return text?.includes("\0") === true ? null : text;
}

/** By `kind`, the bytes of a character; null for characters that there are none of. */
const decoders: Readonly<Record<number, (bytes: Uint8Array, ascii: boolean) => string | null>> = {
  1: (bytes, ascii) =>
    ascii && bytes.some((byte) => byte > 0x7f) ? null : String.fromCharCode(...bytes),
  2: (bytes) => {
    const view = viewOf(bytes);
    let text = "";
    for (let at = 0; at < bytes.length; at += 2) {
      text += String.fromCharCode(view.getUint16(at, true));
    }
    return text;
  },
  4: (bytes) => {
    const view = viewOf(bytes);
    let text = "";
    for (let at = 0; at < bytes.length; at += 4) {
      const character = view.getUint32(at, true);
      if (character > 0x10_ffff) return null;
      text += String.fromCodePoint(character);
    }
    return text;
  },
};

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
