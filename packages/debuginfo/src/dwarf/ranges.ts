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

/** Reads the ranges of a unit's entries, one after the other. */
export class RangeReader {
  private readonly unit: Unit;
  private readonly keepZero: boolean;
  /** The lowest of the addresses that mean "dropped" (-2; -1 is above it), as far as a number can tell them. */
  private readonly tombstone: number;
  private readonly rnglists: ByteReader;
  private readonly found: number[] = [];

  constructor(unit: Unit, keepZero: boolean) {
    const { rnglists, littleEndian } = unit.sections;
    this.unit = unit;
    this.keepZero = keepZero;
    this.tombstone = 2 ** (8 * unit.addressSize) - (unit.addressSize === 8 ? 4096 : 2);
    this.rnglists = new ByteReader(rnglists, littleEndian, ".debug_rnglists");
  }

  /** Ranges that really hold code; empty for declarations and dead code. */
  read(attributes: EntryAttributes): Ranges {
    const { found, unit } = this;
    found.length = 0;
    const ranges = attributes.value(Slot.ranges);
    if (ranges === null) this.addPcRange(attributes);
    else if (unit.version >= 5) this.addRangeList(ranges);
    else this.addOldRanges(ranges.number);
    return found.slice();
  }

  private add(start: number, end: number): void {
    if (
      end > start &&
      end - start <= MAX_RANGE_BYTES &&
      (start !== 0 || this.keepZero) &&
      start < this.tombstone &&
      this.found.length < 2 * MAX_RANGES
    )
      this.found.push(start, end);
  }

  /** low_pc and high_pc, of which the latter is an address or a length. */
  private addPcRange({ forms, numbers }: EntryAttributes): void {
    const { unit } = this;
    const lowForm = forms[Slot.lowPc] as number;
    const highForm = forms[Slot.highPc] as number;
    if (lowForm === 0 || highForm === 0) return;
    const start = addressOf(unit, lowForm, numbers[Slot.lowPc] as number);
    const high = numbers[Slot.highPc] as number;
    if (start === null) return;
    this.add(
      start,
      isAddress(highForm) ? (addressOf(unit, highForm, high) ?? start) : start + high,
    );
  }

  private addOldRanges(offset: number): void {
    const { unit } = this;
    const { sections, addressSize } = unit;
    const at = offset + unit.rangesBase;
    const reader = new ByteReader(sections.ranges, sections.littleEndian, ".debug_ranges", at);
    const highest = 2 ** (8 * addressSize);
    let base = unit.lowPc;
    let read = 0;
    for (
      let left = MAX_RANGES;
      left > 0 && reader.at + 2 * addressSize <= reader.bytes.length;
      left -= 1
    ) {
      const start = reader.sized(addressSize);
      const end = reader.sized(addressSize);
      if (start === 0 && end === 0) break;
      if (start >= highest - 1) base = end;
      else if (start < this.tombstone) this.add(base + start, base + end);
      read += 1;
    }
    sections.budget.spend("MAX_RANGE_READS", read);
  }

  private addRangeList(value: Value): void {
    const { unit, rnglists: reader } = this;
    reader.at = this.listOffset(value);
    let base = unit.lowPc;
    let read = 0;
    for (; read < MAX_RANGES && reader.at < reader.bytes.length; read += 1) {
      const entry = reader.u8();
      if (entry === RangeEntry.baseAddressx) base = this.address(reader.uleb());
      else if (entry === RangeEntry.baseAddress) base = reader.sized(unit.addressSize);
      else if (entry === RangeEntry.offsetPair) {
        const start = reader.uleb();
        const end = reader.uleb();
        if (base < this.tombstone) this.add(base + start, base + end);
      } else if (!this.addRange(entry)) break;
    }
    unit.sections.budget.spend("MAX_RANGE_READS", read + 1);
  }

  /** False at the end of the list, and for an entry nobody has defined: what follows cannot be told. */
  private addRange(entry: number): boolean {
    const { rnglists: reader } = this;
    const { addressSize } = this.unit;
    const isIndexed = entry === RangeEntry.startxEndx || entry === RangeEntry.startxLength;
    if (!isIndexed && entry !== RangeEntry.startEnd && entry !== RangeEntry.startLength)
      return false;
    const start = isIndexed ? this.address(reader.uleb()) : reader.sized(addressSize);
    if (entry === RangeEntry.startxEndx) this.add(start, this.address(reader.uleb()));
    else if (entry === RangeEntry.startEnd) this.add(start, reader.sized(addressSize));
    else this.add(start, start + reader.uleb());
    return true;
  }

  private address(index: number): number {
    return indexedAddress(this.unit, index) ?? 2 ** (8 * this.unit.addressSize) - 1;
  }

  /** An index goes through the table of offsets behind the list header. */
  private listOffset({ form, number }: Value): number {
    const { unit, rnglists: reader } = this;
    if (form !== Form.rnglistx) return number;
    reader.at = unit.rnglistsBase + number * unit.offsetSize;
    if (reader.at + unit.offsetSize > reader.bytes.length) return reader.bytes.length;
    return unit.rnglistsBase + reader.offset(unit.offsetSize);
  }
}

function isAddress(form: number): boolean {
  return (
    form === Form.addr ||
    form === Form.addrx ||
    (form >= Form.addrx1 && form <= Form.addrx4) ||
    form === Form.gnuAddrIndex
  );
}
