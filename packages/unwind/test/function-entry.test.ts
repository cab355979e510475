/** Calls of what is no function, and functions stopped at their first instruction. */
import { describe, expect, test } from "vitest";
import { registersOf, unwind } from "../src/index.ts";
import { codeOf, Column, type Fn, joined, outermost, pushed, told } from "./process.ts";

const CALLER = 0x40_1020n;
const START = 0x40_1120n;
const functions: readonly Fn[] = [
  { start: 0x40_1000n, end: 0x40_1100n, row: pushed(1, { 3: { kind: "offset", offset: -16 } }) },
  { start: 0x40_1100n, end: 0x40_1200n, row: outermost },
  { start: 0x40_1400n, end: 0x40_1500n },
];
const code = codeOf([{ base: 0x40_0000n, end: 0x50_0000n, functions }]);

const stack = () =>
  new Column(0x7000n)
    .word(CALLER, "7000: return address of the call that went astray")
    .word(0xbbbbn, "7008: rbx, saved by the caller")
    .word(START, "7010: its return address");

const expected = ["0x401020 by registers", "0x401120 by cfi"];

describe("amd64: the return address is on top of the stack", () => {
  const walkFrom = (rip: bigint, memory = stack(), from = code) =>
    unwind(
      {
        cpu: "amd64",
        registers: registersOf("amd64", [
          ["rip", rip],
          ["rsp", 0x7000n],
          ["rbx", 1n],
          ["rbp", 0x6000n],
        ]),
      },
      memory,
      from,
    );

  test.each<[string, bigint]>([
    ["NULL", 0n],
    ["a member of NULL", 0x10n],
    ["memory that is not mapped", 0x1234_5678n],
    ["the stack", 0x7008n],
    ["what is no address", 0x4141_4141_4141_4141n],
    ["a function that has no unwind table, at its first instruction", 0x40_1400n],
  ])("of a call of %s", (_, rip) => {
    const walk = walkFrom(rip);
    expect(told(walk)).toEqual([`0x${rip.toString(16)} by registers`, ...expected]);
    expect(walk.frames[0]!.lookupPc).toBe(rip);
    expect(walk.frames[1]!.registers[3]).toBe(1n);
    expect(walk.frames[2]!.registers[3]).toBe(0xbbbbn);
    expect(walk.gaps).toEqual([]);
  });

  test("of a call of NULL also where no mapping is known", () => {
    const unmapped = codeOf([{ base: 0x40_0000n, end: 0x50_0000n, functions }], null);
    expect(told(walkFrom(0n, stack(), unmapped)).slice(1)).toEqual(expected);
  });

  test("but not in the middle of a function: it may have pushed something", () => {
    expect(told(walkFrom(0x40_1410n))[1]).toBe("0x401020 by scan");
  });

  test("a word that is no code is none, as after a return to what overwrote the stack", () => {
    const smashed = new Column(0x7000n)
      .words(3, 0x4141_4141_4141_4141n, "overwritten")
      .word(START, "return address");
    expect(told(walkFrom(0x4141_4141_4141_4141n, smashed))).toEqual([
      "0x4141414141414141 by registers",
      "0x401120 by scan",
    ]);
  });

  test("a word that no call left is none, where the bytes tell", () => {
    const bytes = new Column(CALLER - 8n).bytes(0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90);
    const walk = unwind(
      {
        cpu: "amd64",
        registers: registersOf("amd64", [
          ["rip", 0n],
          ["rsp", 0x7000n],
        ]),
      },
      joined(stack(), bytes),
      code,
    );
    expect(told(walk)).toEqual(["0x0 by registers", "0x401120 by scan"]);
  });
});

describe("arm64: the return address is in the link register", () => {
  const end = {
    ...outermost,
    returnAddress: 30,
    registers: new Map([[30, { kind: "undefined" }] as const]),
  };
  const row = {
    ...pushed(1),
    cfa: { kind: "register", register: 31, offset: 16 } as const,
    returnAddress: 30,
  };
  const link = { ...row, registers: new Map([[30, { kind: "offset", offset: -8 }] as const]) };
  const arm64Code = codeOf([
    {
      base: 0x40_0000n,
      end: 0x50_0000n,
      functions: [
        { start: 0x40_1000n, end: 0x40_1100n, row: link },
        { start: 0x40_1100n, end: 0x40_1200n, row: end },
        {
          start: 0x40_1300n,
          end: 0x40_1400n,
          row: {
            ...link,
            cfa: { kind: "register", register: 31, offset: 0 },
            registers: new Map(),
          },
        },
      ],
    },
  ]);
  const memory = new Column(0x7000n)
    .word(0n, "7000: a local")
    .word(START, "7008: return address of the caller");
  const walkFrom = (pc: bigint, lr: bigint) =>
    unwind(
      {
        cpu: "arm64",
        registers: registersOf("arm64", [
          ["pc", pc],
          ["sp", 0x7000n],
          ["lr", lr],
          ["x29", 0n],
          ["x19", 19n],
        ]),
      },
      memory,
      arm64Code,
    );

  test("of a call of NULL", () => {
    const walk = walkFrom(0n, CALLER);
    expect(told(walk)).toEqual(["0x0 by registers", ...expected]);
    expect(walk.frames[1]!.sp).toBe(0x7000n);
    expect(walk.frames[1]!.lookupPc).toBe(CALLER - 4n);
    expect(walk.frames[1]!.registers[19]).toBe(19n);
  });

  test("of a function whose row leaves it there", () => {
    expect(told(walkFrom(0x40_1300n, CALLER))).toEqual([
      "0x401300 by registers",
      "0x401020 by cfi",
      "0x401120 by cfi",
    ]);
  });

  test("but not of a caller: its call overwrote the link register", () => {
    const walk = walkFrom(0x40_1300n, 0x40_1320n);
    expect(told(walk)).toEqual(["0x401300 by registers", "0x401320 by cfi"]);
    expect(walk.gaps).toEqual([]);
    expect(walk.end).toBe("end-of-stack");
  });
});
