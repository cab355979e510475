/** Long stacks, loops, and stacks that are no stacks: every walk ends, and says why. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CpuName,
  type Memory,
  type RegisterRule,
  registerNames,
  registersOf,
  unwind,
  type Walk,
} from "../src/index.ts";
import { MAX_FLAT_FRAMES, MAX_FRAMES, MAX_GAPS } from "../src/limits.ts";
import {
  cfa,
  codeOf,
  Column,
  type Fn,
  noMemory,
  outermost,
  pushed,
  rules,
  type Row,
  told,
} from "./process.ts";

const MODULE = 0x40_0000n;
const A = MODULE + 0x10n;

const codeWith = (...rows: readonly Row[]) =>
  codeOf([
    {
      base: MODULE,
      end: MODULE + 0x10000n,
      functions: rows.map((row, index) => ({
        start: MODULE + BigInt(0x100 * index),
        end: MODULE + BigInt(0x100 * index + 0x100),
        row,
      })),
    },
  ]);

const amd64 = (rip: bigint, rsp: bigint) => ({
  cpu: "amd64" as const,
  registers: registersOf("amd64", [
    ["rip", rip],
    ["rsp", rsp],
  ]),
});

describe("frames", () => {
  const recursion = codeWith(pushed(1), outermost);
  const stackOf = (depth: number) => {
    const stack = new Column(0x7000n);
    for (let level = 0; level < depth; level++)
      stack.word(0n, "a local").word(A + 5n, "return address");
    return stack.word(0n, "a local").word(MODULE + 0x120n, "return address into _start");
  };

  test("of a stack overflow are all walked", () => {
    const walk = unwind(amd64(A, 0x7000n), stackOf(20_000), recursion);
    expect(walk.frames).toHaveLength(20_002);
    expect(walk.end).toBe("end-of-stack");
    expect(walk.gaps).toEqual([]);
  });

  test("end at the number that is asked for, with a gap if there are more", () => {
    const walk = (maxFrames: number) =>
      unwind(amd64(A, 0x7000n), stackOf(8), recursion, { maxFrames });
    expect(walk(10).frames).toHaveLength(10);
    expect(walk(10).end).toBe("end-of-stack");
    expect(walk(9).frames).toHaveLength(9);
    expect(walk(9).end).toBe("limit");
    expect(walk(9).gaps).toEqual([
      {
        code: "frame-limit",
        detail: "more than 9 frames (maxFrames, at most MAX_FRAMES)",
        frame: 9,
      },
    ]);
  });

  test("end at the limit on a stack without end", () => {
    const endless: Memory = { read: () => A + 5n };
    const walk = unwind(amd64(A, 0x7000n), endless, recursion, { maxFrames: 2 * MAX_FRAMES });
    expect(walk.frames).toHaveLength(MAX_FRAMES);
    expect(walk.end).toBe("limit");
  });
});

test("a context without program counter or stack pointer has no frames", () => {
  for (const named of [{ rip: A }, { rsp: 0x7000n }, {}]) {
    const walk = unwind(
      { cpu: "amd64", registers: registersOf("amd64", Object.entries(named)) },
      noMemory,
      codeWith(),
    );
    expect(walk).toEqual({ frames: [], end: "no-registers", gaps: [] });
  }
});

test("frames that share a stack pointer are few", () => {
  // The return address in a register that the rules hand round: x19, x20, x19, …
  const row = {
    cfa: cfa(31, 0),
    returnAddress: 30,
    registers: rules({
      30: { kind: "register", register: 19 },
      19: { kind: "register", register: 20 },
      20: { kind: "register", register: 19 },
    }),
  };
  const registers = registersOf("arm64", [
    ["pc", A],
    ["sp", 0x7000n],
    ["x19", A + 8n],
    ["x20", A + 0x10n],
    ["fp", 1n],
  ]);
  const walk = unwind({ cpu: "arm64", registers }, noMemory, codeWith(row));
  expect(walk.frames).toHaveLength(1 + MAX_FLAT_FRAMES);
  expect(walk.end).toBe("memory-missing");
  expect(walk.gaps.map(({ code }) => code)).toEqual(["cfi-failed"]);
});

test("a frame record that is its own caller is followed no further", () => {
  const stack = new Column(0x7000n)
    .word(0x7000n, "fp: itself")
    .word(A + 0x40n, "return address")
    .words(4, 0n, "nothing");
  const registers = registersOf("arm64", [
    ["pc", A],
    ["sp", 0x7000n],
    ["fp", 0x7000n],
  ]);
  expect(
    told(
      unwind({ cpu: "arm64", registers }, stack, codeOf([{ base: MODULE, end: MODULE + 0x1000n }])),
    ),
  ).toEqual(["0x400010 by registers", "0x400050 by scan"]);
});

test("a stack cut at any byte gives the frames whose return addresses are left", () => {
  const code = codeWith(pushed(2), pushed(1), pushed(0), outermost);
  const words = [0n, 0n, MODULE + 0x120n, 0n, MODULE + 0x220n, MODULE + 0x320n];
  const needed = [3, 5, 6];
  for (let length = 0; length <= 48; length++) {
    const full = new Column(0x7000n);
    for (const word of words) full.word(word, "as above");
    const cut: Memory = {
      read: (address, size) =>
        address + BigInt(size) <= 0x7000n + BigInt(length) ? full.read(address, size) : undefined,
    };
    const walk = unwind(amd64(A, 0x7000n), cut, code);
    expect(walk.frames, `cut at byte ${length}`).toHaveLength(
      1 + needed.filter((count) => 8 * count <= length).length,
    );
    expect(walk.end).toBe(length === 48 ? "end-of-stack" : "memory-missing");
  }
});

describe("whatever registers, memory and rules say", () => {
  const stackAt = 0x7000n;
  const word = fc.oneof(
    { weight: 4, arbitrary: fc.bigInt({ min: stackAt, max: stackAt + 0x400n }) },
    { weight: 4, arbitrary: fc.bigInt({ min: MODULE, max: MODULE + 0x900n }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        0n,
        1n,
        0xffff_ffffn,
        0xffff_ffff_ffff_ffffn,
        0x8000_0000_0000_0000n,
      ),
    },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }) },
  );
  const offset = fc.oneof(
    fc.integer({ min: -16, max: 16 }).map((words) => 8 * words),
    fc.integer(),
  );
  const code = fc.uint8Array({ maxLength: 12 });
  const register = fc.nat(40);
  const rule: fc.Arbitrary<RegisterRule> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom("offset" as const, "val-offset" as const),
        offset,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom("expression" as const, "val-expression" as const),
        expression: code,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("register" as const), register }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constantFrom("undefined" as const, "same-value" as const) }),
    },
  );
  const row: fc.Arbitrary<Row> = fc.record({
    cfa: fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant("register" as const),
          register: fc.constantFrom(4, 6, 7, 13, 29, 31),
          offset,
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant("expression" as const), expression: code }),
      },
    ),
    returnAddress: fc.constantFrom(8, 14, 16, 30),
    signalFrame: fc.boolean(),
    registers: fc
      .array(fc.tuple(fc.oneof(register, fc.constantFrom(8, 14, 16, 30)), rule), { maxLength: 6 })
      .map((entries) => new Map(entries)),
  });
  const input = fc.record({
    cpu: fc.constantFrom<CpuName>("amd64", "arm64", "x86", "arm"),
    registers: fc.array(fc.option(word, { nil: undefined }), { minLength: 33, maxLength: 33 }),
    words: fc.array(word, { maxLength: 128 }),
    rows: fc.array(fc.option(row), { maxLength: 8 }),
    mapped: fc.boolean(),
  });

  function walkOf({
    cpu,
    registers,
    words,
    rows,
    mapped,
  }: typeof input extends fc.Arbitrary<infer T> ? T : never): Walk {
    const size = cpu === "amd64" || cpu === "arm64" ? 8 : 4;
    const stack = new Column(stackAt, size);
    for (const one of words) stack.word(one, "anything");
    const functions: readonly Fn[] = rows.map((one, index) => ({
      start: MODULE + BigInt(0x100 * index),
      end: MODULE + BigInt(0x100 * index + 0x100),
      ...(one && { row: one }),
    }));
    const process = codeOf(
      [{ base: MODULE, end: MODULE + 0x1000n, functions }],
      mapped ? [] : null,
    );
    const limited = registers
      .slice(0, registerNames(cpu).length)
      .map((value) => (value === undefined ? value : BigInt.asUintN(8 * size, value)));
    return unwind({ cpu, registers: limited }, stack, process);
  }

  test("a walk ends within its limits, and its stack only grows but through signals", () => {
    fc.assert(
      fc.property(input, (given) => {
        const { frames, gaps } = walkOf(given);
        expect(gaps.length).toBeLessThanOrEqual(MAX_GAPS + 1);
        expect(frames.length).toBeLessThan(5000);
        const bits = given.cpu === "amd64" || given.cpu === "arm64" ? 64 : 32;
        frames.forEach(({ pc, sp, lookupPc }, index) => {
          for (const value of [pc, sp, lookupPc]) expect(BigInt.asUintN(bits, value)).toBe(value);
          const callee = frames[index - 1];
          const least = callee === undefined || callee.signalFrame ? 0n : callee.sp;
          expect(sp).toBeGreaterThanOrEqual(least);
        });
      }),
      { numRuns: 1500 },
    );
  });

  test("a frame that is not the first is in code, unless a signal interrupted it", () => {
    fc.assert(
      fc.property(input, (given) => {
        const { frames } = walkOf({ ...given, mapped: true });
        frames.forEach(({ lookupPc, pc }, index) => {
          if (index === 0 || frames[index - 1]!.signalFrame) return;
          expect([lookupPc, pc].some((one) => one >= MODULE && one < MODULE + 0x1000n)).toBe(true);
        });
      }),
      { numRuns: 500 },
    );
  });
});

test("gaps are kept up to a number, and then one more that says so", () => {
  const broken = {
    cfa: cfa(7, 8),
    registers: rules({
      16: { kind: "offset", offset: -8 },
      3: { kind: "expression", expression: Uint8Array.of(0xff) },
    }),
  };
  const stack = new Column(0x7000n).words(2 * MAX_GAPS, A + 5n, "return address");
  const { gaps } = unwind(amd64(A, 0x7000n), stack, codeWith(broken));
  expect(gaps).toHaveLength(MAX_GAPS + 1);
  expect(gaps.at(-2)).toMatchObject({ code: "expression-damaged", frame: MAX_GAPS - 1 });
  expect(gaps.at(-1)).toEqual({
    code: "more-gaps",
    detail: `the first MAX_GAPS (${MAX_GAPS}) are kept`,
    frame: MAX_GAPS,
  });
});
