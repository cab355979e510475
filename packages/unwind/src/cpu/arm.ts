/**
 * Arm of 32 bits, A32 and T32.
 *
 * Register numbers: DWARF for the Arm Architecture, section 4.1. Saved registers of a signal: Linux
 * arch/arm/include/uapi/asm/sigcontext.h. Not handled: `.ARM.exidx`, big-endian processes, floating-point registers.
 */
import type { Memory } from "../ports.ts";
import type { Cpu, SignalTrampoline } from "./cpu.ts";

const THUMB = 1n;

const SIGINFO = 128;

/** `start`: of ucontext_t, in bytes from the stack pointer. */
const signalFrame = (start: number): Omit<SignalTrampoline, "code"> => ({
  // VFP_MAGIC, at the beginning of uc_regspace
  frame: [{ offset: start + 232, size: 4, value: 0x5646_5001n }],
  // flags, link, stack_t; trap_no, error_code, oldmask; r0 to r10, fp, ip, sp, lr, pc
  saved: Array.from(
    { length: 16 },
    (_, register) => [register, start + 20 + 12 + 4 * register] as const,
  ),
});

export const arm: Cpu = {
  name: "arm",
  addressSize: 4,
  registerNames: "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 fp ip sp lr pc".split(" "),
  aliases: { r11: 11, r12: 12, r13: 13, r14: 14, r15: 15 },
  pc: 15,
  sp: 13,
  framePointer: 11,
  linkRegister: 14,
  calleeSaved: [4, 5, 6, 7, 8, 9, 10, 11],
  // Clang and AAPCS32 point at the pair, GCC in A32 at its second word.
  frameRecords: [
    { framePointer: 0, returnAddress: 4 },
    { framePointer: -4, returnAddress: 0 },
  ],
  returnAddressEndsFrame: true,
  framePointerMandatory: false,
  functionAlignment: null,
  trampolines: [
    // mov r7, #119; svc #0 and its T32 form: sigreturn, with ucontext_t at the stack pointer
    { code: [{ offset: 0, size: 8, value: 0xef00_0000_e3a0_7077n }], ...signalFrame(0) },
    { code: [{ offset: 0, size: 4, value: 0xdf00_2777n }], ...signalFrame(0) },
    // mov r7, #173; svc #0 and its T32 form: rt_sigreturn, with siginfo_t before it
    { code: [{ offset: 0, size: 8, value: 0xef00_0000_e3a0_70adn }], ...signalFrame(SIGINFO) },
    { code: [{ offset: 0, size: 4, value: 0xdf00_27adn }], ...signalFrame(SIGINFO) },
  ],
  codeAddress: (pointer) => pointer & ~THUMB,
  insideCall: (returnAddress) =>
    returnAddress & THUMB ? (returnAddress & ~THUMB) - 2n : returnAddress - 4n,
  isCanonical: () => true,
  followsCall: (returnAddress, memory) =>
    returnAddress & THUMB
      ? followsThumbCall(returnAddress & ~THUMB, memory)
      : followsArmCall(returnAddress, memory),
};

/** iOS keeps its frame chain in r7, whatever the instruction set. */
export const armIos: Cpu = {
  ...arm,
  framePointer: 7,
  frameRecords: [{ framePointer: 0, returnAddress: 4 }],
  framePointerMandatory: true,
  trampolines: [],
};

/** BL and BLX in A32 (Arm ARM, F5). */
function followsArmCall(address: bigint, memory: Memory): boolean | undefined {
  const word = memory.read(address - 4n, 4);
  if (word === undefined) return undefined;
  const instruction = Number(word);
  const link = (instruction & 0x0f_00_00_00) === 0x0b_00_00_00;
  const exchange = instruction >>> 25 === 0b1111101;
  const register = (instruction & 0x0f_ff_ff_f0) === 0x01_2f_ff_30;
  return link || exchange || register;
}

/** BL and BLX in T32: BLX of a register is half as long. */
function followsThumbCall(address: bigint, memory: Memory): boolean | undefined {
  const second = memory.read(address - 2n, 2);
  if (second === undefined) return undefined;
  if ((Number(second) & 0xff_87) === 0x47_80) return true;
  const first = memory.read(address - 4n, 2);
  if (first === undefined) return undefined;
  return (Number(first) & 0xf8_00) === 0xf0_00 && (Number(second) & 0xc0_00) === 0xc0_00;
}
