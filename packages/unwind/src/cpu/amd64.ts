/**
 * x86-64.
 *
 * Register numbers: System V ABI, AMD64 supplement, figure 3.36. Saved registers of a signal: Linux
 * arch/x86/include/uapi/asm/sigcontext.h. Not followed: vector, flag and segment registers.
 */
import { followsCallX86 } from "./call-sites-x86.ts";
import type { Cpu } from "./cpu.ts";

const USER_END = 0x0000_7fff_ffff_ffffn;
const KERNEL_START = 0xffff_8000_0000_0000n;

export const amd64: Cpu = {
  name: "amd64",
  addressSize: 8,
  registerNames: "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split(" "),
  aliases: {},
  pc: 16,
  sp: 7,
  framePointer: 6,
  linkRegister: null,
  calleeSaved: [3, 6, 12, 13, 14, 15],
  frameRecords: [{ framePointer: 0, returnAddress: 8 }],
  returnAddressEndsFrame: true,
  framePointerMandatory: false,
  functionAlignment: 16n,
  trampolines: [
    {
      // mov $15, %rax; syscall: rt_sigreturn, with ucontext_t at the stack pointer
      code: [
        { offset: 0, size: 8, value: 0x0f_0000_000f_c0c7_48n },
        { offset: 8, size: 1, value: 0x05n },
      ],
      // cs, gs, fs and ss of user code
      frame: [{ offset: 40 + 8 * 18, size: 8, value: 0x002b_0000_0000_0033n }],
      saved: [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16].map(
        (register, index) => [register, 40 + 8 * index] as const,
      ),
    },
  ],
  codeAddress: (pointer) => pointer,
  insideCall: (returnAddress) => returnAddress - 1n,
  isCanonical: (address) => address <= USER_END || address >= KERNEL_START,
  followsCall: followsCallX86,
};

/**
 * Windows functions may set the frame register up to 240 bytes into their frame, in steps of 16
 * (x64 exception handling, UNWIND_INFO.FrameOffset).
 */
export const amd64Windows: Cpu = {
  ...amd64,
  trampolines: [],
  frameRecords: Array.from({ length: 16 }, (_, step) => ({
    framePointer: 16 * step,
    returnAddress: 16 * step + 8,
  })),
};
