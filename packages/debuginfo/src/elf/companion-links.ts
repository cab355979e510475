/**
 * Where an object says its other halves are: `.gnu_debuglink` (a file name and its CRC-32, GDB manual
 * "Separate Debug Files") and `.gnu_debugaltlink` (dwz: a file name and its build id). DWARF 5's
 * `.debug_sup` (section 7.3.6) says the same as the latter.
 */
import { crc32 } from "node:zlib";
import { DebugInfoError } from "../error.ts";
import { debugSup } from "./debug-sup.ts";
import type { ElfFile } from "./elf-file.ts";
import { findSection, sectionData } from "./section-data.ts";

export interface DebugLink {
  readonly file: string;
  /** CRC-32 of the whole debug file. */
  readonly crc: number;
}

export interface AltLink {
  readonly file: string;
  /** Lower-case hex; of a file that has none, the checksum in its place. */
  readonly buildId: string;
}

export function debugLink(elf: ElfFile): DebugLink | null {
  const section = findSection(elf, ".gnu_debuglink");
  if (section === null) return null;
  const data = sectionData(elf, section);
  const file = cString(data, 0, section.name);
  const crcAt = (file.end + 3) & ~3;
  if (crcAt + 4 > data.length) {
    throw new DebugInfoError(
      "bad-section",
      `.gnu_debuglink: CRC: need 4 bytes at 0x${crcAt.toString(16)}, have ${data.length - crcAt}`,
    );
  }
  return {
    file: file.text,
    crc: elf.reader.u32(new DataView(data.buffer, data.byteOffset), crcAt),
  };
}

/** Null for an object without a supplementary file, and for such a file itself. Throws DebugInfoError. */
export function altLink(elf: ElfFile): AltLink | null {
  const section = findSection(elf, ".gnu_debugaltlink");
  if (section === null) {
    const standard = debugSup(elf);
    return standard === null || standard.isSupplementary
      ? null
      : { file: standard.file, buildId: standard.checksum };
  }
  const data = sectionData(elf, section);
  const file = cString(data, 0, section.name);
  return { file: file.text, buildId: Buffer.from(data.subarray(file.end)).toString("hex") };
}

/** CRC-32 as `.gnu_debuglink` counts it, over a file's chunks in order. */
export const debugLinkCrc = (chunk: Uint8Array, before = 0): number => crc32(chunk, before);

function cString(data: Uint8Array, at: number, what: string): { text: string; end: number } {
  const end = data.indexOf(0, at);
  if (end === -1)
    throw new DebugInfoError("bad-section", `${what}: file name at 0x${at.toString(16)}: no end`);
  return { text: Buffer.from(data.subarray(at, end)).toString("utf8"), end: end + 1 };
}
