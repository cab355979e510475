/**
 * Relocations of debug sections in relocatable objects (.o, kernel modules): there the linker has not yet
 * put addresses and section offsets in. gABI, "Relocation"; types per each processor's supplement.
 *
 * Only plain absolute ones of 32 and 64 bits are applied: compilers emit nothing else into debug sections,
 * but for RISC-V's pairs of additions and subtractions, which are left out.
 */
import type { ElfFile, Section } from "./elf-file.ts";
import { sectionBases } from "./layout.ts";
import { Machine, SectionType } from "./format.ts";
import { viewOf } from "./record-reader.ts";
import { sectionData } from "./section-data.ts";

/** Bytes that a relocation type of a machine fills; other types are left out. */
const widths = new Map<number, ReadonlyMap<number, 4 | 8>>([
  [
    Machine.x86_64,
    new Map([
      [1, 8],
      [10, 4],
      [11, 4],
    ] as const),
  ],
  [
    Machine.aarch64,
    new Map([
      [257, 8],
      [258, 4],
    ] as const),
  ],
  [Machine.i386, new Map([[1, 4]] as const)],
  [Machine.arm, new Map([[2, 4]] as const)],
  [
    Machine.ppc64,
    new Map([
      [38, 8],
      [1, 4],
    ] as const),
  ],
  [
    Machine.s390,
    new Map([
      [22, 8],
      [4, 4],
    ] as const),
  ],
  [
    Machine.riscv,
    new Map([
      [2, 8],
      [1, 4],
    ] as const),
  ],
  [
    Machine.loongarch,
    new Map([
      [2, 8],
      [1, 4],
    ] as const),
  ],
]);

/** The section's data with its relocations applied; `data` itself when there are none. */
export function relocated(elf: ElfFile, section: Section, data: Uint8Array): Uint8Array {
  const table = elf.sections.find(
    ({ type, info }) =>
      info === section.index && (type === SectionType.rela || type === SectionType.rel),
  );
  const machine = widths.get(elf.machine);
  if (table === undefined || machine === undefined) return data;
  const symbols = elf.sections[table.link];
  if (symbols === undefined) return data;
  const applied = data.slice();
  apply(elf, table, machine, viewOf(sectionData(elf, symbols)), viewOf(applied));
  return applied;
}

function apply(
  elf: ElfFile,
  table: Section,
  machine: ReadonlyMap<number, 4 | 8>,
  symbols: DataView,
  into: DataView,
): void {
  const { reader } = elf;
  const { rela, symbol } = reader.layouts;
  const hasAddend = table.type === SectionType.rela;
  const entry = hasAddend ? rela.size : rela.relSize;
  const view = viewOf(sectionData(elf, table));
  const bases = sectionBases(elf);
  for (let at = 0; at + entry <= view.byteLength; at += entry) {
    const offset = reader.word(view, at + rela.offset);
    const info = reader.word(view, at + rela.info);
    const width = machine.get(reader.is64 ? info % 2 ** 32 : info & 0xff);
    const symbolAt = Math.floor(reader.is64 ? info / 2 ** 32 : info >>> 8) * symbol.size;
    if (
      width === undefined ||
      offset + width > into.byteLength ||
      symbolAt + symbol.size > symbols.byteLength
    )
      continue;
    const base = bases[reader.u16(symbols, symbolAt + symbol.shndx)] ?? 0;
    const value = base + reader.word(symbols, symbolAt + symbol.value);
    const addend = hasAddend
      ? reader.word(view, at + rela.addend)
      : into.getUint32(offset, reader.littleEndian);
    write(into, offset, width, value + addend, reader.littleEndian);
  }
}

function write(
  into: DataView,
  offset: number,
  width: 4 | 8,
  value: number,
  littleEndian: boolean,
): void {
  if (width === 4) into.setUint32(offset, value % 2 ** 32, littleEndian);
  else into.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), littleEndian);
}
