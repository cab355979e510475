/** Every rule of call frame information, each on a stack that shows it. */
import { describe, expect, test } from "vitest";
import { type RegisterRule, registersOf, unwind, type Walk } from "../src/index.ts";
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
  saved,
  told,
} from "./process.ts";

/** `inner` was called by `_start`; both are in one module. */
const INNER = 0x40_0100n;
const START = 0x40_0200n;
const CALLED_FROM = START + 0x20n;

const moduleWith = (...functions: readonly Fn[]) =>
  codeOf([{ base: 0x40_0000n, end: 0x41_0000n, functions }]);

const processWith = (inner: Fn["row"]) =>
  moduleWith(
    { start: INNER, end: INNER + 0x80n, ...(inner && { row: inner }) },
    { start: START, end: START + 0x80n, row: outermost },
  );

const registers = (named: Readonly<Record<string, bigint>>) =>
  registersOf("amd64", Object.entries({ rip: INNER + 0x10n, ...named }));

describe("a row", () => {
  const stack = new Column(0x7000n)
    .word(0xbbbbn, "7000: saved rbx")
    .word(0x1111n, "7008: a local")
    .word(CALLED_FROM, "7010: return address")
    .word(0n, "7018: of _start");

  function callerOf(
    row: Fn["row"],
    named: Readonly<Record<string, bigint>> = {},
  ): Walk["frames"][number] {
    const context = registers({ rsp: 0x7000n, rbp: 0x7018n, rbx: 1n, rax: 2n, r12: 12n, ...named });
    const walk = unwind({ cpu: "amd64", registers: context }, stack, processWith(row));
    expect(told(walk)).toEqual([`0x400110 by registers`, `0x400220 by cfi`]);
    expect(walk.end).toBe("end-of-stack");
    expect(walk.gaps).toEqual([]);
    return walk.frames[1]!;
  }

  const named = (frame: Walk["frames"][number], number: number) => frame.registers[number];

  test("gives pc, sp, and what the ABI keeps", () => {
    const frame = callerOf(pushed(2));
    expect(frame.sp).toBe(0x7018n);
    expect(frame.lookupPc).toBe(CALLED_FROM - 1n);
    expect(named(frame, 16)).toBe(CALLED_FROM);
    expect(named(frame, 3)).toBe(1n);
    expect(named(frame, 12)).toBe(12n);
    expect(named(frame, 0)).toBeUndefined();
  });

  test.each<[string, RegisterRule, bigint | undefined]>([
    ["saved at an offset", { kind: "offset", offset: -24 }, 0xbbbbn],
    ["an offset", { kind: "val-offset", offset: -24 }, 0x7000n],
    ["in another register", { kind: "register", register: 0 }, 2n],
    ["the same value", { kind: "same-value" }, 1n],
    ["undefined", { kind: "undefined" }, undefined],
    [
      "saved where an expression says",
      { kind: "expression", expression: expression(0x08, 24, 0x1c) },
      0xbbbbn,
    ],
    [
      "what an expression says",
      { kind: "val-expression", expression: expression(0x08, 24, 0x1c) },
      0x7000n,
    ],
    ["saved where there is no memory", { kind: "offset", offset: 0x1000 }, undefined],
    ["in a register that is not known", { kind: "register", register: 1 }, undefined],
  ])("tells rbx: %s", (_, rule, value) => {
    expect(named(callerOf(pushed(2, { 3: rule })), 3)).toBe(value);
  });

  test("keeps a scratch register only where it says so", () => {
    expect(named(callerOf(pushed(2, { 0: { kind: "same-value" } })), 0)).toBe(2n);
  });

  test("may compute the CFA from any register, or by an expression", () => {
    expect(callerOf({ cfa: cfa(6, 0), registers: pushed(2).registers! }).sp).toBe(0x7018n);
    const byExpression = { kind: "expression" as const, expression: expression(0x77, 0x18) };
    expect(callerOf({ cfa: byExpression, registers: pushed(2).registers! }).sp).toBe(0x7018n);
  });

  test("may give the stack pointer a rule of its own", () => {
    const rule: RegisterRule = { kind: "val-offset", offset: 0x100 };
    expect(callerOf(pushed(2, { 7: rule })).sp).toBe(0x7118n);
    expect(callerOf(pushed(2, { 7: { kind: "same-value" } })).sp).toBe(0x7018n);
  });

  test("leaves registers that are not followed", () => {
    expect(callerOf(pushed(2, { 17: { kind: "offset", offset: -24 } })).registers).toHaveLength(17);
  });
});

