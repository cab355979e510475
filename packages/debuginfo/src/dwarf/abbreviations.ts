/**
 * `.debug_abbrev`: what the entries of a unit look like. DWARF 5, section 7.5.3.
 *
 * Most entries are only moved past: runs of forms that have a fixed size are summed up beforehand for that, and what
 * an abbreviation's attributes are is read again for the few whose entries matter.
 */
import { ByteReader } from "./byte-reader.ts";
import { Attribute, Form } from "./constants.ts";
import type { DwarfSections } from "./sections.ts";
import { DebugInfoError, hex } from "../error.ts";
import { MAX_ABBREVIATIONS, MAX_ATTRIBUTES } from "../limits.ts";

export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  /** Where its attributes are in `.debug_abbrev`, for attributesOf. */
  readonly attributesAt: number;
  /** How to move past an entry: a number of bytes, a form whose size varies, a number of bytes, and so on. */
  readonly skips: readonly number[];
  /** Form of DW_AT_sibling, 0 for entries that do not tell where theirs is. */
  readonly siblingForm: number;
  /** How to move to it, as `skips` has it. */
  readonly siblingSkips: readonly number[];
  /** Which attributes are read and how: EntryAttributes makes it when it meets the first such entry. */
  plan: readonly number[] | null;
}

/** By abbreviation code. */
export interface AbbreviationTable {
  readonly dense: readonly (Abbreviation | undefined)[];
  readonly sparse: ReadonlyMap<number, Abbreviation>;
}

/** Sizes that vary by unit. */
export interface Encoding {
  readonly version: number;
  readonly offsetSize: 4 | 8;
  readonly addressSize: number;
}

export const abbreviationOf = (
  { dense, sparse }: AbbreviationTable,
  code: number,
): Abbreviation | undefined => (code < dense.length ? dense[code] : sparse.get(code));

/** Codes up to this are looked up in an array. Compilers number them from 1. */
const DENSE_CODES = 65_536;

/** Throws DebugInfoError `truncated` or `limit`. */
export function readAbbreviations(
  sections: DwarfSections,
  offset: number,
  encoding: Encoding,
): AbbreviationTable {
  const reader = new ByteReader(sections.abbrev, true, ".debug_abbrev", offset);
  reader.check("table");
  const sizes = formSizes(encoding);
  const dense: (Abbreviation | undefined)[] = [];
  const sparse = new Map<number, Abbreviation>();
  let count = 0;
  for (let code = reader.uleb(); code !== 0; code = reader.uleb()) {
    if (count++ >= MAX_ABBREVIATIONS) {
      throw new DebugInfoError(
        "limit",
        `.debug_abbrev: table at ${hex(offset)}: more than MAX_ABBREVIATIONS (${MAX_ABBREVIATIONS})`,
      );
    }
    const abbreviation = readAbbreviation(reader, sizes);
    reader.check(`abbreviation ${code}`);
    if (code <= DENSE_CODES) {
      while (dense.length < code) dense.push(undefined);
      dense[code] ??= abbreviation;
    } else if (!sparse.has(code)) sparse.set(code, abbreviation);
  }
  sections.budget.spend("MAX_ABBREVIATION_READS", reader.at - offset);
  return { dense, sparse };
}

/** The skips of the abbreviation that is read, before they are cut to their number. */
const gathered: number[] = [];
const nothing: readonly number[] = [];

function readAbbreviation(reader: ByteReader, sizes: Int8Array): Abbreviation {
  const tag = reader.uleb();
  const hasChildren = reader.u8() === 1;
  const attributesAt = reader.at;
  let fixed = 0;
  let siblingForm = 0;
  let siblingSkips = nothing;
  gathered.length = 0;
  for (let count = 0; reader.at <= reader.bytes.length; count += 1) {
    const name = reader.uleb();
    const form = reader.uleb();
    if (name === 0 && form === 0) break;
    if (count >= MAX_ATTRIBUTES) {
      throw new DebugInfoError(
        "limit",
        `.debug_abbrev: at ${hex(reader.at)}: more than MAX_ATTRIBUTES (${MAX_ATTRIBUTES})`,
      );
    }
    if (name === Attribute.sibling) {
      siblingForm = form;
      siblingSkips = [...gathered, fixed];
    }
    if (form === Form.implicitConst) reader.skipLeb();
    const size = sizes[form] ?? -1;
    if (size === -1) {
      gathered.push(fixed, form);
      fixed = 0;
    } else fixed += size;
  }
  gathered.push(fixed);
  const skips = gathered.slice();
  return { tag, hasChildren, attributesAt, skips, siblingForm, siblingSkips, plan: null };
}

/** name, form, implicit constant; three numbers an attribute, of an abbreviation that was read from `sections`. */
export function attributesOf(
  { attributesAt }: Abbreviation,
  sections: DwarfSections,
): readonly number[] {
  const reader = new ByteReader(sections.abbrev, true, ".debug_abbrev", attributesAt);
  const attributes: number[] = [];
  while (reader.at <= reader.bytes.length) {
    const name = reader.uleb();
    const form = reader.uleb();
    if (name === 0 && form === 0) break;
    attributes.push(name, form, form === Form.implicitConst ? reader.sleb() : 0);
  }
  return attributes;
}

const sizeTables = new Map<string, Int8Array>();

/** fixedFormSize of the one-byte forms of an encoding. */
function formSizes(encoding: Encoding): Int8Array {
  const key = `${encoding.version}/${encoding.offsetSize}/${encoding.addressSize}`;
  const known = sizeTables.get(key);
  if (known !== undefined) return known;
  const sizes = Int8Array.from({ length: 256 }, (_, form) => fixedFormSize(form, encoding));
  sizeTables.set(key, sizes);
  return sizes;
}

/** Bytes of a form that always takes the same in this unit, -1 for the others. */
export function fixedFormSize(
  form: number,
  { version, offsetSize, addressSize }: Encoding,
): number {
  switch (form) {
    case Form.flagPresent:
    case Form.implicitConst:
      return 0;
    case Form.data1:
    case Form.ref1:
    case Form.flag:
    case Form.strx1:
    case Form.addrx1:
      return 1;
    case Form.data2:
    case Form.ref2:
    case Form.strx2:
    case Form.addrx2:
      return 2;
    case Form.strx3:
    case Form.addrx3:
      return 3;
    case Form.data4:
    case Form.ref4:
    case Form.strx4:
    case Form.addrx4:
    case Form.refSup4:
      return 4;
    case Form.data8:
    case Form.ref8:
    case Form.refSig8:
    case Form.refSup8:
      return 8;
    case Form.data16:
      return 16;
    case Form.addr:
      return addressSize;
    case Form.strp:
    case Form.lineStrp:
    case Form.secOffset:
    case Form.strpSup:
    case Form.gnuRefAlt:
    case Form.gnuStrpAlt:
      return offsetSize;
    case Form.refAddr:
      // DWARF 2, section 7.5.4: as wide as an address; since version 3 as wide as an offset
      return version === 2 ? addressSize : offsetSize;
    default:
      return -1;
  }
}
