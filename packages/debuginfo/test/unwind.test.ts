import fc from "fast-check";
import { expect, test } from "vitest";
import type { SymbolCache, UnwindRules } from "../src/index.ts";
import { type CieShape, FrameBytes, type FrameShape } from "./frame-bytes.ts";
import { cacheOf, fixture } from "./fixture.ts";
import { rulesText } from "./rules-text.ts";
import { elfWith, sleb, uleb } from "./synthetic-elf.ts";

const AT = 0x3000;

function cacheWith(frames: FrameBytes, shape: FrameShape = {}): SymbolCache {
  const name = shape.name ?? ".eh_frame";
  return cacheOf(elfWith({ [name]: frames.section() }, { ...shape, addresses: { [name]: AT } }));
}

/** A function at 0x1000, 0x40 bytes long, with one program under one CIE. */
function oneFunction(
  instructions: readonly number[],
  cie: CieShape = {},
  shape: FrameShape = {},
): SymbolCache {
  const frames = new FrameBytes(shape);
  const augmented = cie.augmentation?.startsWith("z") === true ? [] : null;
  frames.fde(frames.cie(cie), 0x1000, 0x40, instructions, undefined, augmented);
  return cacheWith(frames, shape);
}

/** Without the return address, which is the same in all of them. */
const text = (rules: UnwindRules | null): string | null =>
  rulesText(rules)?.replace(" 16=[cfa-8]", "") ?? null;

const rowsAt = (cache: SymbolCache, ...addresses: readonly number[]): (string | null)[] =>
  addresses.map((address) => text(cache.unwindRules(address)));

const NEXT = 0x44; // DW_CFA_advance_loc by 4

test.each([
  ["def_cfa", [0x0c, 6, 16], "r6+16"],
  ["def_cfa_sf", [0x12, 6, 0x7e], "r6+16"],
  ["def_cfa_register", [0x0d, 6], "r6+8"],
  ["def_cfa_offset", [0x0e, ...uleb(4096)], "r7+4096"],
  ["def_cfa_offset_sf", [0x13, 0x7d], "r7+24"],
  ["def_cfa_expression", [0x0f, 2, 0x77, 8], "7708"],
  ["def_cfa_register, the CFA being an expression", [0x0f, 2, 0x77, 8, 0x0d, 6], "r6+8"],
  ["offset", [0x83, 2], "r7+8 3=[cfa-16]"],
  ["offset_extended", [0x05, ...uleb(300), 2], "r7+8 300=[cfa-16]"],
  ["offset_extended_sf", [0x11, 3, 0x7f], "r7+8 3=[cfa8]"],
  ["GNU_negative_offset_extended", [0x2f, 3, 2], "r7+8 3=[cfa16]"],
  ["val_offset", [0x14, 3, 2], "r7+8 3=cfa-16"],
  ["val_offset_sf", [0x15, 3, 0x7e], "r7+8 3=cfa16"],
  ["register", [0x09, 3, 12], "r7+8 3=r12"],
  ["undefined", [0x07, 3], "r7+8 3=undefined"],
  ["same_value", [0x08, 3], "r7+8 3=same-value"],
  ["expression", [0x10, 3, 2, 0x70, 0], "r7+8 3=[7000]"],
  ["val_expression", [0x16, 3, 2, 0x70, 0], "r7+8 3=7000"],
  ["GNU_args_size, nop", [0x2e, ...uleb(1000), 0], "r7+8"],
  ["restore of what the CIE says nothing of", [0x83, 2, 0xc3], "r7+8"],
  ["restore_extended", [0x83, 2, 0x06, 3], "r7+8"],
])("DW_CFA_%s", (_, instructions, wanted) => {
  expect(rowsAt(oneFunction(instructions), 0x1000, 0x103f, 0x1040, 0xfff)).toEqual([
    wanted,
    wanted,
    null,
    null,
  ]);
});

