/**
 * MiniDebugInfo: an xz-compressed ELF file in `.gnu_debugdata` whose symbol table has the functions that
 * `.dynsym` lacks (GDB manual, "Debugging information in a special section"). Inflating it is the caller's:
 * no decompressor of xz is at hand here.
 */
import type { ElfFile } from "./elf-file.ts";
import { findSection, sectionData } from "./section-data.ts";

/** The packed bytes; null for an object without them. Throws DebugInfoError `truncated`. */
export function packedMiniDebugInfo(elf: ElfFile): Uint8Array | null {
  const section = findSection(elf, ".gnu_debugdata");
  return section === null ? null : sectionData(elf, section);
}
