/** Builds the symbol cache of an ELF object from everything that was found of it. */
import { Attribute, Tag } from "../dwarf/constants.ts";
import { LineTableBuilder } from "../dwarf/line-table.ts";
import { loadSections } from "../dwarf/sections.ts";
import { readUnits, type Unit } from "../dwarf/unit.ts";
import { buildId, debugIdOf } from "../elf/build-id.ts";
import type { ElfFile } from "../elf/elf-file.ts";
import { ElfType, machineName, SectionFlag } from "../elf/format.ts";
import { debugSectionData } from "../elf/debug-section.ts";
import { pythonRuntime } from "../elf/python-runtime.ts";
import { functionSymbols } from "../elf/symbols.ts";
import { DebugInfoError } from "../error.ts";
import { joinPath } from "../path.ts";
import { fillGaps } from "./fill-gaps.ts";
import type { CacheInfo } from "./format.ts";
import { functionNames } from "../dwarf/names.ts";
import { joinSplit, readSplitUnits, splitGap, type SplitUnit } from "../dwarf/split.ts";
import { mayHaveSkeletons } from "../dwarf/split-ids.ts";
import { stringOf } from "../dwarf/strings.ts";
import { addDwarf, type DwarfUnit } from "./from-dwarf.ts";
import { type Demangle, type FunctionSymbol, FunctionSymbols } from "./function-symbols.ts";
import { CacheModel } from "./model.ts";
import { RowSink } from "./row-sink.ts";
import { elfUnwind } from "../unwind/from-elf.ts";
import { RowEncoder, writeCache } from "./writer.ts";

/** What belongs together: the object and its companions, those that were found. */
export interface ObjectFiles {
  readonly object: ElfFile;
  /** Separate debug file (by build id or `.gnu_debuglink`). */
  readonly debug: ElfFile | null;
  /** Supplementary file (`.gnu_debugaltlink`, dwz). */
  readonly supplementary: ElfFile | null;
  /** Files of split units: .dwo, or a .dwp package. */
  readonly split: readonly ElfFile[];
  /** What `packedMiniDebugInfo` of the object is when inflated: more names. */
  readonly miniDebugInfo: ElfFile | null;
  /** What the caller could not make of them, in words: it is told with the rest. */
  readonly gaps?: readonly string[];
}

/** Returns the cache's bytes. Throws DebugInfoError when not even the symbol table can be read. */
export function buildCache(
  files: ObjectFiles,
  demangle: Demangle,
  progress: (unitsDone: number, unitsTotal: number) => void = () => undefined,
): Uint8Array {
  const { object } = files;
  const gaps: string[] = [...(files.gaps ?? [])];
  const model = new CacheModel();
  const sink = new RowSink();
  const table = symbolTable(files);
  const symbols = new FunctionSymbols(table.functions, demangle);
  const units = loadUnits(files, gaps);
  const keepZero = object.type === ElfType.relocatable;
  const lines =
    units.length === 0
      ? new LineTableBuilder().finish()
      : addDwarf({ units, keepZero }, symbols, model, sink, gaps, progress);
  const rows = new RowEncoder(object.loadBase);
  fillGaps(sink, symbols, lines, codeEnd(object), model, rows);
  const unwind = elfUnwind(filesOf(files), object.loadBase);
  const runtime = runtimeOf(files, gaps);
  return writeCache(model, rows, unwind.table, {
    ...identity(object),
    sources: [...(units.length > 0 ? ["dwarf"] : []), ...table.sources],
    unwind: unwind.sources,
    pythonRuntime: runtime,
    gaps: [...gaps, ...unwind.gaps],
  });
}

/** The files that are of the object itself, what is true of the running code first. */
const filesOf = ({ object, debug, miniDebugInfo }: ObjectFiles): readonly ElfFile[] =>
  [object, debug, miniDebugInfo].filter((elf) => elf !== null);

function identity(
  object: ElfFile,
): Pick<CacheInfo, "buildId" | "debugId" | "machine" | "loadBase"> {
  const id = buildId(object);
  return {
    buildId: id,
    debugId: id === null ? null : debugIdOf(id, object.reader.littleEndian),
    machine: machineName(object.machine),
    loadBase: object.loadBase,
  };
}

/** Null, and a gap, when the tables it is looked for in are damaged. */
function runtimeOf(files: ObjectFiles, gaps: string[]): CacheInfo["pythonRuntime"] {
  try {
    const found = pythonRuntime(filesOf(files));
    return found === null ? null : { ...found, address: found.address - files.object.loadBase };
  } catch (error) {
    if (!(error instanceof DebugInfoError)) throw error;
    gaps.push(error.message);
    return null;
  }
}

