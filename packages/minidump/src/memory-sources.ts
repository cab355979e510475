/** Where a dump keeps memory: its two lists, and the stacks of its threads. */
import { attempt, MinidumpError } from "./error.ts";
import type { DumpFile } from "./file.ts";
import { addressKey, DumpMemory } from "./memory.ts";
import { layOut, type MappedRange } from "./memory-pieces.ts";
import type { MemoryRange } from "./records.ts";
import type { Stream } from "./stream.ts";
import { Memory64List, type MemoryRange64 } from "./streams/memory64-list.ts";
import { MemoryList } from "./streams/memory-list.ts";
import { ThreadList } from "./streams/thread-list.ts";

type ReadStream = <T>(stream: Stream<T>) => T | undefined;

/** What of a range lies in the file and at an address that CPUs can hold; null where that is nothing. */
function mapped({ start, dataSize, rva }: MemoryRange64, fileSize: number): MappedRange | null {
  const key = addressKey(start);
  const end = key < 0 ? 0 : Number.MAX_SAFE_INTEGER;
  const size = Math.min(dataSize, fileSize - rva, end - key);
  return size > 0 && Number.isSafeInteger(key) ? { key, size, offset: rva } : null;
}

const fromFile = ({ start, location }: MemoryRange): MemoryRange64 => ({ start, ...location });

/**
 * All memory of the dump. Where two sources hold the same address the first does, in the order
 * MemoryList, Memory64List, stacks of threads. A range that is cut off by the end of the file
 * counts as far as it goes; a damaged list is left out and told in `damage`.
 */
export function memoryOf(file: DumpFile, read: ReadStream): DumpMemory {
  const sources = [
    attempt(() => read(MemoryList)?.map(fromFile) ?? []),
    attempt(() => read(Memory64List) ?? []),
    attempt(() => read(ThreadList)?.map(({ stack }) => fromFile(stack)) ?? []),
  ];
  const ranges = sources
    .flatMap((source) => (source instanceof MinidumpError ? [] : source))
    .map((range) => mapped(range, file.bytes.length))
    .filter((range) => range !== null);
  const damage = sources.filter((source) => source instanceof MinidumpError);
  return new DumpMemory(file.bytes, file.byteOrder, layOut(ranges), damage);
}
