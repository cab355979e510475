/**
 * Units of `.debug_info`: their headers and what their root entry says. DWARF 5, section 7.5.1; versions
 * 2 to 4 per DWARF 4, section 7.5.1.1. Type units are passed over: nothing that has an address is in them.
 */
import { DebugInfoError, hex } from "../error.ts";
import {
  type AbbreviationTable,
  abbreviationOf,
  attributesOf,
  type Encoding,
  readAbbreviations,
} from "./abbreviations.ts";
import { ByteReader } from "./byte-reader.ts";
import { Attribute, Form, UnitType } from "./constants.ts";
import { actualForm, readNumber } from "./forms.ts";
import type { DwarfSections } from "./sections.ts";

/**
 * An entry, by its offset into `.debug_info`; one of the supplementary file as supplementaryEntry of its offset there. A
 * number, because every function and every call has one.
 */
export type EntryReference = number;

/** From an offset to a reference, and back. */
export const supplementaryEntry = (offset: number): EntryReference => -1 - offset;

/** A value as stored: what the number means depends on the form. */
export interface Value {
  readonly form: number;
  readonly number: number;
}

export interface RootEntry {
  readonly tag: number;
  readonly values: ReadonlyMap<number, Value>;
  /** DW_AT_GNU_dwo_id as 16 hex digits: 64 bits do not fit a number. */
  readonly gnuDwoId: string | null;
}

export interface Unit extends Encoding {
  readonly sections: DwarfSections;
  /** Of the unit's header in `.debug_info`; references of forms ref1…ref_udata count from here. */
  readonly offset: number;
  readonly end: number;
  readonly type: number;
  /** Of the root entry. */
  readonly entriesAt: number;
  readonly abbreviations: AbbreviationTable;
  readonly root: RootEntry;
  /** Joins a skeleton with its split unit, as 16 hex digits; null for ordinary units. */
  readonly dwoId: string | null;
  /** Base offsets into the sections of the same name. */
  readonly strOffsetsBase: number;
  readonly rnglistsBase: number;
  readonly rangesBase: number;
  /** Where indexed addresses are: of a split unit, in the skeleton's file. */
  readonly addresses: Uint8Array;
  readonly addrBase: number;
  /** Base of range lists: the root's low_pc. */
  readonly lowPc: number;
}

/** The compilation units (partial and skeleton ones too) of a file, in order; type units are left out. */
export function readUnits(sections: DwarfSections, split: boolean): readonly Unit[] {
  const units: Unit[] = [];
  const tables = new Map<string, AbbreviationTable>();
  for (let at = 0; at < sections.info.length;) {
    const { unit, end } = readUnit(sections, at, split, tables);
    if (unit !== null) units.push(unit);
    at = end;
  }
  return units;
}

interface UnitHeader extends Encoding {
  readonly offset: number;
  readonly end: number;
  readonly type: number;
  readonly abbrevOffset: number;
  readonly dwoId: string | null;
  readonly entriesAt: number;
}

function readHeader(sections: DwarfSections, offset: number, split: boolean): UnitHeader {
  const reader = new ByteReader(sections.info, sections.littleEndian, ".debug_info", offset);
  const { offsetSize, end } = reader.initialLength();
  const version = reader.u16();
  if (version < 2 || version > 5) {
    throw new DebugInfoError(
      "bad-dwarf",
      `.debug_info: unit at ${hex(offset)}: version: wanted 2 to 5, found ${version}`,
    );
  }
  const type = version >= 5 ? reader.u8() : split ? UnitType.splitCompile : UnitType.compile;
  const newOrder = version >= 5;
  const early = newOrder ? reader.u8() : 0;
  const abbrevOffset = reader.offset(offsetSize);
  const addressSize = newOrder ? early : reader.u8();
  let dwoId: string | null = null;
  if (type === UnitType.skeleton || (newOrder && type === UnitType.splitCompile)) {
    dwoId = idText(reader.bytes, reader.at, reader.littleEndian);
    reader.at += 8;
  } else if (type === UnitType.type || type === UnitType.splitType) {
    reader.at += 8 + offsetSize;
  }
  reader.check("unit header", end);
  if (addressSize !== 2 && addressSize !== 4 && addressSize !== 8) {
    throw new DebugInfoError(
      "bad-dwarf",
      `.debug_info: unit at ${hex(offset)}: address_size: wanted 2, 4 or 8, found ${addressSize}`,
    );
  }
  return {
    version,
    offsetSize,
    addressSize,
    offset,
    end,
    type,
    abbrevOffset,
    dwoId,
    entriesAt: reader.at,
  };
}

