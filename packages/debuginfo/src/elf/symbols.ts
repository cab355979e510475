/**
 * Function symbols: `.symtab`, and `.dynsym` for what it lacks. gABI, "Symbol Table".
 *
 * Of several names at one address the one a person would choose is kept: global before local, then the
 * one without a version suffix, then the shortest, so that the answer does not hang on their order.
 */
import { MAX_NAME_BYTES } from "../limits.ts";
import type { ElfFile, Section } from "./elf-file.ts";
import { sectionBases } from "./layout.ts";
import { Machine, SectionFlag, SectionIndex, SectionType, SymbolType } from "./format.ts";
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
  /** False for a label: a place in code that its author gave a name, but no type. */
  readonly typed: boolean;
}

/** Functions of one table, by address, one each; empty when the file has no such table. */
export function functionSymbols(elf: ElfFile, table: "symtab" | "dynsym"): readonly ElfFunction[] {
  const best = new Map<number, Candidate>();
  for (const symbol of readSymbols(elf, table, isCode)) {
    const before = best.get(symbol.address);
    if (before === undefined || isBetter(symbol, before)) best.set(symbol.address, symbol);
  }
  const sorted = [...best.values()].sort((a, b) => a.address - b.address);
  return withoutInnerLabels(sorted);
}

function isBetter(one: Candidate, other: Candidate): boolean {
  if (one.typed !== other.typed) return one.typed;
  if (one.size > 0 !== other.size > 0) return one.size > 0;
  if (one.global !== other.global) return one.global;
  if (one.name.length !== other.name.length) return one.name.length < other.name.length;
  return one.name < other.name;
}

/** Labels inside a function are places in it; those outside of all are what assembly has for functions. */
function withoutInnerLabels(sorted: readonly Candidate[]): readonly Candidate[] {
  let end = 0;
  return sorted.filter(({ typed, address, size }) => {
    if (typed) end = Math.max(end, address + size);
    return typed || address >= end;
  });
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
    (type, _section, strings, nameAt) =>
      type === SymbolType.object && wanted.equals(strings.subarray(nameAt, nameAt + wanted.length)),
  ).next().value;
  return found === undefined ? null : { address: found.address, size: found.size };
}

const isFunction = (type: number): boolean =>
  type === SymbolType.func || type === SymbolType.gnuIfunc;

/**
 * Functions, and labels in code.
 *
 * Folklore: `_start` of ld.so and CPython's `_Py_trampoline_func_start` have no type. What tools put there themselves is
 * told by its name: "$x" and "$d" (Arm, RISC-V: code or data follows), ".L1", and "call.c.7e08668c" (GCC's LTO).
 * Test: symbols.test.ts, "labels in code".
 */
const isCode: Wanted = (type, section, strings, nameAt) =>
  isFunction(type) ||
  (type === SymbolType.notype &&
    section !== undefined &&
    (section.flags & SectionFlag.execinstr) !== 0 &&
    isPlainName(strings, nameAt));

/** Whether the name has neither a dot nor a dollar sign. */
function isPlainName(strings: Buffer, nameAt: number): boolean {
  const most = Math.min(strings.length, nameAt + MAX_NAME_BYTES);
  for (let at = nameAt; at < most && strings[at] !== 0; at += 1)
    if (strings[at] === DOT || strings[at] === DOLLAR) return false;
  return true;
}

const DOT = 0x2e;
const DOLLAR = 0x24;

/** Says by its type, section and name whether a symbol is wanted. */
type Wanted = (
  type: number,
  section: Section | undefined,
  strings: Buffer,
  nameAt: number,
) => boolean;

const isEndOf = (section: Section | undefined, value: number): boolean =>
  section !== undefined && value >= section.address + section.size;

/** The symbols of a table that are defined in the file, have a name and are wanted. */
function* readSymbols(
  elf: ElfFile,
  table: "symtab" | "dynsym",
  isWanted: Wanted,
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
    if (index === SectionIndex.undef || !isWanted(info & 0xf, elf.sections[index], strings, nameAt))
      continue;
    const nameEnd = strings.indexOf(0, nameAt);
    if (nameEnd <= nameAt) continue;
    const name = strings.toString("utf8", nameAt, Math.min(nameEnd, nameAt + MAX_NAME_BYTES));
    const value = (bases[index] ?? 0) + reader.word(view, at + fields.value);
    // the low bit of an ARM function's address says Thumb and is no part of it
    const address =
      elf.machine === Machine.arm && isFunction(info & 0xf) ? value - (value % 2) : value;
    const typed = (info & 0xf) !== SymbolType.notype;
    // a linker's etext has nothing behind it
    if (!typed && isEndOf(elf.sections[index], value - (bases[index] ?? 0))) continue;
    yield {
      address,
      size: reader.word(view, at + fields.bytes),
      name,
      global: info >>> 4 !== 0,
      typed,
    };
  }
  return undefined;
}
