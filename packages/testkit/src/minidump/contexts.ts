/** Contexts, from registers by name; those that are not given are zero. */
import { ByteWriter, type Endian } from "./byte-writer.ts";

export type SynthCpu = "x86" | "amd64" | "arm" | "arm64" | "arm64-old";

export type SynthRegisters = Readonly<Record<string, bigint>>;

const names = (text: string): readonly string[] => text.split(" ");

const AMD64 = names("rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 rip");
const X86 = names("gs fs es ds edi esi ebx edx ecx eax ebp eip cs eflags esp ss");
const ARM = names("r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 fp r12 sp lr pc cpsr");
const ARM64 = [...Array.from({ length: 29 }, (_, index) => `x${index}`), "fp", "lr", "sp", "pc"];

type WriteContext = (
  out: ByteWriter,
  values: (of: readonly string[]) => readonly bigint[],
) => ByteWriter;

/** Of each CPU: the whole record, as its vendor has it. */
const CONTEXTS: Readonly<Record<SynthCpu, WriteContext>> = {
  amd64: (out, values) =>
    out
      .zeros(48) // home
      .u32(0x10000f, 0x1f80)
      .u16(...values(names("cs ds es fs gs ss")).map(Number))
      .u32(...values(["eflags"]))
      .zeros(48) // debug registers
      .u64(...values(AMD64))
      .zeros(512 + 416 + 48),
  x86: (out, values) =>
    out
      .u32(0x1003f)
      .zeros(24 + 112)
      .u32(...values(X86))
      .zeros(512),
  arm: (out, values) =>
    out
      .u32(0x40000006)
      .u32(...values(ARM))
      .zeros(8 + 256 + 32),
  arm64: (out, values) =>
    out
      .u32(0x400007, ...values(["cpsr"]))
      .u64(...values(ARM64))
      .zeros(512 + 8 + 120),
  "arm64-old": (out, values) =>
    out
      .u64(0x80000006)
      .u64(...values(ARM64))
      .u32(...values(["cpsr"]))
      .zeros(8 + 512),
};

/** A context of `cpu`; `extra` bytes behind it, as XSAVE appends them. */
export function synthContext(
  cpu: SynthCpu,
  registers: SynthRegisters,
  endian: Endian = "little",
  extra = 0,
): Uint8Array {
  const values = (of: readonly string[]): readonly bigint[] =>
    of.map((name) => registers[name] ?? 0n);
  return CONTEXTS[cpu](new ByteWriter(endian), values).zeros(extra).finish();
}
