/** Fields of a file's records by offset, in the file's own class and byte order. */
import { type Layouts, layouts32, layouts64 } from "./format.ts";

export interface RecordReader {
  readonly is64: boolean;
  readonly littleEndian: boolean;
  readonly layouts: Layouts;
  u8(view: DataView, at: number): number;
  u16(view: DataView, at: number): number;
  u32(view: DataView, at: number): number;
  /**
   * An address, offset or size of the file's class. Values above 2^53 lose their low bits: none that is
   * true of a file reaches them, and every use checks the range.
   */
  word(view: DataView, at: number): number;
}

export function recordReader(is64: boolean, littleEndian: boolean): RecordReader {
  const u32 = (view: DataView, at: number): number => view.getUint32(at, littleEndian);
  const [high, low] = littleEndian ? [4, 0] : [0, 4];
  return {
    is64,
    littleEndian,
    layouts: is64 ? layouts64 : layouts32,
    u8: (view, at) => view.getUint8(at),
    u16: (view, at) => view.getUint16(at, littleEndian),
    u32,
    word: is64 ? (view, at) => u32(view, at + high) * 2 ** 32 + u32(view, at + low) : u32,
  };
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
