/**
 * Names of functions: an entry's own, or those of the entry it points at (DW_AT_abstract_origin,
 * DW_AT_specification), in the same unit, another one (LTO, partial units) or the supplementary file.
 *
 * DWARF 5, sections 2.13, 3.3.8.2 and 7.5.4; DW_FORM_GNU_ref_alt as dwz writes it.
 */
import { MAX_ORIGIN_STEPS } from "../limits.ts";
import { abbreviationOf } from "./abbreviations.ts";
import { ByteReader } from "./byte-reader.ts";
import { Form } from "./constants.ts";
import { EntryAttributes, Slot } from "./entry-attributes.ts";
import type { DwarfSections } from "./sections.ts";
import { stringOf } from "./strings.ts";
import type { Unit, Value } from "./unit.ts";

export interface FunctionName {
  readonly name: string | null;
  readonly linkageName: string | null;
}

/** Where an entry is: in this file, or in the supplementary one. */
export interface EntryReference {
  readonly supplementary: boolean;
  /** Into `.debug_info`. */
  readonly offset: number;
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
    const key = entry.supplementary ? -1 - entry.offset : entry.offset;
    const before = known.get(key);
    if (before !== undefined) return before;
    known.set(key, unknown); // an entry that leads to itself names nothing
    const found = read(entry, steps);
    known.set(key, found);
    return found;
  };
  const read = (entry: EntryReference, steps: number): FunctionName => {
    const unit = unitAt(entry.supplementary ? supplementUnits : units, entry.offset);
    if (unit === null || steps > MAX_ORIGIN_STEPS) return unknown;
    const own = readNameAttributes(
      unit,
      entry.offset,
      attributes,
      entry.supplementary ? null : supplement,
    );
    if (own === null || own.origin === null || (own.name !== null && own.linkageName !== null))
      return own ?? unknown;
    const supplementary = entry.supplementary || own.origin.supplementary;
    const origin = resolve({ supplementary, offset: own.origin.offset }, steps + 1);
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
  const origin = attributes.value(Slot.origin);
  return {
    name: name === null ? null : stringOf(unit, name, supplement),
    linkageName: linkageName === null ? null : stringOf(unit, linkageName, supplement),
    origin: origin === null ? null : referenceOf(unit, origin),
  };
}

/** What a reference points at; null for forms that point at type units. */
export function referenceOf(unit: Unit, { form, number }: Value): EntryReference | null {
  switch (form) {
    case Form.ref1:
    case Form.ref2:
    case Form.ref4:
    case Form.ref8:
    case Form.refUdata:
      return { supplementary: false, offset: unit.offset + number };
    case Form.refAddr:
      return { supplementary: false, offset: number };
    case Form.gnuRefAlt:
    case Form.refSup4:
    case Form.refSup8:
      return { supplementary: true, offset: number };
    default:
      return null;
  }
}
