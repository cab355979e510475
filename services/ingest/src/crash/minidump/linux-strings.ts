/**
 * Where Linux and macOS put a process's arguments and environment: above the main thread's first frame.
 *
 * Linux (fs/binfmt_elf.c, create_elf_tables) lays, upwards: the argument count, argv and envp, the auxiliary vector,
 * sixteen random bytes, the strings, the program's file name. A dump with the vector tells both ends of the strings:
 * AT_RANDOM and AT_EXECFN (getauxval(3)). Without it, as Crashpad writes them, and of macOS (bsd/kern/kern_exec.c,
 * exec_copyout_strings), argv and envp themselves tell where the strings begin. No frame reaches there.
 */
import { MAX_AUXV_BYTES, MAX_STACK_SCAN_BYTES, STACK_TOP_BYTES } from "../../limits.ts";
import { streamOf, wordsOf, type Dump } from "./dump.ts";
import { stacks, type MemoryPiece, type MemoryRange } from "./memory.ts";

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

/** Null when the dump does not tell. */
export async function startStrings(dump: Dump, wordBytes: 4 | 8): Promise<MemoryRange | null> {
  return (await byVector(dump)) ?? (await byPointers(dump, wordBytes));
}

async function byVector(dump: Dump): Promise<MemoryRange | null> {
  const stream = streamOf(dump, LINUX_AUXV);
  if (stream === null) return null;
  const bytes = await dump.bytes.read(stream.at, Math.min(stream.size, MAX_AUXV_BYTES));
  const vector = readVector(bytes, dump, 8) ?? readVector(bytes, dump, 4) ?? new Map();
  const start = vector.get(AT_RANDOM);
  if (start === undefined) return null;
  const name = vector.get(AT_EXECFN) ?? 0n;
  const isAbove = name > start && name - start < MAX_STRING_BYTES;
  return { start, end: isAbove ? name + EXECFN_BYTES : start + MAX_STRING_BYTES };
}

/** Null when the words are not of that size. */
function readVector(
  bytes: Buffer,
  { isLittle }: Dump,
  wordBytes: 4 | 8,
): ReadonlyMap<number, bigint> | null {
  const { word } = wordsOf(bytes, isLittle, wordBytes);
  const entries = new Map<number, bigint>();
  for (let at = 0; at + 2 * wordBytes <= bytes.length; at += 2 * wordBytes) {
    const type = Number(word(at));
    if (type > MAX_AT_TYPE) return null;
    if (type === AT_NULL) break;
    entries.set(type, word(at + wordBytes));
  }
  return entries;
}

async function byPointers(dump: Dump, wordBytes: 4 | 8): Promise<MemoryRange | null> {
  let left = MAX_STACK_SCAN_BYTES;
  for await (const pieces of stacks(dump)) {
    for (const piece of pieces) {
      const size = Math.min(piece.size, STACK_TOP_BYTES, left);
      left -= size;
      if (size === 0) return null;
      const start = await firstString(dump, piece, size, wordBytes);
      if (start !== null) return { start, end: piece.address + BigInt(piece.size) };
    }
  }
  return null;
}

/**
 * Looks at the top `size` bytes of a stack for argv and envp; answers with the address of the lowest of their strings.
 * The program may have changed single entries. Copies of them that some frame holds lie lower, and lead to the same
 * strings; what leads to strings below the highest such list is something else.
 */
async function firstString(
  dump: Dump,
  piece: MemoryPiece,
  size: number,
  wordBytes: 4 | 8,
): Promise<bigint | null> {
  const skipped = Math.ceil((piece.size - size) / wordBytes) * wordBytes;
  const bytes = await dump.bytes.read(piece.at + skipped, piece.size - skipped);
  const { word } = wordsOf(bytes, dump.isLittle, wordBytes);
  const top = { bytes, base: piece.address + BigInt(skipped), word, wordBytes };
  let behind = 0n;
  const starts: bigint[] = [];
  for (const list of nonzeroLists(top)) {
    const start = startOf(top, list);
    if (start === null) continue;
    starts.push(start);
    behind = top.base + BigInt(list.end);
  }
  return starts
    .filter((start) => start >= behind)
    .reduce<bigint | null>(
      (least, start) => (least === null || start < least ? start : least),
      null,
    );
}

interface StackTop {
  readonly bytes: Buffer;
  /** Address of the first byte. */
  readonly base: bigint;
  readonly word: (at: number) => bigint;
  readonly wordBytes: 4 | 8;
}

/** Words of which none is null, from `begin` on; the null behind them is at `end`. */
interface WordList {
  readonly begin: number;
  readonly end: number;
}

function* nonzeroLists({ bytes, word, wordBytes }: StackTop): Generator<WordList> {
  let begin = 0;
  for (let at = 0; at + wordBytes <= bytes.length; at += wordBytes) {
    if (word(at) !== 0n) continue;
    if (begin < at) yield { begin, end: at };
    begin = at + wordBytes;
  }
}

/** The lowest string of an envp and of the argv before it; null when the list is no envp: half of it must lead to strings above, the first and last of which are assignments. */
function startOf(top: StackTop, { begin, end }: WordList): bigint | null {
  const { base, word, wordBytes } = top;
  const isAbove = (value: bigint): boolean =>
    value > base + BigInt(end) && value < base + BigInt(top.bytes.length);
  const strings: bigint[] = [];
  for (let at = begin; at < end; at += wordBytes) if (isAbove(word(at))) strings.push(word(at));
  const [first = 0n] = strings;
  if (strings.length * 2 * wordBytes < end - begin || strings.length === 0) return null;
  if (![first, strings.at(-1) ?? 0n].every((string) => isAssignment(top, string))) return null;
  for (let at = begin - 2 * wordBytes; at >= 0 && isAbove(word(at)); at -= wordBytes) {
    strings.push(word(at));
  }
  return strings.reduce((least, string) => (string < least ? string : least));
}

/** NAME=value, as every string of an environment is. */
const isAssignment = ({ bytes, base }: StackTop, address: bigint): boolean => {
  const at = Number(address - base);
  return /^[\w.%()!-]+=/.test(bytes.toString("latin1", at, at + 256));
};
