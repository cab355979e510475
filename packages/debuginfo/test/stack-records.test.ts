import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { buildBreakpadCache, openCache, type SymbolCache } from "../src/index.ts";
import { cacheOf } from "./fixture.ts";
import { rulesText } from "./rules-text.ts";

const symOf = (machine: string, records: string): SymbolCache =>
  openCache(
    buildBreakpadCache(
      Buffer.from(`MODULE Linux ${machine} 000102030405060708090A0B0C0D0E0F0 app\n${records}`),
      (name) => name,
    ),
  );

const rowsAt = (cache: SymbolCache, ...addresses: readonly number[]): (string | null)[] =>
  addresses.map((address) => rulesText(cache.unwindRules(address)));

test("INIT and what changes it, each up to the next", () => {
  const cache = symOf(
    "x86_64",
    `STACK CFI INIT 1000 40 .cfa: $rsp 8 + .ra: .cfa -8 + ^
STACK CFI 1004 .cfa: $rsp 16 + $rbp: .cfa -16 + ^
STACK CFI 1008 .cfa: $rbp 16 +
STACK CFI INIT 1040 10 .cfa: $rsp 8 + .ra: .cfa 8 - ^ $rbx: $rbx
`,
  );
  expect(rowsAt(cache, 0xfff, 0x1000, 0x1004, 0x103f, 0x1040, 0x1050)).toEqual([
    null,
    "r7+8 16=[cfa-8]",
    "r7+16 6=[cfa-16] 16=[cfa-8]",
    "r6+16 6=[cfa-16] 16=[cfa-8]",
    "r7+8 3=r3 16=[cfa-8]",
    null,
  ]);
  const rules = cache.unwindRules(0x1005);
  expect([rules?.start, rules?.end, rules?.rowStart]).toEqual([0x1000, 0x1040, 0x1004]);
  expect([rules?.returnAddress, rules?.signalFrame]).toEqual([16, false]);
  expect([cache.info.unwind, cache.info.gaps]).toEqual([["stack-cfi"], []]);
});

/** DWARF 5, table 7.9: consts 11, pick 15, and 1a, div 1b, minus 1c, mod 1d, mul 1e, neg 1f, plus 22, deref 06, bregN 70+N. */
test.each([
  ["$rbx: .undef", "3=undefined"],
  ["$rbx: $r12", "3=r12"],
  ["$rbx: .cfa 16 +", "3=cfa16"],
  ["$rbx: 16 .cfa +", "3=cfa16"],
  ["$rbx: $rsp 8 + ^", "3=770806"],
  ["$rbx: $rsp 8 -", "3=7778"],
  ["$rbx: 5", "3=1105"],
  ["$rbx: .cfa ^ 8 + ^", "3=15000611082206"],
  ["$rbx: $rax .cfa 8 - ^ *", "3=70001501117822061e"],
  ["$rbx: $rax 16 @", "3=700011101f1a"],
  ["$rbx: $rax $rdx / $rcx %", "3=700071001b72001d"],
  ["$rbx: $rax $rdx - $rcx +", "3=700071001c720022"],
])("%s", (rule, wanted) => {
  const cache = symOf("x86_64", `STACK CFI INIT 0 4 .cfa: $rsp 8 + ${rule}\n`);
  expect([...rowsAt(cache, 0), ...cache.info.gaps]).toEqual([`r7+8 ${wanted}`]);
});

test("a CFA that is no register and number is an expression, before which nothing is pushed", () => {
  const cache = symOf("x86_64", "STACK CFI INIT 0 4 .cfa: $rsp 8 + ^ 16 + .ra: .cfa ^\n");
  expect(rowsAt(cache, 0)).toEqual(["770806111022 16=[cfa0]"]);
});

test.each([
  ["x86", "$esp", "$eip: $ebp", "r4+0 8=r5", 8],
  ["arm", "sp", "r4: r11", "r13+0 4=r11 14=[cfa0]", 14],
  ["arm", "sp", "s16: .cfa -8 + ^", "r13+0 14=[cfa0] 80=[cfa-8]", 14],
  ["arm64", "sp", "d8: .cfa -8 + ^", "r31+0 30=[cfa0] 72=[cfa-8]", 30],
  ["arm64", "sp", "x19: x20", "r31+0 19=r20 30=[cfa0]", 30],
  ["mips", "$sp", "$s0: $fp", "r29+0 16=r30 31=[cfa0]", 31],
  ["ppc64", "r1", "r14: r15", "r1+0 14=r15 65=[cfa0]", 65],
  ["riscv64", "sp", "s1: s2", "r2+0 1=[cfa0] 9=r18", 1],
])("registers of %s have their DWARF numbers", (machine, pointer, rule, wanted, returnAddress) => {
  const text = `STACK CFI INIT 0 4 .cfa: ${pointer} .ra: .cfa ^ ${rule}\n`;
  const cache = symOf(machine, text);
  expect(rowsAt(cache, 0)).toEqual([wanted]);
  expect(cache.unwindRules(0)?.returnAddress).toBe(returnAddress);
});

test("a return address that is put back is in its own register again", () => {
  const cache = symOf(
    "arm64",
    "STACK CFI INIT 0 8 .cfa: sp 16 + .ra: .cfa -8 + ^\nSTACK CFI 4 .cfa: sp 0 + .ra: .ra x29: x29\n",
  );
  expect(rowsAt(cache, 0, 4)).toEqual(["r31+16 30=[cfa-8]", "r31+0 29=r29 30=r30"]);
  expect(cache.info.gaps).toEqual([]);
});

