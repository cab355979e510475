/** Pointers as `.eh_frame` stores them. LSB 5.0 Core, section 10.5.1. */
import type { ByteReader } from "../dwarf/byte-reader.ts";
import { POINTER_INDIRECT, POINTER_OMIT, PointerBase, PointerFormat } from "./constants.ts";

/** What pointers of a section may count from. */
export interface PointerContext {
  readonly addressSize: number;
  /** Address of the section's first byte. */
  readonly sectionAddress: number;
  /** Address of `.text`. */
  readonly text: number;
  /** Address of the global offset table. */
  readonly data: number;
  /** The address stored at an address, null where the file has no bytes. */
  readonly wordAt: (address: number) => number | null;
}

/** Moves past a pointer; null when what it points at cannot be told. */
export function readPointer(
  reader: ByteReader,
  encoding: number,
  context: PointerContext,
): number | null {
  if (encoding === POINTER_OMIT) return null;
  const from = encoding & 0x70;
  if (from === PointerBase.aligned) align(reader, context);
  const base = baseOf(from, reader.at, context);
  const value = readValue(reader, encoding & 0xf, context.addressSize);
  if (base === null || value === null) return null;
  const address = wrapped(base + value, context.addressSize);
  return (encoding & POINTER_INDIRECT) === 0 ? address : context.wordAt(address);
}

/** A length: stored in the pointer's format, but counted from nothing. */
export const readLength = (
  reader: ByteReader,
  encoding: number,
  context: PointerContext,
): number | null => readValue(reader, encoding & 0x7, context.addressSize);

function align(reader: ByteReader, { sectionAddress, addressSize }: PointerContext): void {
  const over = (sectionAddress + reader.at) % addressSize;
  if (over !== 0) reader.at += addressSize - over;
}

function baseOf(from: number, at: number, context: PointerContext): number | null {
  switch (from) {
    case PointerBase.absolute:
    case PointerBase.aligned:
      return 0;
    case PointerBase.pcrel:
      return context.sectionAddress + at;
    case PointerBase.textrel:
      return context.text;
    case PointerBase.datarel:
      return context.data;
    default:
      return null; // funcrel counts from the function that is being read
  }
}

function readValue(reader: ByteReader, format: number, addressSize: number): number | null {
  switch (format) {
    case PointerFormat.absptr:
      return addressSize === 8 ? signed(reader, 8) : reader.sized(addressSize);
    case PointerFormat.uleb128:
      return reader.uleb();
    case PointerFormat.udata2:
      return reader.u16();
    case PointerFormat.udata4:
      return reader.u32();
    case PointerFormat.sleb128:
      return reader.sleb();
    case PointerFormat.sdata2:
      return signed(reader, 2);
    case PointerFormat.sdata4:
      return signed(reader, 4);
    case PointerFormat.udata8:
    case PointerFormat.sdata8:
      return signed(reader, 8);
    default:
      return null;
  }
}

/** Of 64 bits the highest is always a sign: as a large number the low bits of a small distance would be lost. */
function signed(reader: ByteReader, bytes: 2 | 4 | 8): number {
  if (bytes === 2) return (reader.u16() << 16) >> 16;
  if (bytes === 4) return reader.u32() | 0;
  const first = reader.u32();
  const second = reader.u32();
  const [low, high] = reader.littleEndian ? [first, second] : [second, first];
  return (high | 0) * 2 ** 32 + low;
}

/** Sums of 32-bit addresses lose what does not fit. */
const wrapped = (address: number, addressSize: number): number =>
  addressSize === 4 ? address >>> 0 : address;
