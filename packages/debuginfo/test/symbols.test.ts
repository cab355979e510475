import { expect, test } from "vitest";
import { functionSymbols } from "../src/elf/symbols.ts";
import { elfOf } from "./fixture.ts";
import { elfWith, u16, u32, u64 } from "./synthetic-elf.ts";

const Type = { notype: 0, func: 2 } as const;
const Binding = { local: 0, global: 0x10 } as const;
const TEXT = 1;

type Symbol = readonly [name: string, info: number, value: number, size: number];

function symbolsOf(...symbols: readonly Symbol[]): readonly unknown[] {
  const names = symbols.map(([name]) => name);
  const nameAt = (at: number): number => names.slice(0, at).join("\0").length + (at > 0 ? 2 : 1);
  const entries = symbols.flatMap(([, info, value, size], at) => [
    ...u32(nameAt(at)),
    info,
    0,
    ...u16(TEXT),
    ...u64(value),
    ...u64(size),
  ]);
  const elf = elfWith(
    { ".symtab": Buffer.from(entries), ".strtab": Buffer.from(`\0${names.join("\0")}\0`) },
    { types: { ".symtab": [2, ".strtab"] } },
  );
  return functionSymbols(elfOf(elf), "symtab").map(({ name, address, size }) => [
    name,
    address,
    size,
  ]);
}

test("labels in code that lie in no function stand for functions", () => {
  const found = symbolsOf(
    ["_start", Binding.local | Type.notype, 0x1000, 0],
    ["main", Binding.global | Type.func, 0x1010, 0x20],
    ["again", Binding.local | Type.notype, 0x1018, 0],
    ["$x", Binding.local | Type.notype, 0x1040, 0],
    ["call.c.7e08668c", Binding.local | Type.notype, 0x1050, 0],
    ["trampoline", Binding.global | Type.notype, 0x1060, 0],
    ["etext", Binding.global | Type.notype, 0x3000, 0],
  );
  expect(found).toEqual([
    ["_start", 0x1000, 0],
    ["main", 0x1010, 0x20],
    ["trampoline", 0x1060, 0],
  ]);
});

test("of names at one address the one a person would choose: typed, sized, global, short", () => {
  const at = 0x1000;
  const global = Binding.global | Type.func;
  const local = Binding.local | Type.func;
  expect(symbolsOf(["a", Binding.global, at, 0], ["long", local, at, 0])).toEqual([
    ["long", at, 0],
  ]);
  expect(symbolsOf(["a", global, at, 0], ["long", local, at, 8])).toEqual([["long", at, 8]]);
  expect(symbolsOf(["a", local, at, 8], ["long", global, at, 8])).toEqual([["long", at, 8]]);
  expect(symbolsOf(["long", global, at, 8], ["b", global, at, 8])).toEqual([["b", at, 8]]);
});
