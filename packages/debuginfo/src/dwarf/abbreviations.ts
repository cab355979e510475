/**
 * `.debug_abbrev`: what the entries of a unit look like. DWARF 5, section 7.5.3.
 *
 * Attributes are flat triples (name, form, implicit constant) in one array, so that walking an entry
 * touches no object but that. An entry all of whose forms have a fixed size is skipped in one addition.
 */
import { ByteReader } from "./byte-reader.ts";
import { Attribute, Form } from "./constants.ts";
import type { DwarfSections } from "./sections.ts";
import { DebugInfoError, hex } from "../error.ts";
import { MAX_ABBREVIATIONS, MAX_ATTRIBUTES } from "../limits.ts";

export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  /** name, form, implicit constant; three numbers an attribute. */
  readonly attributes: Float64Array;
  /** Bytes of the whole entry behind its code when every form has a fixed size, else -1. */
  readonly fixedSize: number;
  /** Whether the entry says where its next sibling is. */
  readonly hasSibling: boolean;
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

/** What one abbreviation says is gathered here before its own array is cut. */
let gathered = new Float64Array(3 * 64);

function readAbbreviation(reader: ByteReader, sizes: Int8Array): Abbreviation {
  const tag = reader.uleb();
  const hasChildren = reader.u8() === 1;
  let length = 0;
  let fixedSize = 0;
  let hasSibling = false;
  for (;;) {
    const name = reader.uleb();
    const form = reader.uleb();
    const constant = form === Form.implicitConst ? reader.sleb() : 0;
    if (name === 0 && form === 0) break;
    if (length >= 3 * MAX_ATTRIBUTES) {
      throw new DebugInfoError(
        "limit",
        `.debug_abbrev: at ${hex(reader.at)}: more than MAX_ATTRIBUTES (${MAX_ATTRIBUTES})`,
      );
    }
    if (length === gathered.length)
      gathered = Float64Array.from({ length: 3 * MAX_ATTRIBUTES }, (_, at) => gathered[at] ?? 0);
    gathered[length] = name;
    gathered[length + 1] = form;
    gathered[length + 2] = constant;
    length += 3;
    const size = sizes[form] ?? -1;
    fixedSize = fixedSize === -1 || size === -1 ? -1 : fixedSize + size;
    if (name === Attribute.sibling) hasSibling = true;
    if (reader.at > reader.bytes.length) break; // the caller's check reports it
  }
  return { tag, hasChildren, attributes: gathered.slice(0, length), fixedSize, hasSibling };
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
