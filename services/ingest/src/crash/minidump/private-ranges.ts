/**
 * Where a dump holds the environment and the command line of its process.
 *
 * Breakpad's streams of both (minidump_format.h, MD_LINUX_ENVIRON and MD_LINUX_CMD_LINE), and the strings
 * that the kernel puts above the main thread's first frame: from the random bytes whose address is in the
 * auxiliary vector (getauxval(3), AT_RANDOM) up to the program's file name (AT_EXECFN), the argument and
 * environment strings lie between the two (Linux, fs/binfmt_elf.c, create_elf_tables). No frame reaches there.
 * Not looked for: what the process copied to its heap.
 */
import { MAX_AUXV_BYTES } from "../../limits.ts";
import { streamOf, wordsOf, type Dump } from "./dump.ts";
import { memoryPieces, type MemoryPiece } from "./memory.ts";

/** Bytes of the file. */
export interface FileRange {
  readonly at: number;
  readonly size: number;
}

/** Bytes of the process, `end` behind the last one. */
interface MemoryRange {
  readonly start: bigint;
  readonly end: bigint;
}

const LINUX_CMD_LINE = 0x47670006;
const LINUX_ENVIRON = 0x47670007;
const LINUX_AUXV = 0x47670008;

const AT_NULL = 0;
const AT_RANDOM = 25;
const AT_EXECFN = 31;
/** Types end at 51 today; a 32-bit vector read in 64-bit steps shows types of billions. */
const MAX_AT_TYPE = 0xffff;
/** The longest file name, and the empty word behind it. */
const EXECFN_BYTES = 4_096n + 8n;
/** What Linux allows arguments and environment together: three quarters of its own stack limit, 8 MiB. */
const MAX_STRING_BYTES = 6n * 1024n * 1024n;

/** The places to blank, sorted, without overlaps, inside the file. Work: the directory, the auxiliary vector, the lists of memory. */
export async function privateRanges(dump: Dump): Promise<readonly FileRange[]> {
  const streams = dump.streams.filter(
    ({ type }) => type === LINUX_CMD_LINE || type === LINUX_ENVIRON,
  );
  const strings = await startStrings(dump);
  const places = strings === null ? [] : await placesOf(dump, strings);
  return merged([...streams, ...places], dump.bytes.size);
}

/** Null when the dump does not tell. */
async function startStrings(dump: Dump): Promise<MemoryRange | null> {
  const stream = streamOf(dump, LINUX_AUXV);
  if (stream === null) return null;
  const bytes = await dump.bytes.read(stream.at, Math.min(stream.size, MAX_AUXV_BYTES));
  const vector = readAuxv(bytes, dump.isLittle);
  const start = vector.get(AT_RANDOM);
  if (start === undefined) return null;
  const name = vector.get(AT_EXECFN) ?? 0n;
  const isAbove = name > start && name - start < MAX_STRING_BYTES;
  return { start, end: isAbove ? name + EXECFN_BYTES : start + MAX_STRING_BYTES };
}

/** Entries of 64-bit or of 32-bit words, whichever the bytes are. */
function readAuxv(bytes: Buffer, isLittle: boolean): ReadonlyMap<number, bigint> {
  return readEntries(bytes, isLittle, 8) ?? readEntries(bytes, isLittle, 4) ?? new Map();
}

function readEntries(
  bytes: Buffer,
  isLittle: boolean,
  wordBytes: 4 | 8,
): ReadonlyMap<number, bigint> | null {
  const { u32, u64 } = wordsOf(bytes, isLittle);
  const word = (at: number): bigint => (wordBytes === 8 ? u64(at) : BigInt(u32(at)));
  const entries = new Map<number, bigint>();
  for (let at = 0; at + 2 * wordBytes <= bytes.length; at += 2 * wordBytes) {
    const type = Number(word(at));
    if (type > MAX_AT_TYPE) return null;
    if (type === AT_NULL) break;
    entries.set(type, word(at + wordBytes));
  }
  return entries;
}

async function placesOf(dump: Dump, range: MemoryRange): Promise<readonly FileRange[]> {
  const places: FileRange[] = [];
  for await (const pieces of memoryPieces(dump)) {
    for (const piece of pieces) {
      const place = placeIn(piece, range);
      if (place.size > 0) places.push(place);
    }
  }
  return places;
}

/** Of the range, what the piece holds; of no or negative size when that is nothing. */
function placeIn({ address, size, at }: MemoryPiece, { start, end }: MemoryRange): FileRange {
  const from = start > address ? start : address;
  const pieceEnd = address + BigInt(size);
  const to = end < pieceEnd ? end : pieceEnd;
  return { at: at + Number(from - address), size: Number(to - from) };
}

/** So that no byte is blanked twice, however often a directory names it. */
function merged(ranges: readonly FileRange[], fileSize: number): readonly FileRange[] {
  const result: FileRange[] = [];
  let done = 0;
  for (const { at, size } of ranges.toSorted((a, b) => a.at - b.at)) {
    const from = Math.max(at, done);
    const to = Math.min(at + size, fileSize);
    if (from >= to) continue;
    result.push({ at: from, size: to - from });
    done = to;
  }
  return result;
}
