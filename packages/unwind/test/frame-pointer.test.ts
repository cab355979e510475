/** Frame records, without unwind tables unless a test says so. */
import { describe, expect, test } from "vitest";
import { registersOf, unwind, type WalkOptions } from "../src/index.ts";
import {
  cfa,
  codeOf,
  Column,
  type Fn,
  joined,
  outermost,
  pushed,
  rules,
  saved,
  told,
} from "./process.ts";

const MODULE = 0x40_0000n;
const A = 0x40_1011n;
const B = 0x40_1122n;
const C = 0x40_1233n;

const bare = codeOf([{ base: MODULE, end: 0x50_0000n }]);

const amd64 = (
  stack: Column,
  named: Readonly<Record<string, bigint>>,
  code = bare,
  options: WalkOptions = {},
) =>
  unwind(
    {
      cpu: "amd64",
      registers: registersOf("amd64", Object.entries({ rip: A, rsp: 0x7000n, ...named })),
    },
    stack,
    code,
    options,
  );

describe("amd64", () => {
  const chain = new Column(0x7000n)
    .word(C, "7000: left over from an earlier call")
    .word(0x7020n, "7008: rbp of a's caller")
    .word(B, "7010: return address into it")
    .word(C, "7018: left over")
    .word(0n, "7020: rbp of b's caller: none")
    .word(C, "7028: return address into it")
    .word(1n, "7030: argc")
    .word(B, "7038: what scanning would take for a return address");

  test("follows the chain to the null frame pointer and no further", () => {
    const walk = amd64(chain, { rbp: 0x7008n });
    expect(told(walk)).toEqual([
      "0x401011 by registers",
      "0x401122 by frame-pointer",
      "0x401233 by frame-pointer",
    ]);
    expect(walk.end).toBe("end-of-stack");
    expect(walk.frames.map(({ sp }) => sp)).toEqual([0x7000n, 0x7018n, 0x7030n]);
    expect(walk.frames[1]!.lookupPc).toBe(B - 1n);
    expect(walk.frames[1]!.registers[6]).toBe(0x7020n);
    expect(walk.frames[1]!.registers[3]).toBeUndefined();
    expect(walk.gaps).toEqual([]);
  });

  test.each<[string, bigint]>([
    ["unaligned", 0x700cn],
    ["below the stack pointer", 0x6ff8n],
    ["without memory", 0x9000n],
    ["null", 0n],
    ["at the end of memory", 0xffff_ffff_ffff_fff8n],
    ["pointing at what is no record", 0x7000n],
  ])("does not follow one that is %s, but scans", (_, rbp) => {
    expect(told(amd64(chain, { rbp }))[1]).toBe("0x401233 by scan");
  });

  test("follows no record whose frame pointer goes down or leads nowhere", () => {
    const down = new Column(0x7000n)
      .word(C, "left over")
      .word(0x7008n, "rbp: itself")
      .word(B, "return address");
    expect(told(amd64(down, { rbp: 0x7008n }))[1]).toBe("0x401233 by scan");
    const nowhere = new Column(0x7000n)
      .word(C, "left over")
      .word(0x9000n, "rbp")
      .word(B, "return address");
    expect(told(amd64(nowhere, { rbp: 0x7008n }))[1]).toBe("0x401233 by scan");
  });

  test("follows none to another stack: a handler on its own has the register of what it interrupted", () => {
    const other = new Column(0x90_7000n)
      .word(0x90_7010n, "907000: rbp of a caller")
      .word(B, "907008: return address into it")
      .word(0n, "907010: of the caller");
    const handler = new Column(0x7000n).word(0n, "7000: a local").word(C, "7008: return address");
    const walk = unwind(
      {
        cpu: "amd64",
        registers: registersOf("amd64", [
          ["rip", A],
          ["rsp", 0x7000n],
          ["rbp", 0x90_7000n],
        ]),
      },
      joined(handler, other),
      bare,
    );
    expect(told(walk)[1]).toBe("0x401233 by scan");
  });

  test("goes through generated code", () => {
    const generated = 0x10_0045n;
    const stack = new Column(0x7000n)
      .word(0x7018n, "7000: rbp")
      .word(generated, "7008: return address into generated code")
      .word(0n, "7010: its local")
      .word(0n, "7018: rbp: none")
      .word(B, "7020: return address");
    const modules = [{ base: MODULE, end: 0x50_0000n }];
    const expected = [
      "0x401011 by registers",
      "0x100045 by frame-pointer",
      "0x401122 by frame-pointer",
    ];
    const walk = (generatedAt: Parameters<typeof codeOf>[1]) =>
      told(amd64(stack, { rbp: 0x7000n }, codeOf(modules, generatedAt)));
    expect(walk([[0x10_0000n, 0x11_0000n]])).toEqual(expected);
    expect(walk(null)).toEqual(expected);
    expect(walk([])).toEqual(["0x401011 by registers", "0x401122 by scan"]);
  });

  test("a record must hold what a call leaves, where the bytes before it are known", () => {
    const stack = new Column(0x7000n)
      .word(0x7010n, "rbp")
      .word(B, "a pointer into code")
      .word(0n, "of the caller");
    const call = new Column(B - 8n).bytes(0, 0, 0, 0xe8, 1, 2, 3, 4);
    const other = new Column(B - 8n).bytes(0, 0, 0, 0x90, 1, 2, 3, 4);
    const walk = (bytes: Column) =>
      unwind(
        {
          cpu: "amd64",
          registers: registersOf("amd64", [
            ["rip", A],
            ["rsp", 0x7000n],
            ["rbp", 0x7000n],
          ]),
        },
        joined(stack, bytes),
        bare,
      );
    expect(told(walk(call))).toEqual(["0x401011 by registers", "0x401122 by frame-pointer"]);
    expect(told(walk(other))).toEqual(["0x401011 by registers"]);
  });

  test("on Windows the frame pointer may point up to 240 bytes into its frame", () => {
    const stack = new Column(0x7000n)
      .words(6, 0n, "7000: locals")
      .word(0x7100n, "7030: rbp of the caller")
      .word(B, "7038: return address")
      .words(24, 0n, "7040: locals")
      .word(0n, "7100: of the caller");
    expect(told(amd64(stack, { rbp: 0x7010n }, bare, { os: "windows" }))[1]).toBe(
      "0x401122 by frame-pointer",
    );
    expect(told(amd64(stack, { rbp: 0x7010n }))[1]).toBe("0x401122 by scan");
  });

  describe("a null frame pointer", () => {
    const record = (rbp: bigint, returnAddress: bigint) =>
      new Column(0x7000n)
        .word(0x7010n, "7000: rbp of the caller")
        .word(B, "7008: return address into it")
        .word(rbp, "7010: rbp of its caller")
        .word(returnAddress, "7018: return address into that")
        .word(C, "7020: left over");

    test("ends the stack at the end of a chain", () => {
      const walk = amd64(record(0n, A), { rbp: 0x7000n });
      expect(told(walk).slice(1)).toEqual([
        "0x401122 by frame-pointer",
        "0x401011 by frame-pointer",
      ]);
      expect(walk.end).toBe("end-of-stack");
    });

    test("and a null record likewise", () => {
      const walk = amd64(record(0n, 0n), { rbp: 0x7000n });
      expect(told(walk).slice(1)).toEqual(["0x401122 by frame-pointer"]);
      expect(walk.end).toBe("end-of-stack");
    });

    test("but not where the register may be used for something else", () => {
      expect(told(amd64(record(0n, A), { rbp: 0x7010n }))[1]).toBe("0x401122 by scan");
      expect(told(amd64(record(0n, 0n), { rbp: 0x7010n }))[1]).toBe("0x401122 by scan");
      expect(told(amd64(record(0n, 0n), { rbp: 0n }))[1]).toBe("0x401122 by scan");
    });
  });

  test("a caller with an unwind table goes on by it", () => {
    const functions: readonly Fn[] = [
      { start: 0x40_1100n, end: 0x40_1200n, row: pushed(1) },
      { start: 0x40_1200n, end: 0x40_1300n, row: outermost },
    ];
    const stack = new Column(0x7000n)
      .word(0x7100n, "7000: rbp")
      .word(B, "7008: return address")
      .word(0n, "7010: pushed")
      .word(C, "7018: return address")
      .words(28, 0n, "7020: of the caller")
      .word(0n, "7100: what rbp points at");
    const walk = amd64(
      stack,
      { rbp: 0x7000n },
      codeOf([{ base: MODULE, end: 0x50_0000n, functions }]),
    );
    expect(told(walk)).toEqual([
      "0x401011 by registers",
      "0x401122 by frame-pointer",
      "0x401233 by cfi",
    ]);
  });
});

