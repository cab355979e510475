/**
 * The memory that a dump holds, range by range, without holding any of it.
 *
 * minidumpapiset.h: MINIDUMP_THREAD_LIST (its stacks), MINIDUMP_MEMORY_LIST, MINIDUMP_MEMORY64_LIST. A list
 * that is cut short, or longer than MAX_DUMP_RANGES, counts as far as it goes.
 */
import { MAX_DUMP_RANGES } from "../../limits.ts";
import { streamOf, wordsOf, type Dump, type DumpStream } from "./dump.ts";

/** Bytes of the process at `address`, in the file at `at`. Whole inside the file. */
export interface MemoryPiece {
  readonly address: bigint;
  readonly size: number;
  readonly at: number;
}

/** Bytes of the process, `end` behind the last one. */
export interface MemoryRange {
  readonly start: bigint;
  readonly end: bigint;
}

export const THREAD_LIST = 3;
const MEMORY_LIST = 5;
const MEMORY64_LIST = 9;

const THREAD_BYTES = 48;
/** MINIDUMP_THREAD.Stack. */
const STACK_AT = 24;
const RANGE_BYTES = 16;
const SLAB_BYTES = 65_536;

/** The threads' stacks, some at a time. */
export const stacks = (dump: Dump): AsyncGenerator<readonly MemoryPiece[]> =>
  described(dump, streamOf(dump, THREAD_LIST), THREAD_BYTES, STACK_AT);

/** All memory: stacks first, then the lists; pieces may overlap. */
export async function* memoryPieces(dump: Dump): AsyncGenerator<readonly MemoryPiece[]> {
  yield* stacks(dump);
  yield* described(dump, streamOf(dump, MEMORY_LIST), RANGE_BYTES, 0);
  yield* joined(dump, streamOf(dump, MEMORY64_LIST));
}

/** The process's bytes from an address on; null where no piece holds them all. */
export async function memoryAt(
  dump: Dump,
  address: bigint,
  length: number,
): Promise<Buffer | null> {
  for await (const pieces of memoryPieces(dump)) {
    for (const piece of pieces) {
      const offset = address - piece.address;
      if (offset < 0n || offset + BigInt(length) > piece.size) continue;
      return await dump.bytes.read(piece.at + Number(offset), length);
    }
  }
  return null;
}

/** A list of records that each hold a MINIDUMP_MEMORY_DESCRIPTOR at `offset`. */
async function* described(
  dump: Dump,
  stream: DumpStream | null,
  recordBytes: number,
  offset: number,
): AsyncGenerator<readonly MemoryPiece[]> {
  if (stream === null) return;
  const head = await dump.bytes.read(stream.at, 4);
  if (head.length < 4) return;
  const count = wordsOf(head, dump.isLittle).u32(0);
  // some writers begin the records at a multiple of eight bytes
  const padding = stream.size === 8 + count * recordBytes ? 4 : 0;
  for await (const slab of slabs(dump, stream.at + 4 + padding, count, recordBytes)) {
    const { u32, u64 } = wordsOf(slab, dump.isLittle);
    const pieces: MemoryPiece[] = [];
    for (let at = offset; at + RANGE_BYTES <= slab.length; at += recordBytes) {
      pieces.push({ address: u64(at), size: u32(at + 8), at: u32(at + 12) });
    }
    yield inside(dump, pieces);
  }
}

/** The ranges' bytes lie one behind the other from MINIDUMP_MEMORY64_LIST.BaseRva. */
async function* joined(
  dump: Dump,
  stream: DumpStream | null,
): AsyncGenerator<readonly MemoryPiece[]> {
  if (stream === null) return;
  const head = await dump.bytes.read(stream.at, RANGE_BYTES);
  if (head.length < RANGE_BYTES) return;
  const { u64: headWord } = wordsOf(head, dump.isLittle);
  const count = Number(headWord(0));
  let next = Number(headWord(8));
  for await (const slab of slabs(dump, stream.at + RANGE_BYTES, count, RANGE_BYTES)) {
    const { u64 } = wordsOf(slab, dump.isLittle);
    const pieces: MemoryPiece[] = [];
    for (let at = 0; at + RANGE_BYTES <= slab.length; at += RANGE_BYTES) {
      const size = Number(u64(at + 8));
      pieces.push({ address: u64(at), size, at: next });
      next += size;
    }
    yield inside(dump, pieces);
  }
}

/** The records' bytes, some at a time. */
async function* slabs(
  dump: Dump,
  at: number,
  count: number,
  recordBytes: number,
): AsyncGenerator<Buffer> {
  const atOnce = Math.floor(SLAB_BYTES / recordBytes);
  const end = Math.min(count, MAX_DUMP_RANGES);
  for (let index = 0; index < end; index += atOnce) {
    const wanted = Math.min(atOnce, end - index) * recordBytes;
    const slab = await dump.bytes.read(at + index * recordBytes, wanted);
    yield slab;
    if (slab.length < wanted) return;
  }
}

const inside = (dump: Dump, pieces: readonly MemoryPiece[]): readonly MemoryPiece[] =>
  pieces
    .map((piece) => ({ ...piece, size: Math.min(piece.size, dump.bytes.size - piece.at) }))
    .filter(({ size }) => size > 0);