test("the PLT's row counts pushes by where in the stub the pc is", () => {
  // DW_CFA_def_cfa_expression (DW_OP_breg7 8; DW_OP_breg16 0; DW_OP_lit15; DW_OP_and; DW_OP_lit11; DW_OP_ge; DW_OP_lit3;
  // DW_OP_shl; DW_OP_plus): readelf -wf of any x86-64 object
  const plt = expression(0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22);
  const row = {
    cfa: { kind: "expression" as const, expression: plt },
    registers: pushed(0).registers!,
  };
  const code = processWith(row);
  const before = new Column(0x7000n).word(CALLED_FROM, "return address");
  const after = new Column(0x7000n)
    .word(3n, "the relocation's index")
    .word(CALLED_FROM, "return address");
  const walkFrom = (offset: bigint, stack: Column) =>
    told(
      unwind(
        { cpu: "amd64", registers: registers({ rip: INNER + offset, rsp: 0x7000n }) },
        stack,
        code,
      ),
    );
  expect(walkFrom(0x16n, before)).toEqual(["0x400116 by registers", "0x400220 by cfi"]);
  expect(walkFrom(0x1bn, after)).toEqual(["0x40011b by registers", "0x400220 by cfi"]);
});

test("a return address that is saved in the module itself is found by DW_OP_addr and the module's bias", () => {
  const link: RegisterRule = {
    kind: "expression",
    expression: expression(0x03, 0, 9, 0, 0, 0, 0, 0, 0),
  };
  const memory = joined(
    new Column(0x7000n).words(4, 0n, "of no use"),
    new Column(0x40_0900n).word(CALLED_FROM, "the return address"),
  );
  const walk = unwind(
    { cpu: "amd64", registers: registers({ rsp: 0x7000n }) },
    memory,
    processWith(pushed(0, { 16: link })),
  );
  expect(told(walk)).toEqual(["0x400110 by registers", "0x400220 by cfi"]);
});

test("a frame is looked up inside its call, though the call be the function's last instruction", () => {
  const neverReturns = 0x40_0180n;
  const code = moduleWith(
    { start: INNER, end: neverReturns, row: pushed(0) },
    { start: neverReturns, end: START, row: pushed(40) },
    { start: START, end: START + 0x80n, row: outermost },
  );
  const stack = new Column(0x7000n)
    .word(neverReturns, "return address: where the next function begins")
    .word(CALLED_FROM, "return address");
  const walk = unwind({ cpu: "amd64", registers: registers({ rsp: 0x7000n }) }, stack, code);
  expect(told(walk)).toEqual(["0x400110 by registers", "0x400180 by cfi", "0x400220 by cfi"]);
  expect(walk.frames[1]!.lookupPc).toBe(0x40_017fn);
});

describe("the end of the stack", () => {
  const below = new Column(0x7000n)
    .word(CALLED_FROM, "return address")
    .word(1n, "argc")
    .word(INNER + 0x30n, "what scanning would take for a return address");

  test("is where the return address is undefined, whatever lies beyond", () => {
    const walk = unwind(
      { cpu: "amd64", registers: registers({ rsp: 0x7000n, rbp: 0x7008n }) },
      below,
      processWith(pushed(0)),
    );
    expect(told(walk)).toEqual(["0x400110 by registers", "0x400220 by cfi"]);
    expect(walk.end).toBe("end-of-stack");
  });

  test("is where return address and frame pointer are null", () => {
    const stack = new Column(0x7000n).word(0n, "return address").word(CALLED_FROM, "not one");
    const walk = unwind(
      { cpu: "amd64", registers: registers({ rsp: 0x7000n, rbp: 0n }) },
      stack,
      processWith(pushed(0)),
    );
    expect(told(walk)).toEqual(["0x400110 by registers"]);
    expect(walk.end).toBe("end-of-stack");
  });
});

describe("rules that give nonsense hand on to the next technique", () => {
  const stack = new Column(0x7000n)
    .word(0n, "7000: null")
    .word(0x1234_5678_9abc_def0n, "7008: no address")
    .word(0x7000n, "7010: of the stack")
    .word(0x7020n, "7018: frame record: rbp")
    .word(0x10n, "7020: of a caller, its rbp")
    .word(CALLED_FROM, "7028: return address");

  test.each([
    ["a null return address", pushed(0), "0x0 is no code"],
    ["one that is not canonical", pushed(1), "0x123456789abcdef0 is no code"],
    ["one that is not executable", pushed(2), "0x7000 is not in executable memory"],
    ["a CFA without base", { ...pushed(0), cfa: cfa(0, 8) }, "rax, base of the CFA, is not known"],
    [
      "a return address without memory",
      pushed(0x100),
      "the return address at 0x7800 is not in the dump",
    ],
    ["no return address", { cfa: cfa(7, 8) }, "the return address is not known"],
    [
      "a stack pointer that goes down",
      {
        ...pushed(0),
        registers: rules({ 16: saved(0x20), 7: { kind: "val-offset", offset: -64 } }),
      },
      "the stack pointer would go from 0x7000 to 0x6fc8",
    ],
  ])("%s", (_, row, why) => {
    const walk = unwind(
      { cpu: "amd64", registers: registers({ rsp: 0x7000n, rbp: 0x7018n }) },
      stack,
      processWith(row),
    );
    expect(told(walk)).toEqual(["0x400110 by registers", "0x400220 by scan"]);
    expect(walk.gaps).toEqual([
      { code: "cfi-failed", detail: `frame at 0x400110: ${why}; scan found its caller`, frame: 0 },
    ]);
  });
});