describe("x86", () => {
  test("follows the chain", () => {
    const stack = new Column(0x7000n, 4)
      .word(C, "7000: left over")
      .word(0x7010n, "7004: ebp of the caller")
      .word(B, "7008: return address")
      .word(7n, "700c: argument")
      .word(0n, "7010: ebp: none")
      .word(C, "7014: return address");
    const registers = registersOf("x86", [
      ["eip", A],
      ["esp", 0x7000n],
      ["ebp", 0x7004n],
    ]);
    const walk = unwind({ cpu: "x86", registers }, stack, bare);
    expect(told(walk)).toEqual([
      "0x401011 by registers",
      "0x401122 by frame-pointer",
      "0x401233 by frame-pointer",
    ]);
    expect(walk.frames.map(({ sp }) => sp)).toEqual([0x7000n, 0x700cn, 0x7018n]);
    expect(walk.end).toBe("end-of-stack");
  });
});

describe("arm", () => {
  const walkOf = (
    stack: Column,
    named: Readonly<Record<string, bigint>>,
    options: WalkOptions = {},
  ) => {
    const registers = registersOf(
      "arm",
      Object.entries({ pc: 0x40_1010n, sp: 0x7000n, lr: 0n, ...named }),
    );
    return unwind({ cpu: "arm", registers }, stack, bare, options);
  };

  const clang = new Column(0x7000n, 4)
    .word(0x40_1200n, "7000: left over")
    .word(0x7010n, "7004: fp of the caller")
    .word(0x40_1123n, "7008: return address, thumb")
    .word(0n, "700c: a local")
    .word(0n, "7010: fp: none")
    .word(0x40_1234n, "7014: return address, arm");

  const gcc = new Column(0x7000n, 4)
    .word(0x7014n, "7000: fp of the caller")
    .word(0x40_1123n, "7004: return address, thumb")
    .words(2, 0n, "7008: locals")
    .word(0n, "7010: fp: none")
    .word(0x40_1234n, "7014: return address, arm");

  test.each([
    ["Clang", clang],
    ["GCC", gcc],
  ])("follows records as %s makes them, thumb bits and all", (_, stack) => {
    const { frames } = walkOf(stack, { fp: 0x7004n });
    expect(frames.map(({ foundBy }) => foundBy)).toEqual([
      "registers",
      "frame-pointer",
      "frame-pointer",
    ]);
    expect(frames.map(({ pc }) => pc)).toEqual([0x40_1010n, 0x40_1122n, 0x40_1234n]);
    expect(frames.map(({ lookupPc }) => lookupPc)).toEqual([0x40_1010n, 0x40_1120n, 0x40_1230n]);
    expect(frames[2]?.sp).toBe(0x7018n);
  });

  test("uses r7 on iOS", () => {
    const stack = new Column(0x7000n, 4)
      .word(0n, "7000: r7: none")
      .word(0x40_1121n, "7004: return address");
    expect(told(walkOf(stack, { r7: 0x7000n }, { os: "ios" }))).toEqual([
      "0x401010 by registers",
      "0x401120 by frame-pointer",
    ]);
  });
});

