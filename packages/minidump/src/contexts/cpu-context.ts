/** What all CPUs' contexts become. */
export type Cpu = "x86" | "amd64" | "arm" | "arm64";

export interface CpuContext {
  readonly cpu: Cpu;
  /** ContextFlags: which groups of registers the writer filled. */
  readonly flags: number;
  readonly pc: bigint;
  readonly sp: bigint;
  /**
   * By DWARF register number. amd64: rax rdx rcx rbx rsi rdi rbp rsp r8–r15 rip; arm64: x0–x30 sp pc;
   * x86: eax ecx edx ebx esp ebp esi edi eip; arm: r0–r15.
   */
  readonly registers: readonly bigint[];
  /** All that are told of, by name, in the order that people read them in. */
  readonly named: Readonly<Record<string, bigint>>;
}

/** A record's registers by name, those first which DWARF numbers, in the order of their numbers. */
export function cpuContext(
  cpu: Cpu,
  flags: number,
  names: { readonly dwarf: readonly string[]; readonly pc: string; readonly sp: string },
  named: Readonly<Record<string, bigint>>,
): CpuContext {
  const register = (name: string): bigint => named[name] ?? 0n;
  return {
    cpu,
    flags,
    pc: register(names.pc),
    sp: register(names.sp),
    registers: names.dwarf.map(register),
    named,
  };
}
