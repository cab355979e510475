/**
 * Functions of a unit that have code, each with the calls that were inlined into it.
 *
 * Only DW_TAG_subprogram and DW_TAG_inlined_subroutine matter; everything between them (namespaces,
 * classes, lexical blocks) is transparent, and what cannot hold either is jumped over.
 * DWARF 5, sections 3.3 and 3.3.8.
 */
import { DebugInfoError, hex } from "../error.ts";
import { MAX_ENTRY_DEPTH, MAX_INLINE_DEPTH, MAX_INLINES } from "../limits.ts";
import { type Abbreviation, abbreviationOf } from "./abbreviations.ts";
import { ByteReader } from "./byte-reader.ts";
import { Attribute, Language, Tag } from "./constants.ts";
import { EntryAttributes, Slot } from "./entry-attributes.ts";
import { actualForm, readNumber, skipForm } from "./forms.ts";
import { RangeReader, type Ranges } from "./ranges.ts";
import type { EntryReference, Unit } from "./unit.ts";

export interface InlinedCall {
  /** Index of the call it is inside of, -1 when directly in the function. Always smaller than its own. */
  readonly parent: number;
  readonly ranges: Ranges;
  /** What names it: the entry itself, or the function that it is a copy of. */
  readonly entry: EntryReference;
  /** Where it was called, as numbered by the unit's line program; 0 unknown. */
  readonly callFile: number;
  readonly callLine: number;
  readonly callColumn: number;
}

export interface DebugFunction {
  readonly ranges: Ranges;
  readonly entry: EntryReference;
  /** Parents before children. */
  readonly inlines: readonly InlinedCall[];
}

/** Calls `emit` for every function with code, after its last inlined call. Throws DebugInfoError `bad-dwarf` or `truncated`. */
export function readFunctions(
  unit: Unit,
  keepZero: boolean,
  emit: (found: DebugFunction) => void,
): void {
  new FunctionWalk(unit, keepZero, emit).run();
}

interface OpenFunction extends DebugFunction {
  readonly inlines: InlinedCall[];
}

class FunctionWalk {
  private readonly unit: Unit;
  private readonly emit: (found: DebugFunction) => void;
  private readonly reader: ByteReader;
  private readonly attributes = new EntryAttributes();
  private readonly ranges: RangeReader;
  private readonly jumps: ReadonlySet<number>;
  /** Of each open entry, the unit itself first: the function and the inlined call that its children are inside of. */
  private readonly functions: (OpenFunction | null)[] = [null];
  private readonly inlines: number[] = [-1];

  constructor(unit: Unit, keepZero: boolean, emit: (found: DebugFunction) => void) {
    const { info, littleEndian } = unit.sections;
    this.unit = unit;
    this.emit = emit;
    this.reader = new ByteReader(info, littleEndian, ".debug_info", unit.entriesAt);
    this.ranges = new RangeReader(unit, keepZero);
    this.jumps = jumpable(unit);
  }

  run(): void {
    const { reader, unit, functions } = this;
    while (reader.at < unit.end && functions.length > 0) this.step();
    // a unit that ends without closing its entries still says what it says
    while (functions.length > 0) this.close();
  }

  private step(): void {
    const { reader, unit } = this;
    const offset = reader.at;
    const code = reader.uleb();
    if (code === 0) return this.close();
    const abbreviation = abbreviationOf(unit.abbreviations, code);
    if (abbreviation === undefined) {
      throw new DebugInfoError(
        "bad-dwarf",
        `.debug_info: entry at ${hex(offset)}: no abbreviation ${code}`,
      );
    }
    const { tag, siblingForm } = abbreviation;
    if (siblingForm !== 0 && this.jumps.has(tag) && jump(unit, reader, abbreviation)) return;
    if (tag === Tag.subprogram) this.openFunction(offset, abbreviation);
    else if (tag === Tag.inlinedSubroutine) this.openInline(offset, abbreviation);
    else {
      skip(unit, reader, abbreviation.skips);
      if (abbreviation.hasChildren)
        this.push(offset, this.functions.at(-1) ?? null, this.inlines.at(-1) as number);
    }
    reader.check("entry", unit.end);
  }

