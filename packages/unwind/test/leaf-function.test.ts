/** Functions that call nothing and keep no frame record, without unwind tables. */
import { describe, expect, test } from "vitest";
import { registersOf, unwind } from "../src/index.ts";
import { codeOf, Column, told } from "./process.ts";

const LEAF = 0x60_0010n;
const bare = codeOf([
  { base: 0x40_0000n, end: 0x50_0000n },
  { base: 0x60_0000n, end: 0x70_0000n },
]);

describe("a leaf function without a frame has its caller on top of the stack", () => {
  const chained = ["0x401233 by frame-pointer"];
  const walkFrom = (rip: bigint, top: bigint) => {
    const stack = new Column(0x7000n)
      .word(top, "7000: top of the stack")
      .word(0n, "7008: a local of the caller")
      .word(0x7020n, "7010: its record: rbp")
      .word(0x40_1233n, "7018: return address")
      .word(0n, "7020: rbp: none");
    const registers = registersOf("amd64", [
      ["rip", rip],
      ["rsp", 0x7000n],
      ["rbp", 0x7010n],
    ]);
    return told(unwind({ cpu: "amd64", registers }, stack, bare)).slice(1);
  };

  test("if that is in another module", () => {
    expect(walkFrom(LEAF, 0x40_1122n)).toEqual(["0x401122 by scan", ...chained]);
  });

  test("but not if it is in the same one, where it may be left over", () => {
    expect(walkFrom(0x40_1011n, 0x40_1122n)).toEqual(chained);
  });

  test("nor if it is a function's address, or no code", () => {
    expect(walkFrom(LEAF, 0x40_1120n)).toEqual(chained);
    expect(walkFrom(LEAF, 0x7010n)).toEqual(chained);
  });
});

describe("a leaf function that keeps no record has its caller in the link register", () => {
  const chained = ["0x401120 by frame-pointer", "0x401230 by frame-pointer"];
  const walkFrom = (lr: bigint, code = bare) => {
    const stack = new Column(0x7000n)
      .word(0x7020n, "7000: fp of the caller's caller")
      .word(0x40_1120n, "7008: return address into it")
      .words(2, 0n, "7010: locals")
      .word(0n, "7020: fp: none")
      .word(0x40_1230n, "7028: return address");
    const registers = registersOf("arm64", [
      ["pc", LEAF],
      ["sp", 0x7000n],
      ["fp", 0x7000n],
      ["lr", lr],
    ]);
    return told(unwind({ cpu: "arm64", registers }, stack, code)).slice(1);
  };

  test("if that is in another module", () => {
    expect(walkFrom(0x40_1180n)).toEqual(["0x401180 by registers", ...chained]);
  });

  test("if that is in another function", () => {
    const functions = [
      { start: LEAF - 0x10n, end: LEAF + 0x10n },
      { start: LEAF + 0x10n, end: LEAF + 0x80n },
    ];
    const code = codeOf([
      { base: 0x40_0000n, end: 0x50_0000n },
      { base: 0x60_0000n, end: 0x70_0000n, functions },
    ]);
    expect(walkFrom(LEAF + 0x40n, code)).toEqual(["0x600050 by registers", ...chained]);
    expect(walkFrom(LEAF + 8n, code)).toEqual(chained);
  });

  test("but not if it may be a call of its own that has returned", () => {
    expect(walkFrom(LEAF + 0x40n)).toEqual(chained);
  });

  test("nor if its record has it too, or if it is no code", () => {
    expect(walkFrom(0x40_1120n)).toEqual(chained);
    expect(walkFrom(0x7000n)).toEqual(chained);
  });
});