test("restore brings back what the CIE says", () => {
  const initial = [0x0c, 7, 8, 0x83, 3];
  const cache = oneFunction([0x83, 5, NEXT, 0xc3, NEXT, 0x07, 3, NEXT, 0x06, 3], {
    instructions: initial,
  });
  expect(rowsAt(cache, 0x1000, 0x1004, 0x1008, 0x100c)).toEqual([
    "r7+8 3=[cfa-40]",
    "r7+8 3=[cfa-24]",
    "r7+8 3=undefined",
    "r7+8 3=[cfa-24]",
  ]);
});

test("remember_state and restore_state nest, and hold the CFA too", () => {
  const push = [0x0a, 0x0e, 16, 0x83, 2];
  const cache = oneFunction([...push, NEXT, 0x0a, 0x0e, 32, NEXT, 0x0b, NEXT, 0x0b, NEXT]);
  expect(rowsAt(cache, 0x1000, 0x1004, 0x1008, 0x100c)).toEqual([
    "r7+16 3=[cfa-16]",
    "r7+32 3=[cfa-16]",
    "r7+16 3=[cfa-16]",
    "r7+8",
  ]);
});

test.each([true, false])(
  "rows begin where each kind of advance says (little-endian %s)",
  (littleEndian) => {
    const shape = { littleEndian };
    const { u16, u32, u64 } = new FrameBytes(shape).integers;
    const step = (depth: number): number[] => [0x0e, depth];
    const cache = oneFunction(
      [
        [0x41, ...step(1)],
        [0x02, 2, ...step(2)],
        [0x03, ...u16(3), ...step(3)],
        [0x04, ...u32(1), ...step(4)],
        [0x1d, ...u64(1), ...step(5)],
        [0x01, ...u64(0x1030), ...step(6)],
      ].flat(),
      { codeAlignment: 2 },
      shape,
    );
    const found = [0x1000, 0x1001, 0x1002, 0x1006, 0x100c, 0x100e, 0x1010, 0x102f, 0x1030].map(
      (at) => {
        const rules = cache.unwindRules(at);
        return [rules?.rowStart, rules?.cfa.kind === "register" ? rules.cfa.offset : null];
      },
    );
    expect(found).toEqual([
      [0x1000, 8],
      [0x1000, 8],
      [0x1002, 1],
      [0x1006, 2],
      [0x100c, 3],
      [0x100e, 4],
      [0x1010, 5],
      [0x1010, 5],
      [0x1030, 6],
    ]);
  },
);

test("a long function is found at every row, with its own start and end", () => {
  const rows = 1000;
  const program = Array.from({ length: rows - 1 }, (_, at) => [0x41, 0x0e, ...uleb(at + 16)]);
  const frames = new FrameBytes();
  frames.fde(frames.cie(), 0x1000, rows, program.flat());
  const cache = cacheWith(frames);
  const found = Array.from({ length: rows }, (_, at) => cache.unwindRules(0x1000 + at));
  expect(found.map((rules) => (rules?.cfa.kind === "register" ? rules.cfa.offset : null))).toEqual([
    8,
    ...program.map((_, at) => at + 16),
  ]);
  expect(new Set(found.map((rules) => `${rules?.start} ${rules?.end}`))).toEqual(
    new Set([`4096 ${4096 + rows}`]),
  );
});

test("signal frames, signed return addresses and the return address register are told", () => {
  const arm = { machine: 183 };
  const cie = { augmentation: "zSB", returnAddress: 30, instructions: [0x0c, 31, 0] };
  const cache = oneFunction([0x2d, NEXT, 0x0a, 0x2c, NEXT, 0x0b], cie, arm);
  const found = [0x1000, 0x1004, 0x1008].map((at) => cache.unwindRules(at));
  expect(found.map((rules) => rules?.pointerAuthentication)).toEqual([true, false, true]);
  expect(found.map((rules) => [rules?.signalFrame, rules?.returnAddress])).toEqual(
    found.map(() => [true, 30]),
  );
  expect(oneFunction([0x2d], cie).info.gaps.join()).toMatch(/unknown opcode 0x2d/);
});

