/** DWARF expressions, each as the value of a register that it gives. */
import { describe, expect, test } from "vitest";
import { registersOf, unwind, type WalkGap } from "../src/index.ts";
import {
  MAX_ALL_EXPRESSION_STEPS,
  MAX_EXPRESSION_STACK,
  MAX_EXPRESSION_STEPS,
} from "../src/limits.ts";
import { cfa, codeOf, Column, expression, outermost, rules } from "./process.ts";

const CFA = 0x7010n;
const MINUS_ONE = 0xffff_ffff_ffff_ffffn;

interface Given {
  readonly value: bigint | undefined;
  readonly gaps: readonly WalkGap[];
}

/** rbx (x86: ebx) of the caller, when `bytes` give it; the CFA is on the stack before they run. */
function given(cpu: "amd64" | "x86", bytes: readonly number[]): Given {
  const wide = cpu === "amd64";
  const [sp, pc] = wide ? [7, 16] : [4, 8];
  const size = wide ? 8 : 4;
  const row = {
    cfa: cfa(sp, 0x10),
    returnAddress: pc,
    registers: rules({
      [pc]: { kind: "offset", offset: -0x10 },
      3: { kind: "val-expression", expression: expression(...bytes) },
    }),
  };
  const functions = [
    { start: 0x1_0000n, end: 0x1_0100n, row },
    {
      start: 0x1_0100n,
      end: 0x1_0200n,
      row: { ...outermost, returnAddress: pc, registers: rules({ [pc]: { kind: "undefined" } }) },
    },
  ];
  const stack = new Column(0x7000n, size)
    .word(0x1_0110n, "return address")
    .word(0x8877_6655_4433_2211n, "a word");
  const named = wide
    ? { rip: 0x1_0010n, rsp: 0x7000n, rax: 5n }
    : { eip: 0x1_0010n, esp: 0x7000n, eax: 5n };
  const walk = unwind(
    { cpu, registers: registersOf(cpu, Object.entries(named)) },
    stack,
    codeOf([{ base: 0x1_0000n, end: 0x2_0000n, functions }]),
  );
  expect(walk.frames).toHaveLength(2);
  return { value: walk.frames[1]!.registers[3], gaps: walk.gaps };
}

