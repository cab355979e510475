/** Through signal handlers to what the signal interrupted. */
import { describe, expect, test } from "vitest";
import { type CpuName, registerNames, registersOf, unwind } from "../src/index.ts";
import { MAX_SIGNAL_FRAMES, MAX_STACK_SWITCHES } from "../src/limits.ts";
import {
  cfa,
  codeOf,
  Column,
  expression,
  type Fn,
  joined,
  outermost,
  pushed,
  rules,
  told,
} from "./process.ts";

const HANDLER = 0x40_1010n;
const RESTORER = 0x40_2001n;
const INTERRUPTED = 0x40_3000n;
const START = 0x40_4020n;

/** DW_OP_breg7 (rsp) and the offset of a general register in ucontext_t; 40 + 8 * index. */
const inContext = (index: number) =>
  ({
    kind: "expression",
    expression: expression(0x77, ((40 + 8 * index) & 0x7f) | 0x80, (40 + 8 * index) >> 7),
  }) as const;

/** glibc's table of __restore_rt: begins a byte early, finds everything in the signal's ucontext_t. */
const restorerRow = {
  cfa: { kind: "expression", expression: expression(0x77, 0xa0, 1, 0x06) } as const,
  registers: rules({ 3: inContext(11), 6: inContext(10), 7: inContext(15), 16: inContext(16) }),
  signalFrame: true,
};

const restorer: Fn = { start: RESTORER - 1n, end: RESTORER + 9n, row: restorerRow };

const codeWith = (...functions: readonly Fn[]) =>
  codeOf([
    {
      base: 0x40_0000n,
      end: 0x50_0000n,
      functions: [
        { start: 0x40_1000n, end: 0x40_1100n, row: pushed(0) },
        {
          start: INTERRUPTED,
          end: 0x40_3100n,
          row: pushed(1, { 3: { kind: "offset", offset: -16 } }),
        },
        { start: 0x40_4000n, end: 0x40_4100n, row: outermost },
        ...functions,
      ],
    },
  ]);

/** The interrupted function's stack. */
const mainStack = new Column(0x9000n)
  .word(0xbbbbn, "9000: its caller's rbx")
  .word(START, "9008: return address");

/** cs, gs, fs and ss, 16 bits each, as the kernel saves them of a user's code. */
const SEGMENTS = 0x002b_0000_0000_0033n;

/** rt_sigframe of the kernel at `start`: what the handler returns to, then ucontext_t with these registers. */
function signalStack(
  start: bigint,
  returnsTo: bigint,
  pc: bigint,
  sp: bigint,
  segments = 0n,
): Column {
  return new Column(start)
    .word(returnsTo, "pretcode")
    .words(5, 0n, "uc_flags, uc_link, uc_stack")
    .words(8, 0n, "r8 … r15")
    .words(3, 0n, "rdi, rsi, rbp")
    .word(0x3333n, "rbx")
    .words(3, 0n, "rdx, rax, rcx")
    .word(sp, "rsp")
    .word(pc, "rip")
    .word(0x10202n, "eflags")
    .word(segments, "cs, gs, fs, ss")
    .words(6, 0n, "more");
}

const fromHandler = (rsp: bigint) => ({
  cpu: "amd64" as const,
  registers: registersOf("amd64", [
    ["rip", HANDLER],
    ["rsp", rsp],
  ]),
});

