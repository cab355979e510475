/**
 * The C stack section of 3.14+: `_Py_DumpStack`, Python/traceback.c.
 *
 *   `  Binary file "PATH", at SYM+0xOFF [0xADDR]`   dladdr knew an exported symbol
 *   `  Binary file "PATH", at +0xOFF [0xADDR]`      OFF from the file's load bias
 *   `  Binary file "PATH" [0xADDR]`                 load bias 0: ADDR is the file's own address
 *   `  Binary file '<unknown>' [0xADDR]`            no file
 *
 * PATH is raw bytes, not escaped, so the fields are taken from the end of the line.
 */
import type { CStackFrame } from "./dump.ts";
import { decodeUtf8 } from "./utf8.ts";

export const cStackTitle = "Current thread's C stack trace (most recent call first):";
export const cFrameStart = "  Binary file ";
export const cStackCut = "  <truncated rest of calls>";
/** Lines that stand for the whole section. */
export const cStackUnavailable: ReadonlyMap<string, string> = new Map(
  ["system returned no stack trace", "cannot get C stack on this system"].map((words) => [
    `  <${words}>`,
    words,
  ]),
);

/** The frame that a whole line says, null when it says none. */
export function readCFrame(text: string): CStackFrame | null {
  if (!text.startsWith(cFrameStart) || !text.endsWith("]")) return null;
  const open = text.lastIndexOf(" [0x");
  if (open < cFrameStart.length) return null;
  const address = text.slice(open + 2, -1);
  if (!isHex(address)) return null;
  const place = text.slice(cFrameStart.length, open);
  if (place === "'<unknown>'") return { file: null, symbol: null, offset: null, address };
  const known = readPlace(place);
  return known === null ? null : { ...known, address };
}

type Place = Omit<CStackFrame, "address">;

/** `"PATH"`, with `, at SYM+0xOFF` or without. */
function readPlace(place: string): Place | null {
  if (!place.startsWith('"')) return null;
  const at = place.lastIndexOf('", at ');
  const sign = Math.max(place.lastIndexOf("+0x"), place.lastIndexOf("-0x"));
  if (at > 0 && sign >= at + 6 && isHex(place.slice(sign + 1))) {
    const symbol = place.slice(at + 6, sign);
    return {
      file: decodeUtf8(place.slice(1, at)),
      symbol: symbol === "" ? null : decodeUtf8(symbol),
      offset: place.charAt(sign) === "-" ? place.slice(sign) : place.slice(sign + 1),
    };
  }
  if (place.length < 2 || !place.endsWith('"')) return null;
  return { file: decodeUtf8(place.slice(1, -1)), symbol: null, offset: null };
}

const isHex = (text: string): boolean => /^0x[0-9a-f]{1,16}$/.test(text);