describe("operations", () => {
  test.each<[string, readonly number[], bigint]>([
    ["addr", [0x03, 4, 3, 2, 1, 0, 0, 0, 0], 0x1_0000n + 0x0102_0304n],
    ["deref", [0x0a, 0x08, 0x70, 0x06], 0x8877_6655_4433_2211n],
    ["deref_size 1", [0x0a, 0x08, 0x70, 0x94, 1], 0x11n],
    ["deref_size 2", [0x0a, 0x08, 0x70, 0x94, 2], 0x2211n],
    ["deref_size 4", [0x0a, 0x08, 0x70, 0x94, 4], 0x4433_2211n],
    ["const1u", [0x08, 0xfe], 0xfen],
    ["const1s", [0x09, 0xff], MINUS_ONE],
    ["const2u", [0x0a, 0xfe, 0xff], 0xfffen],
    ["const2s", [0x0b, 0xff, 0xff], MINUS_ONE],
    ["const4u", [0x0c, 0xff, 0xff, 0xff, 0xff], 0xffff_ffffn],
    ["const4s", [0x0d, 0xff, 0xff, 0xff, 0xff], MINUS_ONE],
    ["const8u", [0x0e, 1, 0, 0, 0, 0, 0, 0, 0x80], 0x8000_0000_0000_0001n],
    ["const8s", [0x0f, 1, 0, 0, 0, 0, 0, 0, 0x80], 0x8000_0000_0000_0001n],
    ["constu", [0x10, 0xe5, 0x8e, 0x26], 624_485n],
    ["consts", [0x11, 0x7f], MINUS_ONE],
    ["dup", [0x12, 0x1c], 0n],
    ["drop", [0x31, 0x13], CFA],
    ["over", [0x31, 0x32, 0x14], 1n],
    ["pick", [0x31, 0x32, 0x15, 2], CFA],
    ["swap", [0x31, 0x32, 0x16], 1n],
    ["rot: the top goes third", [0x31, 0x32, 0x33, 0x17], 2n],
    ["rot: the third goes second", [0x31, 0x32, 0x33, 0x17, 0x13], 1n],
    ["abs", [0x11, 0x7b, 0x19], 5n],
    ["and", [0x3f, 0x36, 0x1a], 6n],
    ["div, signed", [0x11, 0x79, 0x32, 0x1b], BigInt.asUintN(64, -3n)],
    ["minus", [0x31, 0x32, 0x1c], MINUS_ONE],
    ["mod, unsigned", [0x11, 0x7f, 0x3a, 0x1d], MINUS_ONE % 10n],
    ["mul", [0x11, 0x7f, 0x32, 0x1e], MINUS_ONE - 1n],
    ["neg", [0x31, 0x1f], MINUS_ONE],
    ["not", [0x30, 0x20], MINUS_ONE],
    ["or", [0x34, 0x33, 0x21], 7n],
    ["plus", [0x34, 0x33, 0x22], 7n],
    ["plus, beyond 64 bits", [0x11, 0x7f, 0x32, 0x22], 1n],
    ["plus_uconst", [0x34, 0x23, 0x80, 1], 132n],
    ["shl", [0x31, 0x34, 0x24], 16n],
    ["shl, too far", [0x31, 0x11, 0x7f, 0x24], 0n],
    ["shr", [0x11, 0x7f, 0x08, 60, 0x25], 15n],
    ["shr, too far", [0x11, 0x7f, 0x08, 64, 0x25], 0n],
    ["shra", [0x11, 0x70, 0x32, 0x26], BigInt.asUintN(64, -4n)],
    ["shra, too far", [0x11, 0x70, 0x11, 0x7f, 0x26], MINUS_ONE],
    ["xor", [0x36, 0x33, 0x27], 5n],
    ["bra, taken", [0x31, 0x31, 0x28, 1, 0, 0x32], 1n],
    ["bra, not taken", [0x31, 0x30, 0x28, 1, 0, 0x32], 2n],
    ["bra, back", [0x33, 0x31, 0x1c, 0x12, 0x28, 0xfa, 0xff], 0n],
    ["eq", [0x31, 0x31, 0x29], 1n],
    ["ge, signed", [0x30, 0x11, 0x7f, 0x2a], 1n],
    ["gt", [0x31, 0x31, 0x2b], 0n],
    ["le", [0x31, 0x31, 0x2c], 1n],
    ["lt, signed", [0x11, 0x7f, 0x30, 0x2d], 1n],
    ["ne", [0x31, 0x31, 0x2e], 0n],
    ["skip", [0x31, 0x2f, 1, 0, 0x32], 1n],
    ["skip, to the end", [0x31, 0x2f, 0, 0], 1n],
    ["lit0", [0x30], 0n],
    ["lit31", [0x4f], 31n],
    ["breg0", [0x70, 0x7e], 3n],
    ["bregx", [0x92, 0, 2], 7n],
    ["nop", [0x96], CFA],
    ["nothing at all", [], CFA],
  ])("%s", (_, bytes, value) => {
    expect(given("amd64", bytes)).toEqual({ value, gaps: [] });
  });

  test("on four bytes", () => {
    expect(given("x86", [0x03, 4, 3, 2, 1]).value).toBe(0x1_0000n + 0x0102_0304n);
    expect(given("x86", [0x0a, 0x04, 0x70, 0x06]).value).toBe(0x4433_2211n);
    expect(given("x86", [0x31, 0x1f]).value).toBe(0xffff_ffffn);
    expect(given("x86", [0x31, 0x08, 32, 0x24]).value).toBe(0n);
    expect(given("x86", [0x11, 0x70, 0x08, 40, 0x26]).value).toBe(0xffff_ffffn);
    expect(given("x86", [0x30, 0x11, 0x7f, 0x2a]).value).toBe(1n);
  });
});

