/**
 * Where Windows keeps a process's command line and environment, if the dump has the structures that lead there.
 *
 * Thread → TEB → PEB → RTL_USER_PROCESS_PARAMETERS; offsets as Crashpad has them (util/win/process_structs.h), which
 * puts all of it into its dumps; MiniDumpWriteDump does with MiniDumpWithProcessThreadData.
 */
import { streamOf, wordsOf, type Dump } from "./dump.ts";
import { memoryAt, THREAD_LIST, type MemoryRange } from "./memory.ts";

/** Offsets by the size of a pointer. */
const LAYOUT = {
  4: { peb: 0x30, parameters: 0x10, commandLine: 0x40, environment: 0x48, environmentSize: 0x290 },
  8: { peb: 0x60, parameters: 0x20, commandLine: 0x70, environment: 0x80, environmentSize: 0x3f0 },
} as const;
/** MINIDUMP_THREAD.Teb of the first thread, behind the list's count. */
const FIRST_TEB_AT = 4 + 16;
/** Windows allows 32 KiB of UTF-16 each; an environment may grow beyond. */
const MAX_BYTES = 1n << 20n;

/** Empty when the dump does not tell. */
export async function processParameters(
  dump: Dump,
  wordBytes: 4 | 8,
): Promise<readonly MemoryRange[]> {
  const layout = LAYOUT[wordBytes];
  const threads = streamOf(dump, THREAD_LIST);
  if (threads === null) return [];
  const record = await dump.bytes.read(threads.at + FIRST_TEB_AT, 8);
  if (record.length < 8) return [];
  const teb = wordsOf(record, dump.isLittle, 8).word(0);
  const pointer = async (from: bigint | null, offset: number): Promise<bigint | null> =>
    from === null ? null : await wordAt(dump, from + BigInt(offset), wordBytes);

  const parameters = await pointer(await pointer(teb, layout.peb), layout.parameters);
  const line = await pointer(parameters, layout.commandLine + wordBytes);
  const lineBytes = await pointer(parameters, layout.commandLine);
  const environment = await pointer(parameters, layout.environment);
  const size = await pointer(parameters, layout.environmentSize);
  const environmentBytes = size === null || size === 0n || size > MAX_BYTES ? MAX_BYTES : size;
  return [
    // UNICODE_STRING: the length in its first 16 bits, the room in the next, then the address
    ...rangeOf(line, lineBytes === null ? 0n : (lineBytes >> 16n) & 0xffffn),
    ...rangeOf(environment, environmentBytes),
  ];
}

const rangeOf = (start: bigint | null, size: bigint): readonly MemoryRange[] =>
  start === null || start === 0n ? [] : [{ start, end: start + size }];

/** Null where the dump holds no such memory. */
async function wordAt(dump: Dump, address: bigint, wordBytes: 4 | 8): Promise<bigint | null> {
  const bytes = await memoryAt(dump, address, wordBytes);
  return bytes === null ? null : wordsOf(bytes, dump.isLittle, wordBytes).word(0);
}
