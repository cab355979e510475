/** The names that symbol files are found by. */
import { type ByteOrder, Cursor } from "@faultline/bytes";
import { type CodeView, Guid } from "./code-view.ts";

export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const padded = (value: number, digits: number): string =>
  value.toString(16).toUpperCase().padStart(digits, "0");

/** 32 hex digits, as `printf("%08X%04X%04X…")` of its fields. */
export const guidDigits = ({ data1, data2, data3, data4 }: Guid): string =>
  padded(data1, 8) + padded(data2, 4) + padded(data3, 4) + hexOf(data4).toUpperCase();

/**
 * "45D35F6C2d000": what Microsoft's symbol servers know a PE file by. Null where the writer left
 * both out.
 */
export const peCodeId = (timestamp: number, size: number): string | null =>
  timestamp === 0 ? null : padded(timestamp, 8) + size.toString(16);

/**
 * Breakpad's debug id of an ELF file: the build id's first 16 bytes read as a GUID, and the age 0.
 * `byteOrder` is that of the machine that the file is for. Null for a build id that is empty or
 * zero.
 */
export function debugIdOfBuildId(buildId: Uint8Array, byteOrder: ByteOrder): string | null {
  if (buildId.every((byte) => byte === 0)) return null;
  const bytes = new Uint8Array(16);
  bytes.set(buildId.subarray(0, 16));
  return `${guidDigits(Guid.read(new Cursor(bytes, 0, byteOrder)))}0`;
}

/** Null where there is no record or its id is zero. */
export function debugIdOf(codeView: CodeView | null, byteOrder: ByteOrder): string | null {
  switch (codeView?.kind) {
    case "pdb70": {
      const digits = guidDigits(codeView.guid);
      return /^0+$/.test(digits) ? null : digits + codeView.age.toString(16);
    }
    case "pdb20":
      return padded(codeView.signature, 8) + codeView.age.toString(16);
    case "elf":
      return debugIdOfBuildId(codeView.buildId, byteOrder);
    case undefined:
      return null;
  }
}
