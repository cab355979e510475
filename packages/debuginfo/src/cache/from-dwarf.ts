/**
 * DWARF of one object to rows of a cache: all line programs first, then every function over them.
 *
 * Copies of one function (templates, inline functions kept once by the linker) come with every unit that
 * uses them: the first counts. A unit that is damaged costs itself alone.
 */
import { DebugInfoError, hex } from "../error.ts";
import { Attribute, Language } from "../dwarf/constants.ts";
import { type DebugFunction, type InlinedCall, readFunctions } from "../dwarf/functions.ts";
import { type LineHeader, readLineHeader, runLineProgram } from "../dwarf/line-program.ts";
import { type LineTable, LineTableBuilder } from "../dwarf/line-table.ts";
import type { FunctionName, Names } from "../dwarf/names.ts";
import type { DwarfSections } from "../dwarf/sections.ts";
import { stringOf } from "../dwarf/strings.ts";
import type { Unit } from "../dwarf/unit.ts";
import { Flattener } from "./flatten.ts";
import type { CacheModel } from "./model.ts";
import type { FunctionSymbols } from "./function-symbols.ts";
import { joinPath } from "../path.ts";
import type { RowSink } from "./row-sink.ts";

/** A unit to read functions from, and the one its line program belongs to (its skeleton, for a split unit). */
export interface DwarfUnit {
  readonly unit: Unit;
  readonly lineUnit: Unit;
  readonly names: Names;
  readonly supplement: DwarfSections | null;
}

export interface DwarfInput {
  readonly units: readonly DwarfUnit[];
  /** Relocatable objects have code at address 0; elsewhere it is dropped code. */
  readonly keepZero: boolean;
}

/** Adds what the units say; what cannot be read is told in `gaps`. Returns the line table, for code without functions. */
export function addDwarf(
  input: DwarfInput,
  symbols: FunctionSymbols,
  model: CacheModel,
  sink: RowSink,
  gaps: string[],
  progress: (unitsDone: number, unitsTotal: number) => void,
): LineTable {
  const lineBytes = input.units[0]?.lineUnit.sections.line.length ?? 0;
  const builder = new LineTableBuilder(rowsAtOnce(lineBytes / ROW_BYTES));
  const files = new Map<Unit, (number: number) => number>();
  const programs = new Set<string>();
  for (const dwarf of input.units)
    tolerate(gaps, dwarf.unit, () =>
      files.set(dwarf.unit, addLineProgram(dwarf, input.keepZero, model, builder, programs)),
    );
  const lines = builder.finish();
  sink.reserve(rowsAtOnce(lines.count));
  const flattener = new Flattener(sink);
  const seen = new Set<number>();
  const functionIds = new Map<FunctionName, number>();
  const shared = { symbols, model, lines, flattener, seen, functionIds };
  input.units.forEach((dwarf, index) => {
    const { unit, names } = dwarf;
    const isAssembled = languageOf(unit) === Language.mipsAssembler;
    const fileOf = files.get(unit) ?? (() => 0);
    const context = { ...shared, names, fileOf, isAssembled };
    tolerate(gaps, unit, () =>
      readFunctions(unit, input.keepZero, (found) => addFunction(found, context)),
    );
    progress(index + 1, input.units.length);
  });
  gaps.push(...flattener.gaps());
  return lines;
}

const languageOf = (unit: Unit): number | undefined =>
  unit.root.values.get(Attribute.language)?.number;

/** Bytes of a line program that make a row: seldom fewer. Room that stays unused costs no memory. */
const ROW_BYTES = 6;
const rowsAtOnce = (rows: number): number => Math.min(Math.ceil(rows) + 4096, 2 ** 24);

function tolerate(gaps: string[], unit: Unit, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof DebugInfoError)) throw error;
    gaps.push(`unit at ${hex(unit.offset)}: ${error.message}`);
  }
}