  private openFunction(offset: number, abbreviation: Abbreviation): void {
    const { attributes } = this;
    attributes.read(this.unit, this.reader, abbreviation);
    const ranges = this.ranges.read(attributes);
    const found: OpenFunction = { ranges, entry: this.nameEntry(offset), inlines: [] };
    if (abbreviation.hasChildren) this.push(offset, found, -1);
    else if (ranges.length > 0) this.emit(found);
  }

  private openInline(offset: number, abbreviation: Abbreviation): void {
    const { attributes } = this;
    attributes.read(this.unit, this.reader, abbreviation);
    const owner = this.functions.at(-1) ?? null;
    let inline = this.inlines.at(-1) as number;
    if (owner !== null && hasRoom(owner, inline)) {
      owner.inlines.push({
        parent: inline,
        ranges: this.ranges.read(attributes),
        entry: this.nameEntry(offset),
        callFile: attributes.number(Slot.callFile),
        callLine: attributes.number(Slot.callLine),
        callColumn: attributes.number(Slot.callColumn),
      });
      inline = owner.inlines.length - 1;
    }
    if (abbreviation.hasChildren) this.push(offset, owner, inline);
  }

  private push(offset: number, inFunction: OpenFunction | null, inInline: number): void {
    if (this.functions.length > MAX_ENTRY_DEPTH) {
      throw new DebugInfoError(
        "limit",
        `.debug_info: entry at ${hex(offset)}: nested deeper than MAX_ENTRY_DEPTH (${MAX_ENTRY_DEPTH})`,
      );
    }
    this.functions.push(inFunction);
    this.inlines.push(inInline);
  }

  private close(): void {
    this.inlines.pop();
    const closed = this.functions.pop() ?? null;
    if (closed !== null && closed !== this.functions.at(-1) && closed.ranges.length > 0)
      this.emit(closed);
  }

  /** What names the entry: what it points at where it has no name of its own, so that calls of one function are one. */
  private nameEntry(offset: number): EntryReference {
    const { attributes } = this;
    if (attributes.has(Slot.name) || attributes.has(Slot.linkageName)) return offset;
    return attributes.origin(this.unit) ?? offset;
  }
}

/** Whether one more call may be kept inside the call `inline` of a function that has code. */
function hasRoom({ ranges, inlines }: OpenFunction, inline: number): boolean {
  if (ranges.length === 0 || inlines.length >= MAX_INLINES) return false;
  let depth = 0;
  for (let at = inline; at !== -1; at = (inlines[at] as InlinedCall).parent) depth += 1;
  return depth < MAX_INLINE_DEPTH;
}

function skip(unit: Unit, reader: ByteReader, skips: readonly number[]): void {
  reader.at += skips[0] as number;
  for (let at = 1; at < skips.length; at += 2) {
    skipForm(reader, skips[at] as number, unit);
    reader.at += skips[at + 1] as number;
  }
}

/** Entries that never have code inside them. */
const codeless = new Set<number>([
  Tag.arrayType,
  Tag.enumerationType,
  Tag.subroutineType,
  Tag.callSite,
  Tag.gnuCallSite,
]);

/** Languages whose types have no functions in them. */
const plainLanguages = new Set<number>([
  Language.c89,
  Language.c,
  Language.c99,
  Language.c11,
  Language.c17,
  Language.c23,
]);

/** Tags of entries that can be jumped over in a unit. */
function jumpable(unit: Unit): ReadonlySet<number> {
  const language = unit.root.values.get(Attribute.language)?.number ?? -1;
  return plainLanguages.has(language)
    ? new Set([...codeless, Tag.structureType, Tag.unionType])
    : codeless;
}

/** Moves to the entry's sibling; false, with the position unchanged, when that does not lie ahead. */
function jump(
  unit: Unit,
  reader: ByteReader,
  { siblingForm, siblingSkips }: Abbreviation,
): boolean {
  const start = reader.at;
  skip(unit, reader, siblingSkips);
  const form = actualForm(reader, siblingForm);
  const target = unit.offset + readNumber(reader, form, 0, unit);
  const isAhead = target >= reader.at && target <= unit.end;
  reader.at = isAhead ? target : start;
  return isAhead;
}