test("a rule that cannot be read is left out; a CFA or return address that cannot costs the rest of its function", () => {
  const cache = symOf(
    "x86_64",
    `STACK CFI INIT 0 10 .cfa: $rsp 8 + $what: 1 $rbx: $nope $rbp: 1 +
STACK CFI 4 .cfa: $rsp 16 +
STACK CFI 8 .cfa: $rsp $rsp
STACK CFI c .cfa: $rsp 8 +
STACK CFI INIT 10 10 .cfa: $rsp 8 +
STACK CFI 14 .ra: .cfa +
STACK CFI INIT 20 10 $rbx: $rbp
STACK CFI INIT 3z 10 .cfa: $rsp 8 +
STACK CFI 34 .cfa: $rsp 8 +
STACK CFI INIT 40 10 .cfa: $rsp 8 +
STACK CFI 44 .cfa: $rsp 16 +
STACK CFI 42 .cfa: $rsp 24 +
`,
  );
  expect(rowsAt(cache, 0, 4, 8, 0xc, 0x10, 0x14, 0x20, 0x34, 0x40, 0x44)).toEqual([
    "r7+8",
    "r7+16",
    null,
    null,
    "r7+8",
    null,
    null,
    null,
    "r7+8",
    "r7+16",
  ]);
  expect(cache.info.gaps).toEqual([
    "line 2: STACK CFI INIT record: rule of $what",
    "line 4: STACK CFI record: rule of .cfa",
    "line 7: STACK CFI record: rule of .ra",
    "line 9: STACK CFI INIT record: address",
    "line 13: STACK CFI record: address below that of the record before",
  ]);
});

const FRAME = "r5+8 3=[cfa-20] 5=[cfa-8] 8=[cfa-4]";

test("of STACK WIN, programs over the frame pointer hold between prologue and epilogue", () => {
  const cache = symOf(
    "x86",
    `STACK WIN 4 1000 40 3 2 8 c 10 0 1 $T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + = $L $T0 .cbSavedRegs - = $ebx $T0 12 - ^ =
STACK WIN 4 2000 40 3 0 8 c 10 0 1 $T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + =
STACK WIN 0 3000 40 3 0 8 c 10 0 0 1
STACK WIN 4 4000 40 0 0 8 c 10 0 1 $T0 $ebp 8 @ = $eip $T0 4 + ^ = $esp $T0 8 + .cbParams + =
`,
  );
  expect(rowsAt(cache, 0x1002, 0x1003, 0x103d, 0x103e, 0x2010, 0x3010)).toEqual([
    null,
    FRAME,
    FRAME,
    null,
    null,
    null,
  ]);
  expect(rowsAt(cache, 0x4000)).toEqual(["750011081f1a110822110822 8=750011081f1a11042206"]);
  expect([cache.info.unwind, cache.info.gaps]).toEqual([["stack-win"], []]);
});

test("variables that each stand for twice the one before are refused", () => {
  const doubled = Array.from({ length: 60 }, (_, at) => `$T${at + 1} $T${at} $T${at} * =`).join(
    " ",
  );
  const program = `$T0 $ebp ^ = ${doubled} $eip $T60 = $esp $T60 =`;
  const cache = symOf("x86", `STACK WIN 4 0 40 0 0 0 0 0 0 1 ${program}\n`);
  expect(rowsAt(cache, 8)).toEqual([null]);
});

const SYMBOLIC = "getsentry__symbolic/symbolic-testutils/fixtures/linux";
const SNAPSHOTS = "getsentry__symbolic/symbolic-cfi/tests/snapshots";
const pairs = [
  ["x86_64", `${SYMBOLIC}/crash`, `${SNAPSHOTS}/test_cfi__cfi_elf.snap`],
  ["arm64", `${SYMBOLIC}/arm64/cfi_test`, `${SNAPSHOTS}/test_cfi__cfi_elf_arm64.snap`],
] as const;

test.skipIf(corpus === null).each(pairs)(
  `%s: the tables of %s say what another reader made STACK CFI of (skipped where ${corpusSkipReason})`,
  (machine, object, snapshot) => {
    const read = (path: string): Buffer => readFileSync(join(corpus as string, "public", path));
    const lines = read(snapshot).toString("utf8").split("\n");
    const records = lines.filter((line) => line.startsWith("STACK CFI"));
    const theirs = symOf(machine, records.join("\n"));
    const ours = cacheOf(read(object));
    const addresses = records.map((line) =>
      Number.parseInt(/^STACK CFI (?:INIT )?([0-9a-f]+)/.exec(line)?.[1] ?? "", 16),
    );
    // the text keeps rules that the tables let go, and has left out that a return address is undefined
    const wrong = addresses.filter((address) => {
      const their = rulesText(theirs.unwindRules(address))?.split(" ");
      const our = rulesText(ours.unwindRules(address))?.split(" ");
      return our?.some((rule) => rule !== "16=undefined" && their?.includes(rule) !== true) ?? true;
    });
    expect(addresses.length).toBeGreaterThan(10);
    expect(wrong.map((at) => [at, rowsAt(ours, at), rowsAt(theirs, at)])).toEqual([]);
  },
);