describe("amd64", () => {
  const expected = [
    "0x401010 by registers",
    "0x402001 by cfi",
    "0x403000 by cfi",
    "0x404020 by cfi",
  ];

  test.each([
    ["below", 0x7000n],
    ["above", 0xf000n],
  ])("the interrupted frame is exact, from an alternate stack %s it", (_, at) => {
    const memory = joined(mainStack, signalStack(at, RESTORER, INTERRUPTED, 0x9000n));
    const walk = unwind(fromHandler(at), memory, codeWith(restorer));
    expect(told(walk)).toEqual(expected);
    expect(walk.frames.map(({ signalFrame }) => signalFrame)).toEqual([false, true, false, false]);
    expect(walk.frames.map(({ lookupPc }) => lookupPc)).toEqual([
      HANDLER,
      RESTORER,
      INTERRUPTED,
      START - 1n,
    ]);
    expect(walk.frames[2]!.sp).toBe(0x9000n);
    expect(walk.frames[2]!.registers[3]).toBe(0x3333n);
    expect(walk.frames[3]!.registers[3]).toBe(0xbbbbn);
    expect(walk.gaps).toEqual([]);
    expect(walk.end).toBe("end-of-stack");
  });

  test("a call of NULL that was interrupted goes on from the top of its stack", () => {
    const stack = new Column(0x9000n).word(START, "9000: return address");
    const memory = joined(stack, signalStack(0x7000n, RESTORER, 0n, 0x9000n));
    expect(told(unwind(fromHandler(0x7000n), memory, codeWith(restorer)))).toEqual([
      ...expected.slice(0, 2),
      "0x0 by cfi",
      "0x404020 by registers",
    ]);
  });

  test("a table that does not begin a byte early is found all the same", () => {
    const memory = joined(mainStack, signalStack(0x7000n, RESTORER, INTERRUPTED, 0x9000n));
    const code = codeWith({ ...restorer, start: RESTORER });
    expect(told(unwind(fromHandler(0x7000n), memory, code))).toEqual(expected);
  });

  test("a restorer without table is known by its instructions", () => {
    const instructions = new Column(RESTORER).bytes(0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05);
    const memory = joined(
      mainStack,
      signalStack(0x7000n, RESTORER, INTERRUPTED, 0x9000n),
      instructions,
    );
    const walk = unwind(fromHandler(0x7000n), memory, codeWith());
    expect(told(walk)).toEqual(expected);
    expect(walk.frames[1]!.signalFrame).toBe(true);
    expect(walk.frames.map(({ lookupPc }) => lookupPc)).toEqual([
      HANDLER,
      RESTORER,
      INTERRUPTED,
      START - 1n,
    ]);
    expect(walk.frames[2]!.registers[3]).toBe(0x3333n);
  });

  test("a restorer without table or instructions is known by the frame that the kernel made", () => {
    const memory = joined(
      mainStack,
      signalStack(0x7000n, RESTORER, INTERRUPTED, 0x9000n, SEGMENTS),
    );
    const walk = unwind(fromHandler(0x7000n), memory, codeWith());
    expect(told(walk)).toEqual(expected);
    expect(walk.frames[1]!.signalFrame).toBe(true);
    expect(walk.frames[2]!.registers[3]).toBe(0x3333n);
  });

  test("and is scanned for, though it is a function's beginning", () => {
    const aligned = 0x40_2010n;
    const handlers = codeOf([{ base: 0x40_0000n, end: 0x50_0000n, functions: [] }]);
    const walk = (segments: bigint) =>
      told(
        unwind(
          fromHandler(0x7000n),
          joined(mainStack, signalStack(0x7000n, aligned, 0x40_3001n, 0x9000n, segments)),
          handlers,
        ),
      );
    expect(walk(SEGMENTS).slice(0, 3)).toEqual([
      "0x401010 by registers",
      "0x402010 by scan",
      "0x403001 by cfi",
    ]);
    expect(walk(0n).slice(0, 2)).toEqual(["0x401010 by registers", "0x403001 by scan"]);
  });

  test("saved registers that the dump does not hold end it there", () => {
    const instructions = new Column(RESTORER).bytes(0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05);
    const memory = joined(new Column(0x7000n).word(RESTORER, "pretcode"), instructions);
    const walk = unwind(fromHandler(0x7000n), memory, codeWith());
    expect(told(walk)).toEqual(expected.slice(0, 2));
    expect(walk.end).toBe("memory-missing");
    expect(walk.gaps.map(({ detail }) => detail)).toEqual([
      "frame at 0x402001: the registers that the signal saved are not in the dump; nothing else found its caller",
    ]);
  });

  test("two signal frames that lead to each other do not go on for ever", () => {
    const memory = joined(
      signalStack(0x7000n, RESTORER, HANDLER, 0x9000n),
      signalStack(0x9000n, RESTORER, HANDLER, 0x7000n),
    );
    const walk = unwind(fromHandler(0x7000n), memory, codeWith(restorer));
    expect(walk.frames).toHaveLength(4 * MAX_STACK_SWITCHES + 4);
    expect(walk.end).toBe("limit");
    expect(walk.gaps[0]).toEqual({
      code: "stack-switch-limit",
      detail: `more than MAX_STACK_SWITCHES (${MAX_STACK_SWITCHES}) signal frames led to a lower stack`,
      frame: walk.frames.length - 1,
    });
  });
});

