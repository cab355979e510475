/** Words on the stack that may be return addresses. */
import { describe, expect, test } from "vitest";
import { type Code, registersOf, unwind, type Walk } from "../src/index.ts";
import { MAX_SCANNED_WORDS, SCAN_WORDS } from "../src/limits.ts";
import {
  cfa,
  codeOf,
  Column,
  type Fn,
  joined,
  noMemory,
  outermost,
  pushed,
  rules,
  saved,
  told,
} from "./process.ts";

const A = 0x40_1011n;
const B = 0x40_1122n;
const C = 0x40_1233n;
const bare = codeOf([{ base: 0x40_0000n, end: 0x50_0000n }]);

const scan = (
  stack: Column,
  code: Code = bare,
  named: Readonly<Record<string, bigint>> = {},
): Walk =>
  unwind(
    {
      cpu: "amd64",
      registers: registersOf("amd64", Object.entries({ rip: A, rsp: 0x7000n, ...named })),
    },
    stack,
    code,
  );

/** What is found behind a few words that are none. */
const found = (word: bigint, code: Code = bare): readonly string[] =>
  told(
    scan(
      new Column(0x7000n)
        .word(0n, "null")
        .word(5n, "small")
        .word(word, "the word")
        .word(0n, "null"),
      code,
    ),
  ).slice(1);

describe("a word is a return address", () => {
  test("in a module that nothing is known of", () => {
    expect(found(B)).toEqual(["0x401122 by scan"]);
  });

  test("in a function, be it known by symbol or table, but not beside all functions", () => {
    const functions: readonly Fn[] = [{ start: 0x40_1100n, end: 0x40_1200n }];
    expect(
      found(B, codeOf([{ base: 0x40_0000n, end: 0x50_0000n, functions, complete: true }])),
    ).toHaveLength(1);
    expect(
      found(C, codeOf([{ base: 0x40_0000n, end: 0x50_0000n, functions, complete: true }])),
    ).toEqual([]);
    expect(found(C, codeOf([{ base: 0x40_0000n, end: 0x50_0000n, functions }]))).toHaveLength(1);
  });

  test("of generated code, where the maps tell of it", () => {
    expect(found(0x10_0007n, codeOf([], [[0x10_0000n, 0x11_0000n]]))).toEqual(["0x100007 by scan"]);
    expect(found(0x10_0007n, codeOf([], null))).toEqual([]);
    expect(found(0x10_0007n, codeOf([]))).toEqual([]);
  });

  test("behind a call, where the bytes before it are known", () => {
    const verdict = (...bytes: readonly number[]) => {
      const memory = joined(
        new Column(0x7000n).word(B, "the word"),
        new Column(B - BigInt(bytes.length)).bytes(...bytes),
      );
      const registers = registersOf("amd64", [
        ["rip", A],
        ["rsp", 0x7000n],
      ]);
      return unwind({ cpu: "amd64", registers }, memory, bare).frames.length === 2;
    };
    const nops = [0x90, 0x90, 0x90, 0x90, 0x90, 0x90];
    expect(verdict(0xe8, 1, 2, 3, 4)).toBe(true); // call rel32
    expect(verdict(...nops, 0xff, 0xd0)).toBe(true); // call *%rax
    expect(verdict(...nops, 0x41, 0xff, 0xd3)).toBe(true); // call *%r11
    expect(verdict(...nops, 0xff, 0x53, 0x18)).toBe(true); // call *0x18(%rbx)
    expect(verdict(...nops, 0xff, 0x14, 0xc8)).toBe(true); // call *(%rax,%rcx,8)
    expect(verdict(...nops, 0xff, 0x54, 0x24, 8)).toBe(true); // call *8(%rsp)
    expect(verdict(...nops, 0xff, 0x15, 1, 2, 3, 4)).toBe(true); // call *x(%rip)
    expect(verdict(...nops, 0xff, 0x94, 0xc8, 1, 2, 3, 4)).toBe(true); // call *x(%rax,%rcx,8)
    expect(verdict(...nops, 0xff, 0xe0)).toBe(false); // jmp *%rax
    expect(verdict(...nops, 0xff, 0x10, 0x90)).toBe(false); // call *(%rax), a byte earlier
    expect(verdict(...nops, 0x90)).toBe(false);
    expect(verdict(0x90)).toBe(true); // the bytes before are not known
  });

  test("a function's address is no return address", () => {
    const functions: readonly Fn[] = [
      { start: 0x40_1101n, end: 0x40_1200n },
      { start: 0x40_1200n, end: 0x40_1300n },
    ];
    expect(found(0x40_1130n)).toEqual([]);
    const code = codeOf([{ base: 0x40_0000n, end: 0x50_0000n, functions }]);
    expect(found(0x40_1200n, code)).toEqual([]);
    expect(found(0x40_1130n, code)).toEqual(["0x401130 by scan"]);
  });

  test("whose own unwind table leads on to code", () => {
    const functions: readonly Fn[] = [
      { start: 0x40_1100n, end: 0x40_1200n, row: pushed(1) },
      { start: 0x40_1200n, end: 0x40_1300n, row: outermost },
    ];
    const code = codeOf([{ base: 0x40_0000n, end: 0x50_0000n, functions }]);
    const stack = new Column(0x7000n)
      .word(B, "7000: left over: 7010 would have to be a return address")
      .word(0n, "7008")
      .word(0x7000n, "7010")
      .word(B, "7018: return address")
      .word(0n, "7020: pushed by b")
      .word(C, "7028: its return address");
    const walk = scan(stack, code);
    expect(told(walk)).toEqual(["0x401011 by registers", "0x401122 by scan", "0x401233 by cfi"]);
    expect(walk.frames[1]!.sp).toBe(0x7020n);
  });
});

