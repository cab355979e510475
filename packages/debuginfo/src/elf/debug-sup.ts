/**
 * `.debug_sup`: what joins an object with its supplementary file, in both of them. DWARF 5, section 7.3.6; the older
 * `.gnu_debugaltlink` and a build id do the same.
 */
import { ByteReader } from "../dwarf/byte-reader.ts";
import { DebugInfoError } from "../error.ts";
import type { ElfFile } from "./elf-file.ts";
import { findSection, sectionData } from "./section-data.ts";

export interface DebugSup {
  readonly isSupplementary: boolean;
  /** Of the supplementary file, as its user names it; empty in that file itself. */
  readonly file: string;
  /** Lower-case hex: the same in both. */
  readonly checksum: string;
}

/** Null without the section. Throws DebugInfoError `truncated` or `bad-dwarf`. */
export function debugSup(elf: ElfFile): DebugSup | null {
  const section = findSection(elf, ".debug_sup");
  if (section === null) return null;
  const reader = new ByteReader(sectionData(elf, section), elf.reader.littleEndian, section.name);
  const version = reader.u16();
  const isSupplementary = reader.u8() === 1;
  const fileAt = reader.at;
  reader.skipString();
  const fileEnd = reader.at - 1;
  const length = reader.uleb();
  const checksum = reader.bytes.subarray(reader.at, reader.at + length);
  reader.at += length;
  reader.check("entry");
  if (version !== 5)
    throw new DebugInfoError("bad-dwarf", `.debug_sup: version at 0x0: wanted 5, found ${version}`);
  return {
    isSupplementary,
    file: Buffer.from(reader.bytes.subarray(fileAt, fileEnd)).toString("utf8"),
    checksum: Buffer.from(checksum).toString("hex"),
  };
}