/** Runs the unit's line program unless another unit has; answers with its file numbers in the model's. */
function addLineProgram(
  { unit, lineUnit, supplement }: DwarfUnit,
  keepZero: boolean,
  model: CacheModel,
  builder: LineTableBuilder,
  programs: Set<string>,
): (number: number) => number {
  const statement = lineUnit.root.values.get(Attribute.stmtList);
  if (statement === undefined) return () => 0;
  const header = readLineHeader(lineUnit, statement.number, supplement);
  const fileOf = fileMapper(lineUnit, header, supplement, model);
  const program = `${lineUnit.sections === unit.sections}/${statement.number}`;
  if (!programs.has(program)) {
    programs.add(program);
    runLineProgram(header, fileOf, builder, keepZero);
  }
  if (lineUnit === unit) return fileOf;
  // call sites of a split unit are numbered by the file table of its own
  const own = unit.root.values.get(Attribute.stmtList);
  return unit.sections.line.length === 0
    ? fileOf
    : fileMapper(
        lineUnit,
        readLineHeader(unit, own?.number ?? 0, supplement),
        supplement,
        model,
        unit,
      );
}

function fileMapper(
  directoryUnit: Unit,
  header: LineHeader,
  supplement: DwarfSections | null,
  model: CacheModel,
  named: Unit = directoryUnit,
): (number: number) => number {
  const value =
    named.root.values.get(Attribute.compDir) ?? directoryUnit.root.values.get(Attribute.compDir);
  const owner = named.root.values.has(Attribute.compDir) ? named : directoryUnit;
  const compDir = value === undefined ? "" : (stringOf(owner, value, supplement) ?? "");
  const ids = new Map<number, number>();
  return (number) => {
    const known = ids.get(number);
    if (known !== undefined) return known;
    const file = header.file(number);
    const id =
      file === null ? 0 : model.file(joinPath(joinPath(compDir, file.directory), file.name));
    ids.set(number, id);
    return id;
  };
}

interface FunctionContext {
  readonly names: Names;
  readonly symbols: FunctionSymbols;
  readonly model: CacheModel;
  readonly lines: LineTable;
  readonly fileOf: (number: number) => number;
  readonly flattener: Flattener;
  /**
   * Folklore: gas writes an entry for a label that is a function, named by whichever of several labels at one place it meets first.
   * Nobody chose that name: glibc's clone3 would read `__clone3`. The symbol table's is taken, as gdb does.
   * Test: symbolize.test.ts, "labels of an assembler".
   */
  readonly isAssembled: boolean;
  /** By names, which are the same object for the same function. */
  readonly functionIds: Map<FunctionName, number>;
  /** Starts of the ranges that are taken. */
  readonly seen: Set<number>;
}

function addFunction(found: DebugFunction, context: FunctionContext): void {
  const { model, names, seen, symbols, isAssembled } = context;
  const start = found.ranges[0] as number;
  if (seen.has(start)) return;
  const own = names.of(found.entry);
  for (let at = 0; at < found.ranges.length; at += 2) {
    const from = found.ranges[at] as number;
    if (seen.has(from)) continue;
    seen.add(from);
    const name = isAssembled ? null : own.name;
    const linkageName = symbols.linkageNameAt(from, name, own.linkageName);
    const rootScope = model.rootScope(symbols.functionId(model, own.name, linkageName));
    const scopes = inlineScopes(found, rootScope, context);
    const end = found.ranges[at + 1] as number;
    context.flattener.add(from, end, rootScope, found.inlines, scopes, context.lines);
  }
}

/** The scopes of a function's inlined calls. */
function inlineScopes(
  found: DebugFunction,
  rootScope: number,
  { model, names, symbols, fileOf, functionIds }: FunctionContext,
): readonly number[] {
  const scopes: number[] = [];
  for (let at = 0; at < found.inlines.length; at += 1) {
    const inline = found.inlines[at] as InlinedCall;
    const own = names.of(inline.entry);
    let functionId = functionIds.get(own);
    if (functionId === undefined) {
      functionId = symbols.functionId(model, own.name, own.linkageName);
      functionIds.set(own, functionId);
    }
    const parent = inline.parent === -1 ? rootScope : (scopes[inline.parent] as number);
    const file = fileOf(inline.callFile);
    scopes.push(model.addScope(functionId, parent, file, inline.callLine, inline.callColumn));
  }
  return scopes;
}
