/**
 * Address ranges of an entry: `.debug_ranges` (DWARF 4, section 2.17.3), `.debug_rnglists` (DWARF 5,
 * section 7.25), or low_pc and high_pc.
 *
 * Code that the linker dropped leaves ranges behind at 0 or at the tombstones -1 and -2 (LLD); they are
 * left out here, so nothing above has to know.
 */
import { MAX_RANGE_BYTES, MAX_RANGES } from "../limits.ts";
import { ByteReader } from "./byte-reader.ts";
import { Form, RangeEntry } from "./constants.ts";
import { type EntryAttributes, Slot } from "./entry-attributes.ts";
import { addressOf, indexedAddress, type Unit, type Value } from "./unit.ts";

/** Flat pairs: start, end (exclusive). */
export type Ranges = number[];

/** Ranges that really hold code; empty for declarations and dead code. */
export function rangesOf(unit: Unit, attributes: EntryAttributes, keepZero: boolean): Ranges {
  const ranges = attributes.value(Slot.ranges);
  if (ranges === null) return pcRange(unit, attributes, keepZero);
  const found: Ranges = [];
  const add = (start: number, end: number): void => {
    if (holdsCode(unit, start, end, keepZero) && found.length < 2 * MAX_RANGES)
      found.push(start, end);
  };
  if (unit.version >= 5) readRangeList(unit, ranges, add);
  else readOldRanges(unit, ranges.number, add);
  return found;
}

const holdsCode = (unit: Unit, start: number, end: number, keepZero: boolean): boolean =>
  end > start &&
  end - start <= MAX_RANGE_BYTES &&
  (start !== 0 || keepZero) &&
  start < tombstone(unit);

/** low_pc and high_pc, of which the latter is an address or a length. */
function pcRange(unit: Unit, { forms, numbers }: EntryAttributes, keepZero: boolean): Ranges {
  const lowForm = forms[Slot.lowPc] as number;
  const highForm = forms[Slot.highPc] as number;
  if (lowForm === 0 || highForm === 0) return [];
  const start = addressOf(unit, lowForm, numbers[Slot.lowPc] as number);
  const high = numbers[Slot.highPc] as number;
  if (start === null) return [];
  const end = isAddress(highForm) ? (addressOf(unit, highForm, high) ?? start) : start + high;
  return holdsCode(unit, start, end, keepZero) ? [start, end] : [];
}

/** The lowest of the addresses that mean "dropped" (-2; -1 is above it), as far as a number can tell them. */
const tombstone = (unit: Unit): number =>
  2 ** (8 * unit.addressSize) - (unit.addressSize === 8 ? 4096 : 2);

function isAddress(form: number): boolean {
  return (
    form === Form.addr ||
    form === Form.addrx ||
    (form >= Form.addrx1 && form <= Form.addrx4) ||
    form === Form.gnuAddrIndex
  );
}

function readOldRanges(
  unit: Unit,
  offset: number,
  add: (start: number, end: number) => void,
): void {
  const reader = new ByteReader(
    unit.sections.ranges,
    unit.sections.littleEndian,
    ".debug_ranges",
    offset + unit.rangesBase,
  );
  const highest = 2 ** (8 * unit.addressSize);
  let base = unit.lowPc;
  let read = 0;
  for (
    let left = MAX_RANGES;
    left > 0 && reader.at + 2 * unit.addressSize <= reader.bytes.length;
    left -= 1
  ) {
    const start = reader.sized(unit.addressSize);
    const end = reader.sized(unit.addressSize);
    if (start === 0 && end === 0) break;
    if (start >= highest - 1) base = end;
    else if (start < tombstone(unit)) add(base + start, base + end);
    read += 1;
  }
  unit.sections.budget.spend("MAX_RANGE_READS", read);
}

function readRangeList(unit: Unit, value: Value, add: (start: number, end: number) => void): void {
  const { sections, addressSize } = unit;
  const reader = new ByteReader(
    sections.rnglists,
    sections.littleEndian,
    ".debug_rnglists",
    listOffset(unit, value),
  );
  const address = (index: number): number =>
    indexedAddress(unit, index) ?? 2 ** (8 * addressSize) - 1;
  let base = unit.lowPc;
  for (let left = MAX_RANGES; left > 0 && reader.at < reader.bytes.length; left -= 1) {
    unit.sections.budget.spend("MAX_RANGE_READS", 1);
    switch (reader.u8()) {
      case RangeEntry.baseAddressx:
        base = address(reader.uleb());
        break;
      case RangeEntry.startxEndx:
        add(address(reader.uleb()), address(reader.uleb()));
        break;
      case RangeEntry.startxLength: {
        const start = address(reader.uleb());
        add(start, start + reader.uleb());
        break;
      }
      case RangeEntry.offsetPair: {
        const start = base + reader.uleb();
        add(base >= tombstone(unit) ? base : start, base + reader.uleb());
        break;
      }
      case RangeEntry.baseAddress:
        base = reader.sized(addressSize);
        break;
      case RangeEntry.startEnd:
        add(reader.sized(addressSize), reader.sized(addressSize));
        break;
      case RangeEntry.startLength: {
        const start = reader.sized(addressSize);
        add(start, start + reader.uleb());
        break;
      }
      default:
        return; // the end, or an entry nobody has defined: what follows cannot be told
    }
  }
}

/** An index goes through the table of offsets behind the list header. */
function listOffset(unit: Unit, value: Value): number {
  if (value.form !== Form.rnglistx) return value.number;
  const at = unit.rnglistsBase + value.number * unit.offsetSize;
  const reader = new ByteReader(
    unit.sections.rnglists,
    unit.sections.littleEndian,
    ".debug_rnglists",
    at,
  );
  if (at + unit.offsetSize > reader.bytes.length) return reader.bytes.length;
  return unit.rnglistsBase + reader.offset(unit.offsetSize);
}
