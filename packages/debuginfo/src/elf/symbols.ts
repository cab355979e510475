/**
 * Function symbols: `.symtab`, and `.dynsym` for what it lacks. gABI, "Symbol Table".
 *
 * Of several names at one address the one a person would choose is kept: global before local, then the
 * one without a version suffix, then the shortest, so that the answer does not hang on their order.
 */
import { MAX_NAME_BYTES } from "../limits.ts";
import type { ElfFile, Section } from "./elf-file.ts";
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
  const section = elf.sections.find((candidate) => candidate.type === SectionType[table]);
  if (section === undefined) return [];
  const strings = elf.sections[section.link];
  if (strings === undefined) return [];
  const best = new Map<number, Candidate>();
  for (const symbol of readFunctions(elf, section, sectionData(elf, strings))) {
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

function* readFunctions(elf: ElfFile, section: Section, strings: Uint8Array): Generator<Candidate> {
  const { reader } = elf;
  const fields = reader.layouts.symbol;
  const data = sectionData(elf, section);
  const bases = sectionBases(elf);
  const view = viewOf(data);
  const text = Buffer.from(strings.buffer, strings.byteOffset, strings.byteLength);
  for (let at = 0; at + fields.size <= data.length; at += fields.size) {
    const info = reader.u8(view, at + fields.info);
    const type = info & 0xf;
    const index = reader.u16(view, at + fields.shndx);
    if ((type !== SymbolType.func && type !== SymbolType.gnuIfunc) || index === SectionIndex.undef)
      continue;
    const nameAt = reader.u32(view, at + fields.name);
    const nameEnd = strings.indexOf(0, nameAt);
    if (nameEnd <= nameAt) continue;
    const name = text.toString("utf8", nameAt, Math.min(nameEnd, nameAt + MAX_NAME_BYTES));
    const value = (bases[index] ?? 0) + reader.word(view, at + fields.value);
    // the low bit of an ARM function's address says Thumb and is no part of it
    const address = elf.machine === Machine.arm ? value - (value % 2) : value;
    yield { address, size: reader.word(view, at + fields.bytes), name, global: info >>> 4 !== 0 };
  }
}