type Encoding = readonly [
  name: string,
  encoding: number,
  place: (frames: FrameBytes, at: number) => readonly number[],
];

const START = 0x1234;
const SIZE = 0x40;
const GOT = 0x2000;
const TEXT = 0x1000;
const encodings: readonly Encoding[] = [
  ["absptr", 0x00, (frames) => [...frames.pointer(START), ...frames.pointer(SIZE)]],
  ["uleb128", 0x01, () => [...uleb(START), ...uleb(SIZE)]],
  ["udata2", 0x02, ({ integers }) => [...integers.u16(START), ...integers.u16(SIZE)]],
  ["udata4", 0x03, ({ integers }) => [...integers.u32(START), ...integers.u32(SIZE)]],
  ["udata8", 0x04, ({ integers }) => [...integers.u64(START), ...integers.u64(SIZE)]],
  [
    "pcrel absptr",
    0x10,
    (frames, at) => [...frames.pointer(START - AT - at), ...frames.pointer(SIZE)],
  ],
  ["pcrel sleb128", 0x19, (_, at) => [...sleb(START - AT - at), ...uleb(SIZE)]],
  [
    "pcrel sdata2",
    0x1a,
    ({ integers }, at) => [...integers.u16(START - AT - at), ...integers.u16(SIZE)],
  ],
  [
    "pcrel sdata4",
    0x1b,
    ({ integers }, at) => [...integers.u32(START - AT - at), ...integers.u32(SIZE)],
  ],
  [
    "pcrel sdata8",
    0x1c,
    ({ integers }, at) => [...integers.u64(START - AT - at), ...integers.u64(SIZE)],
  ],
  [
    "textrel udata4",
    0x23,
    ({ integers }) => [...integers.u32(START - TEXT), ...integers.u32(SIZE)],
  ],
  ["datarel sdata4", 0x3b, ({ integers }) => [...integers.u32(START - GOT), ...integers.u32(SIZE)]],
];

const kinds = [true, false].flatMap((is64) =>
  [true, false].map((littleEndian) => ({ is64, littleEndian })),
);

test.each(encodings)(
  "pointers encoded as %s, in both widths and byte orders",
  (_, encoding, place) => {
    const found = kinds.map((kind) => {
      const frames = new FrameBytes(kind);
      const cie = frames.cie({ augmentation: "zPLR", data: [0x9b, 1, 2, 3, 4, 0x1b, encoding] });
      frames.fde(cie, START, SIZE, [], (at) => place(frames, at), [9, 9, 9, 9]);
      const elf = elfWith(
        { ".eh_frame": frames.section(), ".got": new Uint8Array(8) },
        { ...kind, addresses: { ".eh_frame": AT, ".got": GOT } },
      );
      const cache = cacheOf(elf);
      const rules = cache.unwindRules(START);
      return [rules?.start, rules?.end, ...cache.info.gaps];
    });
    expect(found).toEqual(kinds.map(() => [START, START + SIZE]));
  },
);

test("an indirect pointer is read from what is loaded", () => {
  const stored = 0x1000; // the load base, too
  const found = kinds.map((kind) => {
    const frames = new FrameBytes(kind);
    const cie = frames.cie({ augmentation: "zR", data: [0x83] });
    const { u32 } = frames.integers;
    frames.fde(cie, START, SIZE, [], () => [...u32(stored), ...u32(SIZE)], []);
    frames.fde(cie, START, SIZE, [], () => [...u32(0x9000), ...u32(SIZE)], []);
    const sections = { ".eh_frame": frames.section(), ".data": Buffer.from(frames.pointer(START)) };
    const cache = cacheOf(elfWith(sections, { ...kind, loaded: { ".data": stored } }));
    return [cache.unwindRules(START - stored)?.start, cache.info.gaps];
  });
  const gap = ".eh_frame: initial_location: pointer encoding 0x83 cannot be read (entry at 0x";
  expect(found.map(([start]) => start)).toEqual(kinds.map(() => START - stored));
  expect(found.every(([, gaps]) => String(gaps).startsWith(gap))).toBe(true);
});