test("signal frames whose rules read no memory do not go up for ever", () => {
  const registers = new Map([[30, { kind: "register", register: 15 } as const]]);
  const start = 0x40_1000n;
  const row = { cfa: cfa(13, 8), returnAddress: 30, registers, signalFrame: true };
  const code = codeOf([
    { base: 0x40_0000n, end: 0x41_0000n, functions: [{ start, end: start + 0x100n, row }] },
  ]);
  const walk = unwind(
    {
      cpu: "arm",
      registers: registersOf("arm", [
        ["sp", 0x7000n],
        ["pc", start + 4n],
      ]),
    },
    new Column(0x7000n),
    code,
  );
  expect(walk.frames).toHaveLength(MAX_SIGNAL_FRAMES + 1);
  expect(walk.end).toBe("limit");
  expect(walk.gaps.map(({ code: gap }) => gap)).toContain("stack-switch-limit");
});

test("a signal leaves the link register, even where the table has the program counter apart", () => {
  const at = (register: number, offset: number) => [register, { kind: "offset", offset }] as const;
  const functions: readonly Fn[] = [
    {
      start: 0x40_1000n,
      end: 0x40_1100n,
      row: { cfa: cfa(31, 16), returnAddress: 30, registers: new Map([at(30, -8)]) },
    },
    {
      start: 0x40_2000n,
      end: 0x40_2100n,
      row: {
        cfa: cfa(31, 0x20),
        returnAddress: 32,
        registers: new Map([at(30, -0x18), at(32, -0x10)]),
        signalFrame: true,
      },
    },
    { start: INTERRUPTED, end: 0x40_3100n, row: { cfa: cfa(31, 0), returnAddress: 30 } },
    {
      start: 0x40_4000n,
      end: 0x40_4100n,
      row: { ...outermost, returnAddress: 30, registers: rules({ 30: { kind: "undefined" } }) },
    },
  ];
  const stack = new Column(0x7000n)
    .word(0n, "7000: of the handler")
    .word(0x40_2004n, "7008: the handler returns to")
    .word(0n, "7010: of the kernel")
    .word(START, "7018: lr of the interrupted leaf function")
    .word(INTERRUPTED, "7020: its pc")
    .word(0n, "7028: of the kernel");
  const registers = registersOf("arm64", [
    ["pc", 0x40_1010n],
    ["sp", 0x7000n],
  ]);
  const walk = unwind(
    { cpu: "arm64", registers },
    stack,
    codeOf([{ base: 0x40_0000n, end: 0x50_0000n, functions }]),
  );
  expect(told(walk)).toEqual([
    "0x401010 by registers",
    "0x402004 by cfi",
    "0x403000 by cfi",
    "0x404020 by cfi",
  ]);
});

interface Trampoline {
  readonly cpu: CpuName;
  readonly size: 4 | 8;
  readonly instructions: readonly number[];
  /** Words before the registers. */
  readonly before: number;
  /** Registers as the kernel's sigcontext has them. */
  readonly saved: readonly string[];
  /** What follows them, by which the frame is known without instructions. */
  readonly after: readonly bigint[];
  readonly thumb?: true;
}

