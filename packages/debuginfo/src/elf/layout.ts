/**
 * Addresses of sections. A linked file says them; in a relocatable object every section begins at 0, so
 * that code of several sections would lie on top of itself: there `.text` stays at 0, as other tools
 * have it, and the rest is laid behind it in order.
 */
import type { ElfFile } from "./elf-file.ts";
import { ElfType, SectionFlag } from "./format.ts";

/** Base address of each section by index, to be added to what is stored; zeros for linked files. */
export function sectionBases(elf: ElfFile): Float64Array {
  const bases = new Float64Array(elf.sections.length);
  if (elf.type !== ElfType.relocatable) return bases;
  const text = elf.sections.find(({ name }) => name === ".text");
  let end = text?.size ?? 0;
  for (const section of elf.sections) {
    if (section === text || (section.flags & SectionFlag.alloc) === 0) continue;
    bases[section.index] = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    end = (bases[section.index] as number) + section.size;
  }
  return bases;
}

const ALIGNMENT = 4096;
