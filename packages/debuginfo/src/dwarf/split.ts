/**
 * Split DWARF: units whose entries are in another file (.dwo), or in a package of many (.dwp).
 *
 * DWARF 5, sections 7.3.2 and 7.3.5; the package index of version 2 as GCC's "DebugFission" wiki and
 * binutils define it. A skeleton unit in the object keeps the line program, the addresses and, before
 * version 5, the range lists; the id joins the two.
 */
import { DebugInfoError, hex } from "../error.ts";
import { MAX_PACKAGE_UNITS } from "../limits.ts";
import { ByteReader } from "./byte-reader.ts";
import { functionNames, type Names } from "./names.ts";
import type { DwarfSections } from "./sections.ts";
import { loadSections } from "./sections.ts";
import { readUnits, type Unit, withLowPc } from "./unit.ts";

/** A split unit as its own file has it, and how its functions get their names. */
export interface SplitUnit {
  readonly unit: Unit;
  readonly names: Names;
}

/** Split units by id, of a .dwo or .dwp. `load` answers with a section's bytes by name. */
export function readSplitUnits(
  load: (name: string) => Uint8Array | null,
  littleEndian: boolean,
): ReadonlyMap<string, SplitUnit> {
  const whole = loadSections(load, littleEndian, true);
  const index = load(".debug_cu_index");
  const parts =
    index === null ? [whole] : readIndex(index, littleEndian).map((row) => partOf(whole, row));
  const found = new Map<string, SplitUnit>();
  for (const sections of parts) {
    const units = readUnits(sections, true);
    const names = functionNames(units, []);
    for (const unit of units) if (unit.dwoId !== null) found.set(unit.dwoId, { unit, names });
  }
  return found;
}

/** The split unit with what its skeleton keeps for it. */
export function joinSplit(skeleton: Unit, split: Unit): Unit {
  const { sections } = split;
  return withLowPc({
    ...split,
    sections:
      split.version < 5
        ? { ...sections, ranges: skeleton.sections.ranges, budget: skeleton.sections.budget }
        : sections,
    rangesBase: skeleton.rangesBase,
    addresses: skeleton.addresses,
    addrBase: skeleton.addrBase,
    lowPc: skeleton.lowPc,
  });
}

/** Where a unit's share of each section is, by the section's number in the index. */
type IndexRow = ReadonlyMap<number, { readonly offset: number; readonly size: number }>;

/** Section numbers: table 7.1 of DWARF 5; version 2 agrees on those used here. */
const IndexSection = { info: 1, abbrev: 3, line: 4, strOffsets: 6, rnglists: 8 } as const;

function partOf(whole: DwarfSections, row: IndexRow): DwarfSections {
  const share = (section: Uint8Array, number: number): Uint8Array => {
    const place = row.get(number);
    return place === undefined
      ? section
      : section.subarray(place.offset, place.offset + place.size);
  };
  return {
    ...whole,
    info: share(whole.info, IndexSection.info),
    abbrev: share(whole.abbrev, IndexSection.abbrev),
    line: share(whole.line, IndexSection.line),
    strOffsets: share(whole.strOffsets, IndexSection.strOffsets),
    rnglists: share(whole.rnglists, IndexSection.rnglists),
  };
}

/** Rows of a package's index. The hash table before them is not needed: the units tell their ids. */
function readIndex(bytes: Uint8Array, littleEndian: boolean): readonly IndexRow[] {
  const reader = new ByteReader(bytes, littleEndian, ".debug_cu_index");
  const first = reader.u16();
  const second = reader.u16();
  const version = littleEndian || first !== 0 ? first : second;
  const columns = reader.u32();
  const units = reader.u32();
  const slots = reader.u32();
  if (version !== 2 && version !== 5) {
    throw new DebugInfoError(
      "bad-dwarf",
      `.debug_cu_index: version at 0x0: wanted 2 or 5, found ${version}`,
    );
  }
  if (units > MAX_PACKAGE_UNITS || columns > 16) {
    throw new DebugInfoError(
      "limit",
      `.debug_cu_index: ${units} units of ${columns} sections, MAX_PACKAGE_UNITS is ${MAX_PACKAGE_UNITS}`,
    );
  }
  const namesAt = 16 + slots * 12;
  const offsetsAt = namesAt + columns * 4;
  const sizesAt = offsetsAt + units * columns * 4;
  reader.at = sizesAt + units * columns * 4;
  reader.check("tables");
  const u32 = (at: number): number => {
    reader.at = at;
    return reader.u32();
  };
  return Array.from({ length: units }, (_, row) => {
    const places = Array.from({ length: columns }, (__, column) => {
      const at = (row * columns + column) * 4;
      return [
        u32(namesAt + column * 4),
        { offset: u32(offsetsAt + at), size: u32(sizesAt + at) },
      ] as const;
    });
    return new Map(places);
  });
}

/** What a skeleton says of its split unit, for a message: the id is what joins them. */
export const splitGap = (skeleton: Unit, name: string | null): string =>
  `split unit ${name ?? "without a name"} (id ${skeleton.dwoId ?? hex(0)}): no .dwo or .dwp with it was given`;
