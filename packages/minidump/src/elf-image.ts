/**
 * An ELF file as it lies in the process' memory: its extent and its build id (System V ABI,
 * chapters 4 and 5; the note is binutils').
 */
import {
  type ByteOrder,
  bytes,
  Cursor,
  type Fields,
  struct,
  u16,
  u32,
  u64,
} from "@faultline/bytes";
import {
  MAX_BUILD_ID_BYTES,
  MAX_NOTE_BYTES,
  MAX_NOTE_SEGMENTS,
  MAX_PROGRAM_HEADERS,
} from "./limits.ts";
import type { DumpMemory } from "./memory.ts";
import { word } from "./records.ts";

const Ehdr64 = struct("Elf64_Ehdr", {
  ident: bytes(16),
  type: u16,
  machine: u16,
  version: u32,
  entry: u64,
  phoff: u64,
  shoff: u64,
  flags: u32,
  ehsize: u16,
  phentsize: u16,
  phnum: u16,
});

const Ehdr32 = struct("Elf32_Ehdr", {
  ident: bytes(16),
  type: u16,
  machine: u16,
  version: u32,
  entry: word,
  phoff: word,
  shoff: word,
  flags: u32,
  ehsize: u16,
  phentsize: u16,
  phnum: u16,
});

const Phdr64 = struct("Elf64_Phdr", {
  type: u32,
  flags: u32,
  offset: u64,
  vaddr: u64,
  paddr: u64,
  filesz: u64,
  memsz: u64,
  align: u64,
});

const Phdr32 = struct("Elf32_Phdr", {
  type: u32,
  offset: word,
  vaddr: word,
  paddr: word,
  filesz: word,
  memsz: word,
  flags: u32,
  align: word,
});
type Phdr = Fields<typeof Phdr32> | Fields<typeof Phdr64>;

const Nhdr = struct("Elf_Nhdr", { namesz: u32, descsz: u32, type: u32 });

const PT_LOAD = 1;
const PT_NOTE = 4;
const NT_GNU_BUILD_ID = 3;

/** What of the two classes of files differs here. */
const CLASSES = {
  1: { ehdr: Ehdr32, headerSize: 52, phdr: Phdr32, phentsize: 32 },
  2: { ehdr: Ehdr64, headerSize: 64, phdr: Phdr64, phentsize: 56 },
} as const;

export interface ElfImage {
  /** Bytes from the first loaded segment to the end of the last. */
  readonly size: bigint;
  readonly buildId: Uint8Array | null;
}

/** `\x7fELF`, the class, the byte order. */
function identAt(memory: DumpMemory, base: bigint) {
  const ident = memory.bytes(base, 6);
  if (ident?.[0] !== 0x7f || String.fromCharCode(...ident.subarray(1, 4)) !== "ELF") return null;
  const layout = ident[4] === 1 || ident[4] === 2 ? CLASSES[ident[4]] : null;
  const byteOrder: ByteOrder = ident[5] === 2 ? "big" : "little";
  return layout && { ...layout, byteOrder };
}

/** Names and descriptions are padded to 4 bytes each. */
const padded = (size: number): number => Math.ceil(size / 4) * 4;

/** The build id among notes; null where there is none, or the notes are cut off or make no sense. */
function buildIdOf(notes: Uint8Array, byteOrder: ByteOrder): Uint8Array | null {
  const cursor = new Cursor(notes, 0, byteOrder);
  while (cursor.remaining >= 12) {
    const { namesz, descsz, type } = Nhdr.read(cursor);
    if (padded(namesz) + descsz > cursor.remaining) return null;
    const name = cursor.bytes(padded(namesz), "name").subarray(0, namesz);
    const desc = cursor.bytes(Math.min(padded(descsz), cursor.remaining), "desc");
    if (type === NT_GNU_BUILD_ID && String.fromCharCode(...name) === "GNU\0") {
      return descsz > 0 && descsz <= MAX_BUILD_ID_BYTES ? desc.subarray(0, descsz) : null;
    }
  }
  return null;
}

function programHeaders(
  memory: DumpMemory,
  base: bigint,
): { order: ByteOrder; headers: readonly Phdr[] } | null {
  const layout = identAt(memory, base);
  const header = layout && memory.bytes(base, layout.headerSize);
  if (!layout || !header) return null;
  const { phoff, phentsize, phnum } = layout.ehdr.read(new Cursor(header, 0, layout.byteOrder));
  if (phentsize !== layout.phentsize || phnum > MAX_PROGRAM_HEADERS) return null;
  const table = memory.bytes(base + phoff, phnum * phentsize);
  if (table === undefined) return null;
  const cursor = new Cursor(table, 0, layout.byteOrder);
  return {
    order: layout.byteOrder,
    headers: Array.from({ length: phnum }, () => layout.phdr.read(cursor)),
  };
}

/** The file whose beginning is mapped at `base`; null where memory of the dump does not show one. */
export function elfImageAt(memory: DumpMemory, base: bigint): ElfImage | null {
  const found = programHeaders(memory, base);
  const loads = found?.headers.filter(({ type }) => type === PT_LOAD) ?? [];
  const [first] = loads;
  if (!found || !first) return null;
  const bias = base - (first.vaddr - first.offset);
  const end = loads.reduce(
    (last, { vaddr, memsz }) => (vaddr + memsz > last ? vaddr + memsz : last),
    0n,
  );
  const ids = found.headers
    .filter(({ type, memsz }) => type === PT_NOTE && memsz <= MAX_NOTE_BYTES)
    .slice(0, MAX_NOTE_SEGMENTS)
    .map(({ vaddr, memsz }) => memory.bytes(bias + vaddr, Number(memsz)))
    .map((notes) => notes && buildIdOf(notes, found.order));
  return { size: bias + end - base, buildId: ids.find((id) => id) ?? null };
}
