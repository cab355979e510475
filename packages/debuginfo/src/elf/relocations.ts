/**
 * Relocations of debug sections and `.eh_frame` in relocatable objects (.o, kernel modules): there the linker has not yet
 * put addresses and section offsets in. gABI, "Relocation"; types per each processor's supplement.
 *
 * Only plain ones of 32 and 64 bits are applied, absolute or, as `.eh_frame` has them, relative: compilers emit nothing
 * else into these sections, but for RISC-V's pairs of additions and subtractions, which are left out.
 */
import type { ElfFile, Section } from "./elf-file.ts";
import { sectionBases } from "./layout.ts";
import { Machine, SectionType } from "./format.ts";
import { type RecordReader, viewOf } from "./record-reader.ts";
import { sectionData } from "./section-data.ts";

/** What a relocation type does; those that are not here are left out. */
interface Kind {
  readonly width: 4 | 8;
  /** Counted from the place that is relocated. */
  readonly isRelative: boolean;
}

const absolute = (width: 4 | 8, ...types: readonly number[]): readonly [number, Kind][] =>
  types.map((type) => [type, { width, isRelative: false }]);
const relative = (width: 4 | 8, ...types: readonly number[]): readonly [number, Kind][] =>
  types.map((type) => [type, { width, isRelative: true }]);

const kinds = new Map<number, ReadonlyMap<number, Kind>>([
  [
    Machine.x86_64,
    new Map([...absolute(8, 1), ...absolute(4, 10, 11), ...relative(4, 2), ...relative(8, 24)]),
  ],
  [
    Machine.aarch64,
    new Map([...absolute(8, 257), ...absolute(4, 258), ...relative(8, 260), ...relative(4, 261)]),
  ],
  [Machine.i386, new Map([...absolute(4, 1), ...relative(4, 2)])],
  [Machine.arm, new Map([...absolute(4, 2), ...relative(4, 3)])],
  [Machine.ppc, new Map([...absolute(4, 1), ...relative(4, 26)])],
  [
    Machine.ppc64,
    new Map([...absolute(8, 38), ...absolute(4, 1), ...relative(4, 26), ...relative(8, 44)]),
  ],
  [
    Machine.s390,
    new Map([...absolute(8, 22), ...absolute(4, 4), ...relative(4, 5), ...relative(8, 23)]),
  ],
  [Machine.riscv, new Map([...absolute(8, 2), ...absolute(4, 1), ...relative(4, 57)])],
  [
    Machine.loongarch,
    new Map([...absolute(8, 2), ...absolute(4, 1), ...relative(4, 99), ...relative(8, 109)]),
  ],
]);

/** The section's data with its relocations applied; `data` itself when there are none. */
export function relocated(elf: ElfFile, section: Section, data: Uint8Array): Uint8Array {
  const table = elf.sections.find(
    ({ type, info }) =>
      info === section.index && (type === SectionType.rela || type === SectionType.rel),
  );
  const machine = kinds.get(elf.machine);
  if (table === undefined || machine === undefined) return data;
  const symbols = elf.sections[table.link];
  if (symbols === undefined) return data;
  const applied = data.slice();
  apply(elf, section, table, machine, viewOf(sectionData(elf, symbols)), viewOf(applied));
  return applied;
}

function apply(
  elf: ElfFile,
  section: Section,
  table: Section,
  machine: ReadonlyMap<number, Kind>,
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
    const kind = machine.get(reader.is64 ? info % 2 ** 32 : info & 0xff);
    const symbolAt = Math.floor(reader.is64 ? info / 2 ** 32 : info >>> 8) * symbol.size;
    if (
      kind === undefined ||
      offset + kind.width > into.byteLength ||
      symbolAt + symbol.size > symbols.byteLength
    )
      continue;
    const base = bases[reader.u16(symbols, symbolAt + symbol.shndx)] ?? 0;
    const value = base + reader.word(symbols, symbolAt + symbol.value);
    const addend = hasAddend
      ? signedWord(reader, view, at + rela.addend)
      : into.getUint32(offset, reader.littleEndian);
    const from = kind.isRelative ? (bases[section.index] as number) + offset : 0;
    write(into, offset, kind.width, value + addend - from, reader.littleEndian);
  }
}

function signedWord({ is64, littleEndian }: RecordReader, view: DataView, at: number): number {
  if (!is64) return view.getInt32(at, littleEndian);
  const [low, high] = littleEndian ? [at, at + 4] : [at + 4, at];
  return view.getInt32(high, littleEndian) * 2 ** 32 + view.getUint32(low, littleEndian);
}

function write(
  into: DataView,
  offset: number,
  width: 4 | 8,
  value: number,
  littleEndian: boolean,
): void {
  if (width === 4) into.setUint32(offset, value >>> 0, littleEndian);
  else into.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), littleEndian);
}
