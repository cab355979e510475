/** What differs by CPU: register names, what a call looks like, where it is. */
import { describe, expect, test } from "vitest";
import { type CpuName, registerNames, registersOf, unwind } from "../src/index.ts";
import { codeOf, Column, joined } from "./process.ts";

describe("registers", () => {
  test.each<[CpuName, Readonly<Record<string, number>>, number]>([
    [
      "amd64",
      { rax: 0, rdx: 1, rcx: 2, rbx: 3, rsi: 4, rdi: 5, rbp: 6, rsp: 7, r8: 8, r15: 15, rip: 16 },
      17,
    ],
    ["x86", { eax: 0, ecx: 1, edx: 2, ebx: 3, esp: 4, ebp: 5, esi: 6, edi: 7, eip: 8 }, 9],
    ["arm64", { x0: 0, x28: 28, fp: 29, x29: 29, lr: 30, x30: 30, sp: 31, pc: 32 }, 33],
    ["arm", { r0: 0, r7: 7, fp: 11, r11: 11, ip: 12, sp: 13, r13: 13, lr: 14, pc: 15 }, 16],
  ])("of %s have DWARF's numbers", (cpu, numbers, count) => {
    const found = Object.keys(numbers).map((name) => {
      const registers = registersOf(cpu, [[name, 7n]]);
      expect(registers).toHaveLength(count);
      return [name, registers.indexOf(7n)];
    });
    expect(Object.fromEntries(found)).toEqual(numbers);
    expect(registerNames(cpu)).toHaveLength(count);
  });

  test("that are not followed are left out", () => {
    expect(
      registersOf("amd64", [
        ["xmm0", 1n],
        ["eflags", 2n],
      ]),
    ).toEqual(Array.from({ length: 17 }));
  });
});

describe("a call", () => {
  /** Whether `bytes` end in one, as far as scanning cares. */
  function isCall(cpu: CpuName, bytes: readonly number[], thumb = false): boolean {
    const [pc, sp] = cpu === "arm64" ? ["pc", "sp"] : ["r15", "r13"];
    const after = 0x40_1120n;
    const stack = new Column(0x7000n, cpu === "arm64" ? 8 : 4).word(
      thumb ? after + 1n : after,
      "return address",
    );
    const registers = registersOf(cpu, [
      [pc, 0x40_2000n],
      [sp, 0x7000n],
      ["fp", 1n],
    ]);
    const code = codeOf([{ base: 0x40_0000n, end: 0x50_0000n }]);
    const text = new Column(after - BigInt(bytes.length)).bytes(...bytes);
    return unwind({ cpu, registers }, joined(stack, text), code).frames.length === 2;
  }

  test("of arm64 is a branch with link, to an address, a register or an authenticated one", () => {
    expect(isCall("arm64", [0x01, 0, 0, 0x94])).toBe(true); // bl
    expect(isCall("arm64", [0xff, 0xff, 0xff, 0x97])).toBe(true); // bl, backwards
    expect(isCall("arm64", [0x00, 0x01, 0x3f, 0xd6])).toBe(true); // blr x8
    expect(isCall("arm64", [0x11, 0x09, 0x3f, 0xd7])).toBe(true); // blraa x8, x17
    expect(isCall("arm64", [0x1f, 0x09, 0x3f, 0xd6])).toBe(true); // blraaz x8
    expect(isCall("arm64", [0x00, 0x01, 0x1f, 0xd6])).toBe(false); // br x8
    expect(isCall("arm64", [0x01, 0, 0, 0x14])).toBe(false); // b
    expect(isCall("arm64", [0xc0, 0x03, 0x5f, 0xd6])).toBe(false); // ret
    expect(isCall("arm64", [])).toBe(true); // not known
  });

  test("of arm is BL or BLX", () => {
    expect(isCall("arm", [0x01, 0, 0, 0xeb])).toBe(true); // bl
    expect(isCall("arm", [0x01, 0, 0, 0x0b])).toBe(true); // bleq
    expect(isCall("arm", [0x01, 0, 0, 0xfa])).toBe(true); // blx to thumb
    expect(isCall("arm", [0x33, 0xff, 0x2f, 0xe1])).toBe(true); // blx r3
    expect(isCall("arm", [0x01, 0, 0, 0xea])).toBe(false); // b
    expect(isCall("arm", [0x13, 0xff, 0x2f, 0xe1])).toBe(false); // bx r3
  });

  test("of thumb is one of two halves or of one", () => {
    expect(isCall("arm", [0x00, 0xf0, 0x01, 0xf8], true)).toBe(true); // bl
    expect(isCall("arm", [0x00, 0xf0, 0x02, 0xe8], true)).toBe(true); // blx
    expect(isCall("arm", [0x00, 0xbf, 0x98, 0x47], true)).toBe(true); // nop; blx r3
    expect(isCall("arm", [0x00, 0xf0, 0x01, 0xb8], true)).toBe(false); // b.w
    expect(isCall("arm", [0x00, 0xbf, 0x18, 0x47], true)).toBe(false); // nop; bx r3
  });
});
