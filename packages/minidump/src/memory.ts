/** All memory of the process that the dump holds, as one map from addresses to bytes. */
import type { ByteOrder } from "@faultline/bytes";
import type { MinidumpError } from "./error.ts";
import { MAX_JOINED_BYTES } from "./limits.ts";
import { lastNotAbove, type Pieces } from "./memory-pieces.ts";

export interface MemoryRegion {
  readonly start: bigint;
  readonly size: number;
}

export interface MemoryPiece {
  readonly start: bigint;
  readonly bytes: Uint8Array;
}

/**
 * An address as a number that sorts and subtracts exactly. Addresses that CPUs can hold use no more
 * than 53 bits, but for the sign that kernels' carry: as a signed number each of them fits. One
 * that does not (a tagged pointer, garbage) rounds to a number outside of all regions.
 */
export const addressKey = (address: bigint): number => Number(BigInt.asIntN(64, address));

export class DumpMemory {
  /** Lists of memory that could not be read. */
  readonly damage: readonly MinidumpError[];
  readonly #file: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #pieces: Pieces;
  /** Index of the piece that was found last: stacks and objects are read word by word. */
  #last = 0;

  constructor(
    file: Uint8Array,
    byteOrder: ByteOrder,
    pieces: Pieces,
    damage: readonly MinidumpError[],
  ) {
    this.damage = damage;
    this.#file = file;
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    this.#little = byteOrder === "little";
    this.#pieces = pieces;
  }

  /**
   * The unsigned integer of `size` bytes at `address`, in the dump's byte order; undefined where
   * the dump does not hold all of it.
   */
  read(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined {
    const key = addressKey(address);
    const piece = this.#find(key);
    if (piece < 0) return undefined;
    const { starts, sizes, offsets } = this.#pieces;
    const into = key - starts[piece]!;
    if (into + size <= sizes[piece]!) {
      return integer(this.#view, offsets[piece]! + into, size, this.#little);
    }
    const joined = this.bytes(address, size);
    return joined && integer(new DataView(joined.buffer), 0, size, this.#little);
  }

  /**
   * `length` bytes from `address` on; undefined where the dump does not hold all of them. A view of
   * the file, but a copy where they lie apart in it, and then no more than MAX_JOINED_BYTES.
   */
  bytes(address: bigint, length: number): Uint8Array | undefined {
    const key = addressKey(address);
    const piece = this.#find(key);
    if (piece < 0) return undefined;
    const { starts, sizes, offsets } = this.#pieces;
    const into = key - starts[piece]!;
    if (into + length <= sizes[piece]!) {
      const at = offsets[piece]! + into;
      return this.#file.subarray(at, at + length);
    }
    return length <= MAX_JOINED_BYTES ? this.#joined(key, piece, length) : undefined;
  }

  /** The memory without a gap around `address`: how far one can read from there. */
  regionAt(address: bigint): MemoryRegion | undefined {
    const piece = this.#find(addressKey(address));
    if (piece < 0) return undefined;
    const { runStarts, runEnds } = this.#pieces;
    const start = runStarts[piece]!;
    return { start: BigInt.asUintN(64, BigInt(start)), size: runEnds[piece]! - start };
  }

  /** What the dump holds of [start, end), from its lowest address on; views of the file. */
  *piecesIn(start: bigint, end: bigint): Generator<MemoryPiece> {
    const { starts, sizes, offsets } = this.#pieces;
    const first = addressKey(start);
    const last = addressKey(end);
    for (let piece = Math.max(0, lastNotAbove(starts, first)); piece < starts.length; piece++) {
      const from = Math.max(first, starts[piece]!);
      const to = Math.min(last, starts[piece]! + sizes[piece]!);
      if (starts[piece]! >= last) return;
      if (to <= from) continue;
      const at = offsets[piece]! + (from - starts[piece]!);
      yield {
        start: BigInt.asUintN(64, BigInt(from)),
        bytes: this.#file.subarray(at, at + to - from),
      };
    }
  }

  /** Index of the piece that holds `key`, -1 where none does. */
  #find(key: number): number {
    const { starts, sizes } = this.#pieces;
    const last = this.#last;
    const into = key - starts[last]!;
    if (into >= 0 && into < sizes[last]!) return last;
    const index = lastNotAbove(starts, key);
    if (index < 0 || key - starts[index]! >= sizes[index]!) return -1;
    this.#last = index;
    return index;
  }

  #joined(key: number, first: number, length: number): Uint8Array | undefined {
    const { starts, sizes, offsets, runEnds } = this.#pieces;
    if (key + length > runEnds[first]!) return undefined;
    const bytes = new Uint8Array(length);
    for (let piece = first, done = 0; done < length; piece++) {
      const into = key + done - starts[piece]!;
      const at = offsets[piece]! + into;
      const part = this.#file.subarray(at, at + Math.min(sizes[piece]! - into, length - done));
      bytes.set(part, done);
      done += part.length;
    }
    return bytes;
  }
}

function integer(view: DataView, at: number, size: 1 | 2 | 4 | 8, little: boolean): bigint {
  switch (size) {
    case 1:
      return BigInt(view.getUint8(at));
    case 2:
      return BigInt(view.getUint16(at, little));
    case 4:
      return BigInt(view.getUint32(at, little));
    case 8:
      return view.getBigUint64(at, little);
  }
}