describe("arm64", () => {
  const arm64 = (
    stack: Column,
    named: Readonly<Record<string, bigint>>,
    code = bare,
    options: WalkOptions = {},
  ) =>
    unwind(
      {
        cpu: "arm64",
        registers: registersOf("arm64", Object.entries({ pc: 0x40_1010n, sp: 0x7000n, ...named })),
      },
      stack,
      code,
      options,
    );
  const chain = (sign: bigint) =>
    new Column(0x7000n)
      .word(0x7020n, "7000: fp of the caller")
      .word(0x40_1120n | sign, "7008: return address")
      .word(0n, "7010: a local")
      .word(0n, "7018: a local")
      .word(0n, "7020: fp: none")
      .word(0x40_1230n | sign, "7028: return address");
  const expected = [
    "0x401010 by registers",
    "0x401120 by frame-pointer",
    "0x401230 by frame-pointer",
  ];

  test("follows the chain to the null frame pointer", () => {
    const walk = arm64(chain(0n), { fp: 0x7000n });
    expect(told(walk)).toEqual(expected);
    expect(walk.end).toBe("end-of-stack");
    expect(walk.frames[1]!.lookupPc).toBe(0x40_111cn);
    expect(walk.frames[1]!.registers[31]).toBeUndefined();
  });

  test("takes signatures off", () => {
    expect(told(arm64(chain(0x00a5_0000_0000_0000n), { fp: 0x7000n }))).toEqual(expected);
  });

  test("takes no address bits off where modules lie above 2^47", () => {
    const high = 0xf000_0040_0000n;
    const stack = new Column(0x7000n)
      .word(0n, "fp: none")
      .word((0x7fn << 56n) | (high + 0x20n), "return address");
    const walk = arm64(
      stack,
      { fp: 0x7000n, pc: high + 0x10n },
      codeOf([{ base: high, end: high + 0x1000n }]),
      {
        modulesEnd: high + 0x1000n,
      },
    );
    expect(told(walk)).toEqual(["0xf00000400010 by registers", "0xf00000400020 by frame-pointer"]);
  });

  test("ends where the frame pointer is null", () => {
    const walk = arm64(chain(0n), { fp: 0n });
    expect(told(walk)).toEqual(["0x401010 by registers"]);
    expect(walk.end).toBe("end-of-stack");
  });

  describe("a null record", () => {
    const stack = new Column(0x7000n)
      .word(0x7020n, "7000: fp of a function that did not set its own")
      .word(0x40_1120n, "7008: return address")
      .word(0n, "7010: a local")
      .word(0n, "7018: a local")
      .word(0n, "7020: the last record: fp: none")
      .word(0n, "7028: return address: none");

    test("does not end the stack where it may be another function's", () => {
      expect(told(arm64(stack, { fp: 0x7020n }))).toEqual([
        "0x401010 by registers",
        "0x401120 by scan",
      ]);
    });

    test("ends it where it is the function's own", () => {
      const walk = arm64(stack, { fp: 0x7000n });
      expect(told(walk)).toEqual(["0x401010 by registers", "0x401120 by frame-pointer"]);
      expect(walk.end).toBe("end-of-stack");
    });
  });

  test("the CFA of a frame whose stack pointer is not known follows from where its record is", () => {
    const row = {
      cfa: cfa(31, 48),
      returnAddress: 30,
      registers: rules({ 29: saved(-48), 30: saved(-40), 19: saved(-32) }),
    };
    const end = {
      cfa: cfa(31, 0),
      returnAddress: 30,
      registers: rules({ 30: { kind: "undefined" } }),
    };
    const functions: readonly Fn[] = [
      { start: 0x40_1100n, end: 0x40_1200n, row },
      { start: 0x40_1200n, end: 0x40_1300n, row: end },
    ];
    const stack = new Column(0x7000n)
      .word(0x7040n, "7000: fp of the caller")
      .word(0x40_1120n, "7008: return address")
      .words(6, 0n, "7010: as many locals as the walk cannot know of")
      .word(0n, "7040: fp: none")
      .word(0x40_1230n, "7048: return address")
      .word(0x1919n, "7050: x19")
      .words(3, 0n, "7058: locals");
    const walk = arm64(
      stack,
      { fp: 0x7000n },
      codeOf([{ base: MODULE, end: 0x50_0000n, functions }]),
    );
    expect(told(walk)).toEqual([
      "0x401010 by registers",
      "0x401120 by frame-pointer",
      "0x401230 by cfi",
    ]);
    expect(walk.frames[2]!.sp).toBe(0x7070n);
    expect(walk.frames[2]!.registers[19]).toBe(0x1919n);
    expect(walk.end).toBe("end-of-stack");
  });
});