/** The fullest symbol table of object and debug file; that of the MiniDebugInfo adds to the exported names. */
function symbolTable({ object, debug, miniDebugInfo }: ObjectFiles): {
  functions: readonly FunctionSymbol[];
  sources: string[];
} {
  for (const elf of [debug, object]) {
    const functions = elf === null ? [] : functionSymbols(elf, "symtab");
    if (functions.length > 0) return { functions, sources: ["symtab"] };
  }
  const exported = functionSymbols(object, "dynsym");
  const more = miniDebugInfo === null ? [] : functionSymbols(miniDebugInfo, "symtab");
  return {
    functions: merged(exported, more),
    sources: [
      ...(more.length > 0 ? ["gnu_debugdata"] : []),
      ...(exported.length > 0 ? ["dynsym"] : []),
    ],
  };
}

/** By address; of two names at one, the first list's. */
function merged(
  first: readonly FunctionSymbol[],
  second: readonly FunctionSymbol[],
): readonly FunctionSymbol[] {
  const taken = new Set(first.map(({ address }) => address));
  return [...first, ...second.filter(({ address }) => !taken.has(address))].sort(
    (a, b) => a.address - b.address,
  );
}

function loadUnits(
  { object, debug, supplementary, split }: ObjectFiles,
  gaps: string[],
): readonly DwarfUnit[] {
  try {
    const units = unitsOf(debug ?? object);
    const supplementUnits = supplementary === null ? [] : unitsOf(supplementary);
    const names = functionNames(units, supplementUnits);
    const supplement = supplementUnits[0]?.sections ?? null;
    const splitUnits = split.map((elf) =>
      readSplitUnits((name) => debugSectionData(elf, name), elf.reader.littleEndian),
    );
    return units
      .filter(holdsCode)
      .map((unit) => joined({ unit, lineUnit: unit, names, supplement }, splitUnits, gaps));
  } catch (error) {
    if (!(error instanceof DebugInfoError)) throw error;
    gaps.push(error.message);
    return [];
  }
}

/** A skeleton becomes the unit that it stands for, when that was found. */
function joined(
  dwarf: DwarfUnit,
  split: readonly ReadonlyMap<string, SplitUnit>[],
  gaps: string[],
): DwarfUnit {
  const { unit: skeleton } = dwarf;
  const name = splitNameOf(skeleton);
  if (skeleton.dwoId === null || name === null) return dwarf;
  const found = split
    .map((units) => units.get(skeleton.dwoId ?? ""))
    .find((unit) => unit !== undefined);
  if (found === undefined) {
    gaps.push(splitGap(skeleton, name));
    return dwarf;
  }
  return { ...dwarf, unit: joinSplit(skeleton, found.unit), names: found.names };
}

/** Path of a skeleton's .dwo as the compiler wrote it; null for ordinary units. */
const splitNameOf = (unit: Unit): string | null =>
  textOf(unit, Attribute.dwoName) ?? textOf(unit, Attribute.gnuDwoName);

function textOf(unit: Unit, attribute: number): string | null {
  const value = unit.root.values.get(attribute);
  return value === undefined ? null : stringOf(unit, value, null);
}

/** Where a compiler has put a .dwo file, as it wrote it. */
export interface SplitName {
  /** Of the compilation; what `name` is relative to, unless it is absolute. */
  readonly directory: string;
  readonly name: string;
}

/** The .dwo files that an object's skeleton units name, each once; empty when it has none. */
export function splitNames(elf: ElfFile): readonly SplitName[] {
  if (!mayHaveSkeletons(elf)) return [];
  const found = new Map<string, SplitName>();
  for (const unit of unitsOf(elf)) {
    const name = splitNameOf(unit);
    if (name === null) continue;
    const directory = textOf(unit, Attribute.compDir) ?? "";
    found.set(joinPath(directory, name), { directory, name });
  }
  return [...found.values()];
}

const unitsOf = (elf: ElfFile): readonly Unit[] =>
  readUnits(
    loadSections((name) => debugSectionData(elf, name), elf.reader.littleEndian, false),
    false,
  );

const holdsCode = ({ root }: Unit): boolean =>
  root.tag !== Tag.partialUnit || root.values.has(Attribute.stmtList);

/** End of the executable section that lies highest. */
const codeEnd = (elf: ElfFile): number =>
  elf.sections
    .filter((section) => (section.flags & SectionFlag.execinstr) !== 0)
    .reduce((end, section) => Math.max(end, section.address + section.size), 0);
