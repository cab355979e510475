/** Unwind tables of an ELF object, from every one of its files that has some. */
import { debugSectionData } from "../elf/debug-section.ts";
import type { ElfFile } from "../elf/elf-file.ts";
import { ElfType, Machine, SegmentType } from "../elf/format.ts";
import { sectionBases } from "../elf/layout.ts";
import { viewOf } from "../elf/record-reader.ts";
import { DebugInfoError } from "../error.ts";
import { GapList } from "../gap-list.ts";
import { MAX_LOADED_SEGMENTS, MAX_UNWIND_GAPS } from "../limits.ts";
import { type FrameSection, readFrames } from "./frame-section.ts";
import type { PointerContext } from "./pointer-encoding.ts";
import { UnwindTable } from "./unwind-table.ts";

export interface ElfUnwind {
  readonly table: UnwindTable;
  /** As CacheInfo has them. */
  readonly sources: readonly string[];
  readonly gaps: readonly string[];
}

/** `files`: the object and what belongs to it; of functions that several describe, the first counts. */
export function elfUnwind(files: readonly ElfFile[], loadBase: number): ElfUnwind {
  const gaps = new GapList(MAX_UNWIND_GAPS, "more entries of unwind tables could not be read");
  const sections = files.flatMap((elf) => frameSections(elf, gaps));
  const table = new UnwindTable(
    loadBase,
    sections.reduce((sum, { bytes }) => sum + bytes.length, 0),
  );
  for (const section of sections) readFrames(section, table, gaps);
  const sources = sections.filter(({ bytes }) => bytes.length > 0).map(({ name }) => name.slice(1));
  return { table, sources: [...new Set(sources)], gaps: gaps.all() };
}

/** Both: what an assembler writes into one is not always in the other. */
function frameSections(elf: ElfFile, gaps: GapList): readonly FrameSection[] {
  return [".eh_frame", ".debug_frame"].flatMap((name) => {
    try {
      const bytes = debugSectionData(elf, name);
      return bytes === null ? [] : [frameSection(elf, name, bytes)];
    } catch (error) {
      if (!(error instanceof DebugInfoError)) throw error;
      gaps.add(error.message);
      return [];
    }
  });
}

function frameSection(elf: ElfFile, name: string, bytes: Uint8Array): FrameSection {
  return {
    bytes,
    littleEndian: elf.reader.littleEndian,
    name,
    isEh: name === ".eh_frame",
    isAarch64: elf.machine === Machine.aarch64,
    keepZero: elf.type === ElfType.relocatable,
    pointers: pointerContext(elf, name),
  };
}

function pointerContext(elf: ElfFile, name: string): PointerContext {
  const bases = sectionBases(elf);
  const addressOf = (wanted: string): number | null => {
    const section = elf.sections.find((each) => each.name === wanted);
    return section === undefined ? null : section.address + (bases[section.index] as number);
  };
  return {
    addressSize: elf.reader.is64 ? 8 : 4,
    sectionAddress: addressOf(name) ?? 0,
    text: addressOf(".text") ?? 0,
    data: addressOf(".got.plt") ?? addressOf(".got") ?? 0,
    wordAt: wordReader(elf),
  };
}

/** Reads addresses out of what is loaded from the file; null where it has no bytes. */
function wordReader({ segments, source, reader }: ElfFile): (address: number) => number | null {
  const size = reader.is64 ? 8 : 4;
  const loaded = segments
    .filter(({ type, fileSize }) => type === SegmentType.load && fileSize >= size)
    .slice(0, MAX_LOADED_SEGMENTS);
  return (address) => {
    const segment = loaded.find(
      (each) => address >= each.address && address + size <= each.address + each.fileSize,
    );
    if (segment === undefined) return null;
    const at = segment.offset + (address - segment.address);
    return at + size > source.size ? null : reader.word(viewOf(source.read(at, size)), 0);
  };
}