function readUnit(
  sections: DwarfSections,
  offset: number,
  split: boolean,
  tables: Map<string, AbbreviationTable>,
): { unit: Unit | null; end: number } {
  const header = readHeader(sections, offset, split);
  const { end } = header;
  if (header.type === UnitType.type || header.type === UnitType.splitType)
    return { unit: null, end };
  const key = `${header.abbrevOffset}/${header.version}/${header.offsetSize}/${header.addressSize}`;
  const abbreviations = tables.get(key) ?? readAbbreviations(sections, header.abbrevOffset, header);
  tables.set(key, abbreviations);
  const root = readRoot(sections, header, abbreviations);
  if (root === null) return { unit: null, end };
  const base = (attribute: number, otherwise: number): number =>
    root.values.get(attribute)?.number ?? otherwise;
  const unit: Unit = {
    ...header,
    sections,
    abbreviations,
    root,
    dwoId: header.dwoId ?? root.gnuDwoId,
    // a split unit of version 5 has no attribute: its tables begin behind their own headers
    strOffsetsBase: base(
      Attribute.strOffsetsBase,
      split && header.version >= 5 ? 2 * header.offsetSize : 0,
    ),
    rnglistsBase: base(
      Attribute.rnglistsBase,
      split && header.version >= 5 ? header.offsetSize * 2 + 4 : 0,
    ),
    rangesBase: base(Attribute.gnuRangesBase, 0),
    addresses: sections.addr,
    addrBase: base(Attribute.addrBase, base(Attribute.gnuAddrBase, 0)),
    lowPc: 0,
  };
  return { unit: withLowPc(unit), end };
}

/** low_pc may be an index, which takes the unit's own address base. */
export function withLowPc(unit: Unit): Unit {
  const value = unit.root.values.get(Attribute.lowPc);
  return value === undefined
    ? unit
    : { ...unit, lowPc: addressOf(unit, value.form, value.number) ?? 0 };
}

const rootAttributes = new Set<number>(Object.values(Attribute));

function readRoot(
  sections: DwarfSections,
  header: UnitHeader,
  abbreviations: AbbreviationTable,
): RootEntry | null {
  const reader = new ByteReader(
    sections.info,
    sections.littleEndian,
    ".debug_info",
    header.entriesAt,
  );
  const code = reader.uleb();
  if (header.entriesAt >= header.end || code === 0) return null;
  const abbreviation = abbreviationOf(abbreviations, code);
  if (abbreviation === undefined) {
    throw new DebugInfoError(
      "bad-dwarf",
      `.debug_info: entry at ${hex(header.entriesAt)}: no abbreviation ${code}`,
    );
  }
  const values = new Map<number, Value>();
  const attributes = attributesOf(abbreviation, sections);
  let gnuDwoId: string | null = null;
  for (let at = 0; at < attributes.length; at += 3) {
    const name = attributes[at] as number;
    const form = actualForm(reader, attributes[at + 1] as number);
    if (name === Attribute.gnuDwoId)
      gnuDwoId = idText(reader.bytes, reader.at, reader.littleEndian);
    const number = readNumber(reader, form, attributes[at + 2] as number, header);
    if (rootAttributes.has(name)) values.set(name, { form, number });
  }
  reader.check("root entry", header.end);
  return { tag: abbreviation.tag, values, gnuDwoId };
}

function idText(bytes: Uint8Array, at: number, littleEndian: boolean): string {
  const id = Buffer.from(bytes.subarray(at, at + 8));
  return (littleEndian ? id.reverse() : id).toString("hex");
}

/** An address value, through the address table where the form is an index; null when the table lacks it. */
export function addressOf(unit: Unit, form: number, number: number): number | null {
  switch (form) {
    case Form.addrx:
    case Form.addrx1:
    case Form.addrx2:
    case Form.addrx3:
    case Form.addrx4:
    case Form.gnuAddrIndex:
      return indexedAddress(unit, number);
    default:
      return number;
  }
}

export function indexedAddress(unit: Unit, index: number): number | null {
  const at = unit.addrBase + index * unit.addressSize;
  if (at + unit.addressSize > unit.addresses.length) return null;
  return new ByteReader(unit.addresses, unit.sections.littleEndian, ".debug_addr", at).sized(
    unit.addressSize,
  );
}
