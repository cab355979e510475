/**
 * Where a dump holds the environment and the command line of its process: in Breakpad's streams of both
 * (minidump_format.h, MD_LINUX_ENVIRON and MD_LINUX_CMD_LINE), in annotations that are called so, and in memory where
 * the system put them.
 * Not looked for: what the process copied elsewhere. Work: the directory, the lists of memory, tops of stacks.
 */
import { privateAnnotations } from "./crashpad-annotations.ts";
import { streamOf, wordsOf, type Dump, type FileRange } from "./dump.ts";
import { startStrings } from "./linux-strings.ts";
import { memoryPieces, type MemoryPiece, type MemoryRange } from "./memory.ts";
import { processParameters } from "./windows-parameters.ts";

const LINUX_CMD_LINE = 0x47670006;
const LINUX_ENVIRON = 0x47670007;
const SYSTEM_INFO = 7;
/** MINIDUMP_SYSTEM_INFO.PlatformId, and VER_PLATFORM_WIN32_NT. */
const PLATFORM_AT = 20;
const WINDOWS = 2;
/** MINIDUMP_SYSTEM_INFO.ProcessorArchitecture of machines whose pointers have 32 bits: x86, MIPS, ARM. */
const NARROW = new Set([0, 1, 5]);

/** The places to blank, sorted, without overlaps, inside the file. */
export async function privateRanges(dump: Dump): Promise<readonly FileRange[]> {
  const streams = dump.streams.filter(
    ({ type }) => type === LINUX_CMD_LINE || type === LINUX_ENVIRON,
  );
  const annotations = await privateAnnotations(dump);
  const places = await placesOf(dump, await privateMemory(dump));
  return merged([...streams, ...annotations, ...places], dump.bytes.size);
}

async function privateMemory(dump: Dump): Promise<readonly MemoryRange[]> {
  const { isWindows, wordBytes } = await systemOf(dump);
  if (isWindows) return await processParameters(dump, wordBytes);
  const strings = await startStrings(dump, wordBytes);
  return strings === null ? [] : [strings];
}

/** What cannot be read is taken for a 64-bit system that is not Windows. */
async function systemOf(dump: Dump): Promise<{ isWindows: boolean; wordBytes: 4 | 8 }> {
  const stream = streamOf(dump, SYSTEM_INFO);
  const info =
    stream === null ? Buffer.alloc(0) : await dump.bytes.read(stream.at, PLATFORM_AT + 4);
  if (info.length < PLATFORM_AT + 4) return { isWindows: false, wordBytes: 8 };
  const { u16, u32 } = wordsOf(info, dump.isLittle);
  return { isWindows: u32(PLATFORM_AT) === WINDOWS, wordBytes: NARROW.has(u16(0)) ? 4 : 8 };
}

async function placesOf(dump: Dump, ranges: readonly MemoryRange[]): Promise<readonly FileRange[]> {
  const places: FileRange[] = [];
  if (ranges.length === 0) return places;
  for await (const pieces of memoryPieces(dump)) {
    for (const piece of pieces) {
      for (const range of ranges) {
        const place = placeIn(piece, range);
        if (place.size > 0) places.push(place);
      }
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
