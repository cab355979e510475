/**
 * The ids that join skeleton units with their split units, without reading more of them than it takes. DWARF 5,
 * sections 3.1.2, 3.1.3 and 7.3.5.3 (the index's hash table); version 2 of the index has the same one.
 */
import { debugSectionData } from "../elf/debug-section.ts";
import type { ElfFile } from "../elf/elf-file.ts";
import { findSection } from "../elf/section-data.ts";
import { DebugInfoError } from "../error.ts";
import { MAX_PACKAGE_UNITS } from "../limits.ts";
import { ByteReader } from "./byte-reader.ts";
import { loadSections } from "./sections.ts";
import { readUnits } from "./unit.ts";

/** Ids of the split units that an object's skeletons stand for, 16 hex digits each. Throws DebugInfoError. */
export function skeletonIds(elf: ElfFile): readonly string[] {
  return mayHaveSkeletons(elf) ? unitIds(elf, false) : [];
}

/** Skeletons of units with code have its addresses in a section that few other files have. */
export const mayHaveSkeletons = (elf: ElfFile): boolean =>
  (findSection(elf, ".debug_addr") ?? findSection(elf, ".zdebug_addr")) !== null;

/** Ids of the split units that a .dwo or .dwp holds, 16 hex digits each. Throws DebugInfoError. */
export function splitUnitIds(elf: ElfFile): readonly string[] {
  const index = debugSectionData(elf, ".debug_cu_index");
  return index === null ? unitIds(elf, true) : indexedIds(index, elf.reader.littleEndian);
}

function unitIds(elf: ElfFile, split: boolean): readonly string[] {
  const wanted = /^\.debug_(info|abbrev)/;
  const load = (name: string): Uint8Array | null =>
    wanted.test(name) ? debugSectionData(elf, name) : null;
  const units = readUnits(loadSections(load, elf.reader.littleEndian, split), split);
  return [...new Set(units.flatMap(({ dwoId }) => dwoId ?? []))];
}

const HEADER = 16;

/** A slot whose row number is 0 is empty. */
function indexedIds(bytes: Uint8Array, littleEndian: boolean): readonly string[] {
  const reader = new ByteReader(bytes, littleEndian, ".debug_cu_index", 12);
  const slots = reader.u32();
  if (slots > 4 * MAX_PACKAGE_UNITS) {
    throw new DebugInfoError(
      "limit",
      `.debug_cu_index: ${slots} slots, MAX_PACKAGE_UNITS is ${MAX_PACKAGE_UNITS}`,
    );
  }
  reader.at = HEADER + slots * 12;
  reader.check("hash table");
  const ids: string[] = [];
  for (let slot = 0; slot < slots; slot += 1) {
    reader.at = HEADER + slots * 8 + slot * 4;
    if (reader.u32() === 0) continue;
    const at = HEADER + slot * 8;
    const id = Buffer.from(bytes.subarray(at, at + 8));
    ids.push((littleEndian ? id.reverse() : id).toString("hex"));
  }
  return ids;
}
