/**
 * x86 of 32 bits.
 *
 * Register numbers: System V ABI, Intel386 supplement, table 2.14 (Darwin's .eh_frame swaps esp and ebp; its tables
 * are not read). Saved registers of a signal: Linux arch/x86/include/uapi/asm/sigcontext.h. Not handled: `STACK WIN`.
 */
import { followsCallX86 } from "./call-sites-x86.ts";
import type { Cpu, Mark } from "./cpu.ts";

/** struct sigcontext: edi, esi, ebp, esp, ebx, edx, ecx, eax, trapno, err, eip. */
const sigcontext = (start: number) =>
  [7, 6, 5, 4, 3, 2, 1, 0, null, null, 8].flatMap((register, index) =>
    register === null ? [] : [[register, start + 16 + 4 * index] as const],
  );

/** cs and ss of user code: 0x23 and 0x2b of a 64-bit kernel, 0x73 and 0x7b of one of 32. */
const segments = (start: number): readonly Mark[] => [
  { offset: start + 16 + 4 * 11, size: 4, value: 0x23n, mask: 0xffff_ffafn },
  { offset: start + 16 + 4 * 14, size: 4, value: 0x2bn, mask: 0xffff_ffafn },
];

const SIGCONTEXT = 4;
const RT_SIGCONTEXT = 12 + 128 + 20;

export const x86: Cpu = {
  name: "x86",
  addressSize: 4,
  registerNames: ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip"],
  aliases: {},
  pc: 8,
  sp: 4,
  framePointer: 5,
  linkRegister: null,
  calleeSaved: [3, 5, 6, 7],
  frameRecords: [{ framePointer: 0, returnAddress: 4 }],
  returnAddressEndsFrame: true,
  framePointerMandatory: false,
  functionAlignment: 16n,
  trampolines: [
    {
      // pop %eax; mov $119, %eax; int $0x80: sigreturn, with the signal's number and struct sigcontext at the stack pointer
      code: [{ offset: 0, size: 8, value: 0x80cd_0000_0077_b858n }],
      frame: segments(SIGCONTEXT),
      saved: sigcontext(SIGCONTEXT),
    },
    {
      // mov $173, %eax; int $0x80: rt_sigreturn, with number, two pointers, siginfo_t and ucontext_t at the stack pointer
      code: [
        { offset: 0, size: 4, value: 0x0000_adb8n },
        { offset: 4, size: 2, value: 0xcd00n },
        { offset: 6, size: 1, value: 0x80n },
      ],
      frame: segments(RT_SIGCONTEXT),
      saved: sigcontext(RT_SIGCONTEXT),
    },
  ],
  codeAddress: (pointer) => pointer,
  insideCall: (returnAddress) => returnAddress - 1n,
  isCanonical: () => true,
  followsCall: followsCallX86,
};
