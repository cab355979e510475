/**
 * Function symbols: `.symtab`, and `.dynsym` for what it lacks. gABI, "Symbol Table".
 *
 * Of several names at one address the one a person would choose is kept: global before local, then the
 * one without a version suffix, then the shortest, so that the answer does not hang on their order.
 */
import { MAX_NAME_BYTES } from "../limits.ts";
import type { ElfFile } from "./elf-file.ts";
import { sectionBases } from "./layout.ts";
import { Machine, SectionIndex, SectionType, SymbolType } from "./format.ts";
import { viewOf } from "./record-reader.ts";
import { sectionData } from "./section-data.ts";

export interface ElfFunction {
  /** Virtual address. */
  readonly address: number;
  /** 0 when the table does not say. */
  readonly size: number;
  readonly name: string;
}

interface Candidate extends ElfFunction {
  readonly global: boolean;
}

/** Functions of one table, by address, one each; empty when the file has no such table. */
export function functionSymbols(elf: ElfFile, table: "symtab" | "dynsym"): readonly ElfFunction[] {
  const best = new Map<number, Candidate>();
  for (const symbol of readSymbols(elf, table, isFunction)) {
    const before = best.get(symbol.address);
    if (before === undefined || isBetter(symbol, before)) best.set(symbol.address, symbol);
  }
  return [...best.values()].sort((a, b) => a.address - b.address);
}

function isBetter(one: Candidate, other: Candidate): boolean {
  if (one.size > 0 !== other.size > 0) return one.size > 0;
  if (one.global !== other.global) return one.global;
  if (one.name.length !== other.name.length) return one.name.length < other.name.length;
  return one.name < other.name;
}

/** The variable of that name in one table; null when it has none. */
export function dataSymbol(
  elf: ElfFile,
  table: "symtab" | "dynsym",
  name: string,
): Omit<ElfFunction, "name"> | null {
  const wanted = Buffer.from(`${name}\0`);
  const found = readSymbols(
    elf,
    table,
    (type, strings, nameAt) =>
      type === SymbolType.object && wanted.equals(strings.subarray(nameAt, nameAt + wanted.length)),
  ).next().value;
  return found === undefined ? null : { address: found.address, size: found.size };
}

const isFunction = (type: number): boolean =>
  type === SymbolType.func || type === SymbolType.gnuIfunc;

/** The symbols of a table that are defined in the file, have a name and are wanted. */
function* readSymbols(
  elf: ElfFile,
  table: "symtab" | "dynsym",
  isWanted: (type: number, strings: Buffer, nameAt: number) => boolean,
): Generator<Candidate, undefined> {
  const section = elf.sections.find((candidate) => candidate.type === SectionType[table]);
  const stringSection = section === undefined ? undefined : elf.sections[section.link];
  if (section === undefined || stringSection === undefined) return undefined;
  const { reader } = elf;
  const fields = reader.layouts.symbol;
  const view = viewOf(sectionData(elf, section));
  const bytes = sectionData(elf, stringSection);
  const strings = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bases = sectionBases(elf);
  for (let at = 0; at + fields.size <= view.byteLength; at += fields.size) {
    const info = reader.u8(view, at + fields.info);
    const index = reader.u16(view, at + fields.shndx);
    const nameAt = reader.u32(view, at + fields.name);
    if (index === SectionIndex.undef || !isWanted(info & 0xf, strings, nameAt)) continue;
    const nameEnd = strings.indexOf(0, nameAt);
    if (nameEnd <= nameAt) continue;
    const name = strings.toString("utf8", nameAt, Math.min(nameEnd, nameAt + MAX_NAME_BYTES));
    const value = (bases[index] ?? 0) + reader.word(view, at + fields.value);
    // the low bit of an ARM function's address says Thumb and is no part of it
    const address =
      elf.machine === Machine.arm && isFunction(info & 0xf) ? value - (value % 2) : value;
    yield { address, size: reader.word(view, at + fields.bytes), name, global: info >>> 4 !== 0 };
  }
  return undefined;
}
