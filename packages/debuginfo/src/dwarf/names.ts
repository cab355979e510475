/**
 * Names of functions: an entry's own, or those of the entry it points at (DW_AT_abstract_origin,
 * DW_AT_specification), in the same unit, another one (LTO, partial units) or the supplementary file.
 *
 * DWARF 5, sections 2.13, 3.3.8.2 and 7.5.4; DW_FORM_GNU_ref_alt as dwz writes it.
 */
import { MAX_ORIGIN_STEPS } from "../limits.ts";
import { abbreviationOf } from "./abbreviations.ts";
import { ByteReader } from "./byte-reader.ts";
import { EntryAttributes, Slot } from "./entry-attributes.ts";
import type { DwarfSections } from "./sections.ts";
import { stringOf } from "./strings.ts";
import { type EntryReference, supplementaryEntry, type Unit } from "./unit.ts";

export interface FunctionName {
  readonly name: string | null;
  readonly linkageName: string | null;
}

export interface Names {
  /** Both parts null when nothing names it, or what does cannot be reached. */
  of(entry: EntryReference): FunctionName;
}

const unknown: FunctionName = { name: null, linkageName: null };

/** `supplementUnits` empty when there is no supplementary file. */
export function functionNames(units: readonly Unit[], supplementUnits: readonly Unit[]): Names {
  const supplement = supplementUnits[0]?.sections ?? null;
  const known = new Map<number, FunctionName>();
  const attributes = new EntryAttributes();
  const resolve = (entry: EntryReference, steps: number): FunctionName => {
    const before = known.get(entry);
    if (before !== undefined) return before;
    known.set(entry, unknown); // an entry that leads to itself names nothing
    const found = read(entry, steps);
    known.set(entry, found);
    return found;
  };
  const read = (entry: EntryReference, steps: number): FunctionName => {
    const isOwn = entry >= 0;
    const offset = isOwn ? entry : supplementaryEntry(entry);
    const unit = unitAt(isOwn ? units : supplementUnits, offset);
    if (unit === null || steps > MAX_ORIGIN_STEPS) return unknown;
    const own = readNameAttributes(unit, offset, attributes, isOwn ? supplement : null);
    if (own === null || own.origin === null || (own.name !== null && own.linkageName !== null))
      return own ?? unknown;
    // what a supplementary file points at is in itself
    const target = isOwn || own.origin < 0 ? own.origin : supplementaryEntry(own.origin);
    const origin = resolve(target, steps + 1);
    return { name: own.name ?? origin.name, linkageName: own.linkageName ?? origin.linkageName };
  };
  return { of: (entry) => resolve(entry, 0) };
}

function unitAt(units: readonly Unit[], offset: number): Unit | null {
  let low = 0;
  let high = units.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((units[middle] as Unit).offset <= offset) low = middle + 1;
    else high = middle;
  }
  const unit = units[low - 1];
  return unit !== undefined && offset < unit.end && offset >= unit.entriesAt ? unit : null;
}

interface NameAttributes extends FunctionName {
  readonly origin: EntryReference | null;
}

/** Null when there is no entry at that offset. */
function readNameAttributes(
  unit: Unit,
  offset: number,
  attributes: EntryAttributes,
  supplement: DwarfSections | null,
): NameAttributes | null {
  const { info, littleEndian } = unit.sections;
  const reader = new ByteReader(info, littleEndian, ".debug_info", offset);
  const abbreviation = abbreviationOf(unit.abbreviations, reader.uleb());
  if (abbreviation === undefined) return null;
  attributes.read(unit, reader, abbreviation);
  const name = attributes.value(Slot.name);
  const linkageName = attributes.value(Slot.linkageName);
  return {
    name: name === null ? null : stringOf(unit, name, supplement),
    linkageName: linkageName === null ? null : stringOf(unit, linkageName, supplement),
    origin: attributes.origin(unit),
  };
}