const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** Offsets by the kernel's headers, counted here in words: arch/…/include/uapi/asm/{sigcontext,ucontext}.h, kernel/signal.c. */
const trampolines: readonly (readonly [string, Trampoline])[] = [
  [
    "arm64: rt_sigreturn of the vDSO",
    {
      cpu: "arm64",
      size: 8,
      instructions: [0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4],
      before: 128 / 8 + 22 + 1,
      saved: [...numbered("x", 29), "fp", "lr", "sp", "pc"],
      after: [0x6000_0000n, 0n, 0x0210_4650_8001n],
    },
  ],
  [
    "x86: sigreturn",
    {
      cpu: "x86",
      size: 4,
      instructions: [0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80],
      before: 1 + 4,
      saved: ["edi", "esi", "ebp", "esp", "ebx", "edx", "ecx", "eax", "", "", "eip"],
      after: [0x73n, 0x202n, 0x9000n, 0x7bn],
    },
  ],
  [
    "x86: rt_sigreturn",
    {
      cpu: "x86",
      size: 4,
      instructions: [0xb8, 0xad, 0, 0, 0, 0xcd, 0x80],
      before: 3 + 128 / 4 + 5 + 4,
      saved: ["edi", "esi", "ebp", "esp", "ebx", "edx", "ecx", "eax", "", "", "eip"],
      after: [0x23n, 0x202n, 0x9000n, 0x2bn],
    },
  ],
  [
    "arm: sigreturn",
    {
      cpu: "arm",
      size: 4,
      instructions: [0x77, 0x70, 0xa0, 0xe3, 0, 0, 0, 0xef],
      before: 5 + 3,
      saved: [...numbered("r", 11), "fp", "ip", "sp", "lr", "pc"],
      after: [0x10n, 0n, ...Array.from({ length: 32 }, () => 0n), 0x5646_5001n],
    },
  ],
  [
    "arm: rt_sigreturn, thumb",
    {
      cpu: "arm",
      size: 4,
      instructions: [0xad, 0x27, 0, 0xdf],
      before: 128 / 4 + 5 + 3,
      saved: [...numbered("r", 11), "fp", "ip", "sp", "lr", "pc"],
      after: [0x10n, 0n, ...Array.from({ length: 32 }, () => 0n), 0x5646_5001n],
      thumb: true,
    },
  ],
];

describe.each(trampolines)("%s", (_, { cpu, size, instructions, before, saved, after, thumb }) => {
  const names = registerNames(cpu);
  const [pc, sp] = [
    names.findIndex((name) => /^(pc|eip)$/.test(name)),
    names.findIndex((name) => /^e?sp$/.test(name)),
  ];
  const at = 0x40_2004n;
  const handler = {
    cfa: cfa(sp, size),
    returnAddress: pc,
    registers: rules({ [pc]: { kind: "offset", offset: -size } }),
  };
  const end = { ...handler, registers: rules({ [pc]: { kind: "undefined" } }) };
  const functions: readonly Fn[] = [
    { start: 0x40_1000n, end: 0x40_1100n, row: handler },
    { start: INTERRUPTED, end: 0x40_3100n, row: end },
  ];
  const values = new Map(saved.map((name, index) => [name, 0x100n + 4n * BigInt(index)]));
  values.set(names[pc]!, INTERRUPTED).set(names[sp]!, 0x9000n);
  const registersAlone = () => {
    const stack = new Column(0x7000n, size)
      .word(thumb ? at + 1n : at, "the handler returns to")
      .words(before, 0n, "of the kernel");
    for (const name of saved) stack.word(values.get(name)!, name);
    return stack;
  };
  const wholeFrame = () => {
    const stack = registersAlone();
    for (const word of after) stack.word(word, "of the kernel");
    return stack;
  };

  test.each([
    ["instructions", joined(registersAlone(), new Column(at).bytes(...instructions))],
    ["the kernel's frame", wholeFrame()],
  ])("known by %s, gives every register back as it was", (__, memory) => {
    const registers = registersOf(cpu, [
      [names[pc]!, 0x40_1010n],
      [names[sp]!, 0x7000n],
    ]);
    const code = codeOf([{ base: 0x40_0000n, end: 0x50_0000n, functions }]);
    const walk = unwind({ cpu, registers }, memory, code);
    expect(told(walk)).toEqual(["0x401010 by registers", "0x402004 by cfi", "0x403000 by cfi"]);
    expect(walk.frames[2]!.lookupPc).toBe(INTERRUPTED);
    expect(walk.frames[2]!.registers).toEqual(names.map((name) => values.get(name)));
  });
});
