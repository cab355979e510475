/**
 * AArch64.
 *
 * Register numbers: DWARF for the Arm 64-bit Architecture, section 4.1. Frame records: AAPCS64, section 6.4.6. Saved
 * registers of a signal: Linux arch/arm64/include/uapi/asm/sigcontext.h. Not followed: vector and SVE registers.
 */
import type { Memory } from "../ports.ts";
import type { Cpu } from "./cpu.ts";

const general = Array.from({ length: 29 }, (_, number) => `x${number}`);
const GENERAL_AND_LINK = 31;
/** Behind siginfo_t and what ucontext_t has before it. */
const SIGCONTEXT = 128 + 176;

export const arm64: Cpu = {
  name: "arm64",
  addressSize: 8,
  registerNames: [...general, "fp", "lr", "sp", "pc"],
  aliases: { x29: 29, x30: 30, x31: 31 },
  pc: 32,
  sp: 31,
  framePointer: 29,
  linkRegister: 30,
  calleeSaved: [19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29],
  frameRecords: [{ framePointer: 0, returnAddress: 8 }],
  returnAddressEndsFrame: false,
  framePointerMandatory: true,
  functionAlignment: null,
  trampolines: [
    {
      // mov x8, #139; svc #0: rt_sigreturn, with siginfo_t and ucontext_t at the stack pointer
      code: [{ offset: 0, size: 8, value: 0xd400_0001_d280_1168n }],
      // FPSIMD_MAGIC and the size of struct fpsimd_context, the first record behind the registers
      frame: [{ offset: SIGCONTEXT + 288, size: 8, value: 0x0000_0210_4650_8001n }],
      saved: [...Array.from({ length: GENERAL_AND_LINK }, (_, number) => number), 31, 32].map(
        (register, index) => [register, SIGCONTEXT + 8 + 8 * index] as const,
      ),
    },
  ],
  codeAddress: (pointer) => pointer,
  insideCall: (returnAddress) => returnAddress - 4n,
  isCanonical: (address) => address <= 0x000f_ffff_ffff_ffffn && (address & 3n) === 0n,
  followsCall: followsBranchWithLink,
};

/** BL, BLR and their authenticating forms (Arm ARM, C6.2). */
function followsBranchWithLink(returnAddress: bigint, memory: Memory): boolean | undefined {
  const word = memory.read(returnAddress - 4n, 4);
  if (word === undefined) return undefined;
  const instruction = Number(word);
  const immediate = instruction >>> 26 === 0b100101;
  const register = (instruction & 0xfe_ff_f0_00) >>> 0 === 0xd6_3f_00_00;
  return immediate || register;
}

const LEAST_MASK = 0x7fff_ffff_ffffn;

/**
 * The bits of a code pointer that are address; the others may hold a signature (pointer authentication, FEAT_PAuth).
 * How many there are depends on the kernel, so they are taken from the end of the highest module.
 */
export function pointerMask(modulesEnd: bigint): bigint {
  let mask = LEAST_MASK;
  while (mask < modulesEnd - 1n && mask < 0xffff_ffff_ffff_ffffn) mask = (mask << 1n) | 1n;
  return mask;
}