describe("the frame pointer behind a scanned word", () => {
  test("stays as it is if it points above it, else it is not known", () => {
    const stack = new Column(0x7000n).word(0n, "a local").word(B, "return address");
    const rbpOf = (rbp: bigint) => scan(stack, bare, { rbp }).frames[1]?.registers[6];
    expect(rbpOf(0x7100n)).toBe(0x7100n);
    expect(rbpOf(0x6000n)).toBeUndefined();
  });

  test("is what lies below it on arm64, where the two always lie side by side", () => {
    const row = {
      cfa: cfa(31, 32),
      returnAddress: 30,
      registers: rules({ 29: saved(-32), 30: saved(-24) }),
    };
    const end = { ...row, registers: rules({ 30: { kind: "undefined" } }) };
    const functions: readonly Fn[] = [
      { start: 0x40_1100n, end: 0x40_1200n, row },
      { start: 0x40_1200n, end: 0x40_1300n, row: end },
    ];
    const stack = new Column(0x7000n)
      .word(0n, "7000: a local")
      .word(0x7030n, "7008: fp of the caller")
      .word(0x40_1124n, "7010: return address")
      .words(3, 0n, "7018: locals")
      .word(0n, "7030: its record: fp: none")
      .word(0x40_1234n, "7038: return address");
    const registers = registersOf("arm64", [
      ["pc", 0x40_2000n],
      ["sp", 0x7000n],
      ["fp", 0x7001n],
    ]);
    const code = codeOf([{ base: 0x40_0000n, end: 0x50_0000n, functions }]);
    expect(told(unwind({ cpu: "arm64", registers }, stack, code))).toEqual([
      "0x402000 by registers",
      "0x401124 by scan",
      "0x401234 by cfi",
    ]);
  });
});

test("looks no further than so many words", () => {
  const at = (words: number) =>
    scan(new Column(0x7000n).words(words, 0n, "a local").word(B, "return address"));
  expect(at(SCAN_WORDS - 1).frames).toHaveLength(2);
  expect(at(SCAN_WORDS).frames).toHaveLength(1);
  expect(at(SCAN_WORDS).end).toBe("no-caller");
});

test("a stack pointer that is not aligned is, upwards", () => {
  expect(
    scan(new Column(0x7000n).word(0n, "a local").word(B, "return address"), bare, { rsp: 0x7003n })
      .frames,
  ).toHaveLength(2);
});

test("a stack pointer in the guard page: the stack begins behind it", () => {
  const stack = new Column(0x8000n).word(0n, "a local").word(B, "return address");
  expect(told(scan(stack, bare, { rsp: 0x7ff0n }))[1]).toBe("0x401122 by scan");
  expect(told(scan(stack, bare, { rsp: 0x7010n }))[1]).toBe("0x401122 by scan");
});

test("a stack that the dump does not hold ends the walk", () => {
  const registers = registersOf("amd64", [
    ["rip", A],
    ["rsp", 0x7000n],
  ]);
  const walk = unwind({ cpu: "amd64", registers }, noMemory, bare);
  expect(told(walk)).toEqual(["0x401011 by registers"]);
  expect(walk.end).toBe("memory-missing");
});

test("one walk scans no more than its allowance", () => {
  const stack = new Column(0x7000n);
  for (let words = 0; words < MAX_SCANNED_WORDS + 2 * SCAN_WORDS; words += 128)
    stack.words(127, 0n, "locals").word(B, "return address");
  const walk = scan(stack);
  expect(walk.frames).toHaveLength(1 + MAX_SCANNED_WORDS / 128);
  expect(walk.end).toBe("limit");
  expect(walk.gaps).toEqual([
    {
      code: "scan-limit",
      detail: `more than MAX_SCANNED_WORDS (${MAX_SCANNED_WORDS}) words`,
      frame: MAX_SCANNED_WORDS / 128,
    },
  ]);
});
