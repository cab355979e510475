/** Debug sections as DWARF is read from: found under either name, inflated, relocated. */
import type { ElfFile } from "./elf-file.ts";
import { ElfType } from "./format.ts";
import { relocated } from "./relocations.ts";
import { findSection, sectionData } from "./section-data.ts";

/**
 * A debug section by its standard name (".debug_info"), stored as it is, compressed, or under its old
 * compressed name (".zdebug_info"); null when the file has none.
 */
export function debugSectionData(elf: ElfFile, name: string): Uint8Array | null {
  const section = findSection(elf, name) ?? findSection(elf, name.replace(/^\.debug/, ".zdebug"));
  if (section === null) return null;
  const data = sectionData(elf, section);
  return elf.type === ElfType.relocatable ? relocated(elf, section, data) : data;
}
