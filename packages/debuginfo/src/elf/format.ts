/**
 * The layouts and constants of ELF that are used here.
 *
 * System V ABI, chapters 4 and 5 ("ELF Header", "Sections", "Program Header"); names as in elf.h.
 * Fields are given as byte offsets because class (32/64) and byte order vary by file.
 */

/** e_ident. */
export const Ident = { classAt: 4, dataAt: 5, size: 16 } as const;
export const ElfClass = { elf32: 1, elf64: 2 } as const;
export const ElfData = { little: 1, big: 2 } as const;

/** e_type. */
export const ElfType = { relocatable: 1, executable: 2, shared: 3, core: 4 } as const;
export type ElfType = (typeof ElfType)[keyof typeof ElfType];

/** e_machine, the ones that are named in reports. */
export const Machine = {
  i386: 3,
  mips: 8,
  ppc: 20,
  ppc64: 21,
  s390: 22,
  arm: 40,
  x86_64: 62,
  aarch64: 183,
  riscv: 243,
  loongarch: 258,
} as const;

const machineNames = new Map<number, string>([
  [Machine.i386, "x86"],
  [Machine.mips, "mips"],
  [Machine.ppc, "ppc"],
  [Machine.ppc64, "ppc64"],
  [Machine.s390, "s390x"],
  [Machine.arm, "arm"],
  [Machine.x86_64, "x86_64"],
  [Machine.aarch64, "arm64"],
  [Machine.riscv, "riscv"],
  [Machine.loongarch, "loongarch64"],
]);
export const machineName = (machine: number): string =>
  machineNames.get(machine) ?? `EM_${machine}`;

/** sh_type. */
export const SectionType = {
  null: 0,
  symtab: 2,
  strtab: 3,
  rela: 4,
  note: 7,
  nobits: 8,
  rel: 9,
  dynsym: 11,
  symtabShndx: 18,
} as const;
/** sh_flags. */
export const SectionFlag = { alloc: 2, execinstr: 4, compressed: 0x800 } as const;
/** p_type. */
export const SegmentType = { load: 1, note: 4 } as const;
/** ch_type. */
export const CompressionType = { zlib: 1, zstd: 2 } as const;
/** Symbol type, low nibble of st_info. */
export const SymbolType = {
  notype: 0,
  object: 1,
  func: 2,
  section: 3,
  file: 4,
  tls: 6,
  gnuIfunc: 10,
} as const;
/** Special section indexes. */
export const SectionIndex = { undef: 0, loreserve: 0xff00, xindex: 0xffff } as const;
/** e_phnum when the count does not fit: then it is sh_info of section 0. */
export const PN_XNUM = 0xffff;
/** n_type of the owner "GNU". */
export const NT_GNU_BUILD_ID = 3;

/** Byte offsets of fields, and the record's size, for one class. */
export interface Layouts {
  readonly header: {
    readonly phoff: number;
    readonly shoff: number;
    readonly phentsize: number;
    readonly phnum: number;
    readonly shentsize: number;
    readonly shnum: number;
    readonly shstrndx: number;
    readonly size: number;
  };
  readonly section: {
    readonly name: number;
    readonly type: number;
    readonly flags: number;
    readonly addr: number;
    readonly offset: number;
    readonly bytes: number;
    readonly link: number;
    readonly info: number;
    readonly entsize: number;
    readonly size: number;
  };
  readonly segment: {
    readonly type: number;
    readonly flags: number;
    readonly offset: number;
    readonly vaddr: number;
    readonly filesz: number;
    readonly memsz: number;
    readonly size: number;
  };
  readonly symbol: {
    readonly name: number;
    readonly value: number;
    readonly bytes: number;
    readonly info: number;
    readonly shndx: number;
    readonly size: number;
  };
  readonly compression: { readonly type: number; readonly bytes: number; readonly size: number };
  readonly rela: {
    readonly offset: number;
    readonly info: number;
    readonly addend: number;
    readonly size: number;
    readonly relSize: number;
  };
}

export const layouts32: Layouts = {
  header: {
    phoff: 28,
    shoff: 32,
    phentsize: 42,
    phnum: 44,
    shentsize: 46,
    shnum: 48,
    shstrndx: 50,
    size: 52,
  },
  section: {
    name: 0,
    type: 4,
    flags: 8,
    addr: 12,
    offset: 16,
    bytes: 20,
    link: 24,
    info: 28,
    entsize: 36,
    size: 40,
  },
  segment: { type: 0, offset: 4, vaddr: 8, filesz: 16, memsz: 20, flags: 24, size: 32 },
  symbol: { name: 0, value: 4, bytes: 8, info: 12, shndx: 14, size: 16 },
  compression: { type: 0, bytes: 4, size: 12 },
  rela: { offset: 0, info: 4, addend: 8, size: 12, relSize: 8 },
};

export const layouts64: Layouts = {
  header: {
    phoff: 32,
    shoff: 40,
    phentsize: 54,
    phnum: 56,
    shentsize: 58,
    shnum: 60,
    shstrndx: 62,
    size: 64,
  },
  section: {
    name: 0,
    type: 4,
    flags: 8,
    addr: 16,
    offset: 24,
    bytes: 32,
    link: 40,
    info: 44,
    entsize: 56,
    size: 64,
  },
  segment: { type: 0, flags: 4, offset: 8, vaddr: 16, filesz: 32, memsz: 40, size: 56 },
  symbol: { name: 0, info: 4, shndx: 6, value: 8, bytes: 16, size: 24 },
  compression: { type: 0, bytes: 8, size: 24 },
  rela: { offset: 0, info: 8, addend: 16, size: 24, relSize: 16 },
};