test("an aligned pointer begins at a multiple of its size", () => {
  const frames = new FrameBytes();
  const cie = frames.cie({ augmentation: "zR", data: [0x50] });
  frames.fde(
    cie,
    START,
    SIZE,
    [],
    (at) => [
      ...Array<number>((8 - ((AT + at) % 8)) % 8).fill(0xee),
      ...frames.pointer(START),
      ...frames.pointer(SIZE),
    ],
    [],
  );
  expect(cacheWith(frames).unwindRules(START)?.start).toBe(START);
});

const versions = [1, 3, 4].flatMap((version) =>
  [false, true].flatMap((wide) => kinds.map((kind) => ({ ...kind, version, wide }))),
);

test.each(versions)(".debug_frame: %j", ({ version, wide, is64, littleEndian }) => {
  const shape = { name: ".debug_frame", is64, littleEndian, wide } as const;
  const cache = oneFunction([0x0e, 16], { version, returnAddress: 65 }, shape);
  expect(rowsAt(cache, 0x1000)).toEqual(["r7+16"]);
  expect([cache.unwindRules(0x1000)?.returnAddress, cache.info.unwind]).toEqual([
    65,
    ["debug_frame"],
  ]);
});

test("what one table lacks the other has; where both speak, .eh_frame does", () => {
  const eh = new FrameBytes();
  const ehCie = eh.cie();
  eh.fde(ehCie, 0x1000, 0x10, [0x0e, 16]);
  const debug = new FrameBytes({ name: ".debug_frame" });
  const debugCie = debug.cie();
  debug.fde(debugCie, 0x1000, 0x10, [0x0e, 24]);
  debug.fde(debugCie, 0x1010, 0x10, [0x0e, 32]);
  const cache = cacheOf(
    elfWith({ ".debug_frame": debug.section() }),
    elfWith({ ".eh_frame": eh.section() }, { addresses: { ".eh_frame": AT } }),
  );
  expect(rowsAt(cache, 0x1000, 0x1010)).toEqual(["r7+24", "r7+32"]);
  const whole = cacheOf(elfWith({ ".debug_frame": debug.section(), ".eh_frame": eh.section() }));
  expect(rowsAt(whole, 0x1000, 0x1010)).toEqual(["r7+16", "r7+32"]);
  expect(whole.info.unwind).toEqual(["eh_frame", "debug_frame"]);
});

test("a terminator in the middle ends nothing, dropped code is left out", () => {
  const frames = new FrameBytes();
  const cie = frames.cie();
  frames.fde(cie, 0, 0x40, []);
  frames.raw([0, 0, 0, 0]);
  frames.fde(cie, 0x1000, 0x40, []);
  expect(rowsAt(cacheWith(frames), 0, 0x1000)).toEqual([null, "r7+8"]);
});

const deep = Array.from({ length: 100 }, () => 0x0a);
const many = Array.from({ length: 600 }, (_, at) => [0x05, ...uleb(at), 1]).flat();

