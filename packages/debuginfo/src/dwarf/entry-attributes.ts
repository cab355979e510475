/**
 * The attributes of one entry that matter here: its addresses, its names, and where it was called. One object is
 * reused for all entries of a walk.
 */
import { type Abbreviation, attributesOf, fixedFormSize } from "./abbreviations.ts";
import type { ByteReader } from "./byte-reader.ts";
import { Attribute, Form } from "./constants.ts";
import { actualForm, readNumber, skipForm } from "./forms.ts";
import { type EntryReference, supplementaryEntry, type Unit, type Value } from "./unit.ts";

/** Where an attribute's form and number are kept. */
export const Slot = {
  lowPc: 0,
  highPc: 1,
  ranges: 2,
  callFile: 3,
  callLine: 4,
  callColumn: 5,
  name: 6,
  linkageName: 7,
  origin: 8,
} as const;
const SLOTS = 9;

const slots = new Map<number, number>([
  [Attribute.lowPc, Slot.lowPc],
  [Attribute.highPc, Slot.highPc],
  [Attribute.ranges, Slot.ranges],
  [Attribute.callFile, Slot.callFile],
  [Attribute.callLine, Slot.callLine],
  [Attribute.callColumn, Slot.callColumn],
  [Attribute.name, Slot.name],
  [Attribute.linkageName, Slot.linkageName],
  [Attribute.mipsLinkageName, Slot.linkageName],
  [Attribute.abstractOrigin, Slot.origin],
  [Attribute.specification, Slot.origin],
]);

/** In a plan, in place of a slot: move past a number of bytes, or past a form. */
const SKIP_BYTES = -1;
const SKIP_FORM = -2;

/** Flat triples: slot, form, implicit constant (of SKIP_BYTES, how many). */
function planOf(abbreviation: Abbreviation, unit: Unit): readonly number[] {
  const attributes = attributesOf(abbreviation, unit.sections);
  const plan: number[] = [];
  let skipped = 0;
  for (let at = 0; at < attributes.length; at += 3) {
    const form = attributes[at + 1] as number;
    const slot = slots.get(attributes[at] as number) ?? SKIP_FORM;
    const size = slot === SKIP_FORM ? fixedFormSize(form, unit) : -1;
    if (size !== -1) {
      skipped += size;
      continue;
    }
    if (skipped > 0) plan.push(SKIP_BYTES, 0, skipped);
    skipped = 0;
    plan.push(slot, form, attributes[at + 2] as number);
  }
  if (skipped > 0) plan.push(SKIP_BYTES, 0, skipped);
  return plan;
}

export class EntryAttributes {
  /** By slot; form 0 stands for an attribute that is not there. */
  readonly forms = new Int32Array(SLOTS);
  readonly numbers = new Float64Array(SLOTS);

  /** Reads an entry past its attributes. The reader stands behind the abbreviation's code. */
  read(unit: Unit, reader: ByteReader, abbreviation: Abbreviation): void {
    const { forms, numbers } = this;
    forms.fill(0);
    abbreviation.plan ??= planOf(abbreviation, unit);
    const { plan } = abbreviation;
    for (let at = 0; at < plan.length; at += 3) {
      const slot = plan[at] as number;
      const constant = plan[at + 2] as number;
      if (slot === SKIP_BYTES) reader.at += constant;
      else if (slot === SKIP_FORM) skipForm(reader, plan[at + 1] as number, unit);
      else {
        const form = actualForm(reader, plan[at + 1] as number);
        forms[slot] = form;
        numbers[slot] = readNumber(reader, form, constant, unit);
      }
    }
  }

  has(slot: number): boolean {
    return this.forms[slot] !== 0;
  }

  /** A number of 32 bits; 0 for an attribute that is not there. */
  number(slot: number): number {
    return this.has(slot) ? (this.numbers[slot] as number) >>> 0 : 0;
  }

  value(slot: number): Value | null {
    return this.has(slot)
      ? { form: this.forms[slot] as number, number: this.numbers[slot] as number }
      : null;
  }

  /** The entry that it is a copy of, or that declares it; null for none, and for forms that point at type units. */
  origin(unit: Unit): EntryReference | null {
    const number = this.numbers[Slot.origin] as number;
    switch (this.forms[Slot.origin] as number) {
      case Form.ref1:
      case Form.ref2:
      case Form.ref4:
      case Form.ref8:
      case Form.refUdata:
        return unit.offset + number;
      case Form.refAddr:
        return number;
      case Form.gnuRefAlt:
      case Form.refSup4:
      case Form.refSup8:
        return supplementaryEntry(number);
      default:
        return null;
    }
  }
}
