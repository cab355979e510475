/**
 * Register names of STACK records to DWARF numbers, by CPU. Names: Breakpad, src/common/dwarf_cfi_to_module.cc and
 * src/processor/stackwalker_*.cc; numbers: each processor's DWARF supplement.
 */

export interface CpuRegisters {
  /** Number of a register by its name, without a leading "$". */
  readonly numbers: ReadonlyMap<string, number>;
  /** Where ".ra" is kept. */
  readonly returnAddress: number;
  readonly stackPointer: number;
}

function cpu(
  returnAddress: number,
  stackPointer: number,
  ...names: readonly (readonly (readonly [string, number])[])[]
): CpuRegisters {
  return { numbers: new Map(names.flat()), returnAddress, stackPointer };
}

/** Names in a row, numbered from `first`; empty ones have no name. */
const row = (first: number, names: string): readonly (readonly [string, number])[] =>
  names.split(" ").map((name, index) => [name, first + index] as const);

/** prefix0, prefix1, … */
const numbered = (
  prefix: string,
  count: number,
  first = 0,
): readonly (readonly [string, number])[] =>
  Array.from({ length: count }, (_, index) => [`${prefix}${index}`, first + index] as const);

const mips = cpu(
  31,
  29,
  row(0, "zero at v0 v1 a0 a1 a2 a3 t0 t1 t2 t3 t4 t5 t6 t7"),
  row(16, "s0 s1 s2 s3 s4 s5 s6 s7 t8 t9 k0 k1 gp sp fp ra"),
  [["s8", 30]],
  numbered("f", 32, 32),
);
const ppc = cpu(65, 1, numbered("r", 32), numbered("f", 32, 32), [["lr", 65]]);
const riscv = cpu(
  1,
  2,
  numbered("x", 32),
  row(0, "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7"),
  row(18, "s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"),
  [["fp", 8]],
);

const x86 = cpu(8, 4, row(0, "eax ecx edx ebx esp ebp esi edi eip"));
const amd64 = cpu(
  16,
  7,
  row(0, "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip"),
  numbered("xmm", 16, 17),
);
const arm = cpu(
  14,
  13,
  numbered("r", 16),
  row(11, "fp ip sp lr pc"),
  numbered("s", 32, 64),
  numbered("d", 32, 256),
);
const arm64 = cpu(
  30,
  31,
  numbered("x", 31),
  row(29, "fp lr sp pc"),
  numbered("v", 32, 64),
  numbered("d", 32, 64),
);

const cpus = new Map<string, CpuRegisters>([
  ["x86", x86],
  ["x86_64", amd64],
  ["arm", arm],
  ["arm64", arm64],
  ["mips", mips],
  ["mips64", mips],
  ["ppc", ppc],
  ["ppc64", ppc],
  ["riscv", riscv],
  ["riscv64", riscv],
]);

/** By the architecture of a MODULE record, as readModule names it; null for one that is not known. */
export const cpuRegisters = (machine: string): CpuRegisters | null => cpus.get(machine) ?? null;