test.each([
  ["an opcode nobody has defined", [NEXT, 0x3f], /unknown opcode 0x3f/],
  ["states restored that were not remembered", [NEXT, 0x0b], /without a state remembered/],
  ["states remembered without end", [NEXT, ...deep], /MAX_REMEMBERED_STATES \(64\)/],
  ["registers without end", [NEXT, ...many], /MAX_UNWIND_RULES \(512\)/],
  ["a register nobody has", [NEXT, 0x05, ...uleb(2 ** 40), 1], /MAX_UNWIND_REGISTER \(65535\)/],
  ["a frame larger than any", [NEXT, 0x0e, ...uleb(2 ** 50)], /MAX_UNWIND_OFFSET/],
  [
    "an expression longer than any",
    [NEXT, 0x0f, ...uleb(2 ** 20)],
    /MAX_EXPRESSION_BYTES \(4096\)/,
  ],
  ["an expression beyond the entry", [NEXT, 0x0f, 100], /runs to 0x[0-9a-f]+, the data ends/],
  ["a step backwards", [NEXT, 0x01, 0, 0, 0, 0, 0, 0, 0, 0], /moves from 0x1004 to 0x0/],
])("%s: a gap from there on, for this function alone", (_, instructions, gap) => {
  const frames = new FrameBytes();
  const cie = frames.cie();
  frames.fde(cie, 0x1000, 0x40, instructions);
  frames.fde(cie, 0x1040, 0x40, []);
  const cache = cacheWith(frames);
  expect(rowsAt(cache, 0x1000, 0x1004, 0x103f, 0x1040)).toEqual(["r7+8", null, null, "r7+8"]);
  expect(cache.info.gaps.join()).toMatch(gap);
});

test.each([
  ["to nothing", 0x100, /no CIE there/],
  ["to another function", 0, /no CIE there/],
  ["into a CIE", 4, /no CIE there/],
])("a function that points %s has no rules", (_, target, gap) => {
  const frames = new FrameBytes();
  const first = frames.length;
  frames.fde(0x200, 0x1000, 0x10, []);
  const cie = frames.cie();
  frames.fde(target === 4 ? cie + 4 : target === 0 ? first : target, 0x1010, 0x10, []);
  frames.fde(cie, 0x1020, 0x10, []);
  const cache = cacheWith(frames);
  expect(rowsAt(cache, 0x1000, 0x1010, 0x1020)).toEqual([null, null, "r7+8"]);
  expect(cache.info.gaps.join()).toMatch(gap);
});

test("a length that lies costs what follows; a CIE of another version its functions", () => {
  const frames = new FrameBytes();
  const cie = frames.cie();
  frames.fde(cie, 0x1000, 0x10, []);
  frames.fde(frames.cie({ version: 2 }), 0x1010, 0x10, []);
  frames.raw([0xf0, 0xff, 0xff, 0x7f, 0, 0, 0, 0]);
  const cache = cacheWith(frames);
  expect(rowsAt(cache, 0x1000, 0x1010)).toEqual(["r7+8", null]);
  expect(cache.info.gaps.join()).toMatch(/CIE version at 0x[0-9a-f]+: wanted 1, 3 or 4, found 2/);
  expect(cache.info.gaps.join()).toMatch(/need 2147483632 bytes/);
});

test("rows that repeat thousands of long rules stop at MAX_RULE_BYTES_EACH", () => {
  const long = [...uleb(4000), ...Array<number>(4000).fill(0x30)];
  const rules = Array.from({ length: 50 }, (_, at) => [0x10, at, ...long]).flat();
  const rows = Array.from({ length: 20_000 }, (_, at) => [0x41, 0x0e, ...uleb(at + 9)]).flat();
  const frames = new FrameBytes();
  frames.fde(frames.cie(), 0x1000, 0x10_0000, [...rules, ...rows]);
  const start = performance.now();
  const cache = cacheWith(frames);
  expect((performance.now() - start) / 1000).toBeLessThan(30);
  expect(cache.info.gaps.join()).toMatch(/or MAX_KEPT_RULE_BYTES_EACH \(4\) left out/);
  expect(cache.unwindRules(0x1000)?.registers.size).toBe(50);
});