describe("what cannot be evaluated leaves the register unknown", () => {
  test("silently, where a register or memory is not known", () => {
    expect(given("amd64", [0x71, 0])).toEqual({ value: undefined, gaps: [] });
    expect(given("amd64", [0x30, 0x06])).toEqual({ value: undefined, gaps: [] });
    expect(given("amd64", [0x92, 0xff, 0xff, 0x03, 0])).toEqual({ value: undefined, gaps: [] });
  });

  test.each<[string, readonly number[], string]>([
    [
      "an unknown operation",
      [0xff],
      "operation 0xff has no place in an unwind table, before byte 1",
    ],
    [
      "one that names a register",
      [0x50],
      "operation 0x50 has no place in an unwind table, before byte 1",
    ],
    [
      "one that asks for the CFA",
      [0x9c],
      "operation 0x9c has no place in an unwind table, before byte 1",
    ],
    ["an empty stack", [0x13, 0x13], "the stack is empty, before byte 2"],
    ["nothing left", [0x13], "the stack is empty, before byte 1"],
    ["too few values", [0x15, 9], "there are not 10 values on the stack, before byte 2"],
    ["a missing operand", [0x0a, 1], "it ends within an operation, before byte 2"],
    [
      "a number without end",
      [0x10, ...Array.from({ length: 10 }, () => 0x80), 0],
      "a number is longer than 64 bits, before byte 11",
    ],
    ["a division by zero", [0x30, 0x1b], "division by zero, before byte 2"],
    ["a remainder by zero", [0x30, 0x1d], "division by zero, before byte 2"],
    ["a branch before its beginning", [0x2f, 0x00, 0x80], "a branch leaves it, before byte 3"],
    ["a branch behind its end", [0x2f, 1, 0], "a branch leaves it, before byte 3"],
    ["a value of three bytes", [0x94, 3], "a value of 3 bytes, before byte 2"],
  ])("with a gap: %s", (_, bytes, why) => {
    expect(given("amd64", bytes)).toEqual({
      value: undefined,
      gaps: [{ code: "expression-damaged", detail: `expression of rbx: ${why}`, frame: 0 }],
    });
  });

  test.each<[string, readonly number[], string]>([
    [
      "a loop",
      [0x2f, 0xfd, 0xff],
      `more than MAX_EXPRESSION_STEPS (${MAX_EXPRESSION_STEPS}) operations`,
    ],
    [
      "a loop that piles up",
      [0x31, 0x2f, 0xfc, 0xff],
      `more than MAX_EXPRESSION_STACK (${MAX_EXPRESSION_STACK}) values on the stack`,
    ],
  ])("at a limit: %s", (_, bytes, why) => {
    expect(given("amd64", bytes)).toEqual({
      value: undefined,
      gaps: [{ code: "step-limit", detail: `expression of rbx: ${why}`, frame: 0 }],
    });
  });
});

test("many loops share one allowance", () => {
  // const1u 249; then lit1, minus, dup, bra back until nothing is left: 997 operations
  const loop = expression(0x08, 249, 0x31, 0x1c, 0x12, 0x28, 0xfa, 0xff);
  const rule = { kind: "val-expression", expression: loop } as const;
  const row = { cfa: cfa(7, 8), registers: rules({ 16: { kind: "offset", offset: -8 }, 3: rule }) };
  const depth = Math.floor(MAX_ALL_EXPRESSION_STEPS / 997);
  const stack = new Column(0x7000n).words(depth + 2, 0x1_0020n, "return address");
  const walk = unwind(
    {
      cpu: "amd64",
      registers: registersOf("amd64", [
        ["rip", 0x1_0010n],
        ["rsp", 0x7000n],
      ]),
    },
    stack,
    codeOf([
      { base: 0x1_0000n, end: 0x2_0000n, functions: [{ start: 0x1_0000n, end: 0x1_0100n, row }] },
    ]),
  );
  expect(walk.frames[depth]?.registers[3]).toBe(0n);
  expect(walk.frames[depth + 1]?.registers[3]).toBeUndefined();
  expect(walk.gaps[0]).toEqual({
    code: "step-limit",
    detail: `expression of rbx: more than MAX_ALL_EXPRESSION_STEPS (${MAX_ALL_EXPRESSION_STEPS}) operations in one walk`,
    frame: depth,
  });
});
