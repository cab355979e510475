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
import { type EntryReference, referenceOf } from "./names.ts";
import { type Ranges, rangesOf } from "./ranges.ts";
import type { Unit } from "./unit.ts";

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

/** Open entries whose end is awaited: which function and which inlined call they are inside of. */
interface Open {
  readonly function: OpenFunction | null;
  readonly inline: number;
}

interface OpenFunction {
  readonly ranges: Ranges;
  readonly entry: EntryReference;
  readonly inlines: InlinedCall[];
}

/** Calls `emit` for every function with code, after its last inlined call. Throws DebugInfoError `bad-dwarf` or `truncated`. */
export function readFunctions(
  unit: Unit,
  keepZero: boolean,
  emit: (found: DebugFunction) => void,
): void {
  const { sections } = unit;
  const reader = new ByteReader(
    sections.info,
    sections.littleEndian,
    ".debug_info",
    unit.entriesAt,
  );
  const stack: Open[] = [{ function: null, inline: -1 }];
  const attributes = new EntryAttributes();
  const jumps = jumpable(unit);
  while (reader.at < unit.end && stack.length > 0) {
    const offset = reader.at;
    const code = reader.uleb();
    if (code === 0) {
      close(stack, emit);
      continue;
    }
    const abbreviation = abbreviationOf(unit.abbreviations, code);
    if (abbreviation === undefined) {
      throw new DebugInfoError(
        "bad-dwarf",
        `.debug_info: entry at ${hex(offset)}: no abbreviation ${code}`,
      );
    }
    const { tag, siblingForm } = abbreviation;
    if (siblingForm !== 0 && jumps.has(tag) && jump(unit, reader, abbreviation)) continue;
    const around = stack.at(-1) as Open;
    const inside = readEntry(unit, reader, offset, abbreviation, attributes, around, keepZero);
    reader.check("entry", unit.end);
    if (abbreviation.hasChildren) push(stack, inside, offset);
    else if (inside.function !== null && inside.function !== around.function)
      finish(inside.function, emit);
  }
  // a unit that ends without closing its entries still says what it says
  while (stack.length > 0) close(stack, emit);
}

/** Reads one entry past its attributes; answers with what its children are inside of. */
function readEntry(
  unit: Unit,
  reader: ByteReader,
  offset: number,
  abbreviation: Abbreviation,
  attributes: EntryAttributes,
  around: Open,
  keepZero: boolean,
): Open {
  switch (abbreviation.tag) {
    case Tag.subprogram:
      attributes.read(unit, reader, abbreviation);
      return openFunction(unit, offset, attributes, keepZero);
    case Tag.inlinedSubroutine:
      attributes.read(unit, reader, abbreviation);
      return openInline(unit, offset, attributes, around, keepZero);
    default:
      skip(unit, reader, abbreviation.skips);
      return around;
  }
}

function push(stack: Open[], inside: Open, offset: number): void {
  if (stack.length > MAX_ENTRY_DEPTH) {
    throw new DebugInfoError(
      "limit",
      `.debug_info: entry at ${hex(offset)}: nested deeper than MAX_ENTRY_DEPTH (${MAX_ENTRY_DEPTH})`,
    );
  }
  stack.push(inside);
}

function close(stack: Open[], emit: (found: DebugFunction) => void): void {
  const closed = stack.pop()?.function ?? null;
  if (closed !== null && closed !== stack.at(-1)?.function) finish(closed, emit);
}

function finish(found: OpenFunction, emit: (found: DebugFunction) => void): void {
  if (found.ranges.length > 0) emit(found);
}

function openFunction(
  unit: Unit,
  offset: number,
  attributes: EntryAttributes,
  keepZero: boolean,
): Open {
  const ranges = attributes.hasCode() ? rangesOf(unit, attributes, keepZero) : [];
  const entry = nameEntry(unit, offset, attributes);
  return { function: { ranges, entry, inlines: [] }, inline: -1 };
}

function openInline(
  unit: Unit,
  offset: number,
  attributes: EntryAttributes,
  around: Open,
  keepZero: boolean,
): Open {
  const { function: owner } = around;
  if (
    owner === null ||
    owner.ranges.length === 0 ||
    owner.inlines.length >= MAX_INLINES ||
    depthOf(owner, around.inline) >= MAX_INLINE_DEPTH
  )
    return around;
  const ranges = attributes.hasCode() ? rangesOf(unit, attributes, keepZero) : [];
  owner.inlines.push({
    parent: around.inline,
    ranges,
    entry: nameEntry(unit, offset, attributes),
    callFile: attributes.number(Slot.callFile),
    callLine: attributes.number(Slot.callLine),
    callColumn: attributes.number(Slot.callColumn),
  });
  return { function: owner, inline: owner.inlines.length - 1 };
}

function depthOf(owner: OpenFunction, inline: number): number {
  let depth = 0;
  for (let at = inline; at !== -1; at = (owner.inlines[at] as InlinedCall).parent) depth += 1;
  return depth;
}

/** What names the entry: what it points at where it has no name of its own, so that calls of one function are one. */
function nameEntry(unit: Unit, offset: number, attributes: EntryAttributes): EntryReference {
  const origin = attributes.value(Slot.origin);
  const named = attributes.has(Slot.name) || attributes.has(Slot.linkageName);
  return (
    (named || origin === null ? null : referenceOf(unit, origin)) ?? {
      supplementary: false,
      offset,
    }
  );
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