test("a small table that saves many registers one by one is kept whole", () => {
  const pushes = Array.from({ length: 60 }, (_, at) => [0x41, 0x05, at + 20, at + 2]);
  const cache = oneFunction([...pushes.flat(), 0x0e, 16]);
  expect(cache.info.gaps).toEqual([]);
  expect(cache.unwindRules(0x103c)?.registers.size).toBe(61);
});

test("any bytes as a program, and any CIE before it, give rules, gaps or nothing", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(".eh_frame" as const, ".debug_frame" as const),
      (program, head, name) => {
        const frames = new FrameBytes({ name });
        const cie = frames.cie({ instructions: [...head] });
        frames.fde(cie, 0x1000, 0x40, [...program]);
        frames.raw([...head]);
        const cache = cacheWith(frames, { name });
        for (let at = 0xff0; at < 0x1050; at += 1) cache.unwindRules(at);
      },
    ),
    { numRuns: 1000 },
  );
});

/** What `readelf --debug-dump=frames-interp` says of both; in the relocatable one .text lies at 0. */
const MEASURE = "r7+8 16=[cfa-8]";
const shapesMeasure = [
  [0x00, "r7+8 16=[cfa-8]"],
  [0x01, "r7+16 6=[cfa-16] 16=[cfa-8]"],
  [0x02, "r7+24 3=[cfa-24] 6=[cfa-16] 16=[cfa-8]"],
  [0x08, "r7+32 3=[cfa-24] 6=[cfa-16] 16=[cfa-8]"],
  [0x1a, "r7+24 3=[cfa-24] 6=[cfa-16] 16=[cfa-8]"],
  [0x1d, "r7+16 3=[cfa-24] 6=[cfa-16] 16=[cfa-8]"],
  [0x1e, "r7+8 3=[cfa-24] 6=[cfa-16] 16=[cfa-8]"],
] as const;

test.each([
  ["shapes-dwarf5.so", 0x3b0, 0x410],
  ["shapes-stripped.so", 0x3b0, 0x410],
  ["shapes.o", 0, 0x60],
])("%s: rows as another reader has them", (name, measure, other) => {
  const cache = cacheOf(fixture(name));
  const row = (address: number) => {
    const rules = cache.unwindRules(address);
    return [rules?.start, rules?.end, rules?.rowStart, rulesText(rules)];
  };
  expect(row(measure + 0x56)).toEqual([measure, measure + 0x57, measure, MEASURE]);
  const rows = shapesMeasure.map(([at]) => row(other + at));
  expect(rows).toEqual(
    shapesMeasure.map(([at, rules]) => [other, other + 0x1f, other + at, rules]),
  );
  expect(rulesText(cache.unwindRules(other + 0x1f))).toBeNull();
});

test("the code around the PLT has its CFA worked out by an expression", () => {
  const rules = cacheOf(fixture("shapes-dwarf5.so")).unwindRules(0x360);
  // readelf: DW_OP_breg7 (rsp): 8; breg16 (rip): 0; lit15; and; lit11; ge; lit3; shl; plus
  expect(rulesText(rules)).toBe("770880003f1a3b2a332422 16=[cfa-8]");
});

/** As each machine's own readelf says. */
test.each([
  [
    "cross-s390x.so",
    0x30e,
    "r15+320 11=[cfa-72] 12=[cfa-64] 13=[cfa-56] 14=[cfa-48] 15=[cfa-40]",
    14,
  ],
  ["cross-ppc.so", 0x224, "r1+16 31=[cfa-4] 65=r0", 65],
  ["cross-ppc.so", 0x22c, "r1+16 31=[cfa-4] 65=[cfa4]", 65],
  ["cross-arm.so", 0x1ca, "r13+8 4=[cfa-8] 14=[cfa-4]", 14],
])("%s: %i", (name, address, rules, returnAddress) => {
  const found = cacheOf(fixture(name)).unwindRules(address);
  expect([rulesText(found), found?.rowStart, found?.returnAddress]).toEqual([
    rules,
    address,
    returnAddress,
  ]);
});
