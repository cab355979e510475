import { expect, test } from "vitest";
import { cacheOf } from "./fixture.ts";
import { elfWith, u16, u32, u64 } from "./synthetic-elf.ts";

test("_PyRuntime is found by its section", () => {
  const elf = elfWith(
    { ".PyRuntime": new Uint8Array(48) },
    { addresses: { ".PyRuntime": 0x5000 } },
  );
  expect(cacheOf(elf).info.pythonRuntime).toEqual({ address: 0x5000, size: 48 });
});

test.each([
  [".symtab", 2],
  [".dynsym", 11],
])("before CPython 3.10, by its symbol in %s", (table, type) => {
  const symbol = (name: number, info: number, value: number): number[] => [
    ...u32(name),
    info,
    0,
    ...u16(1),
    ...u64(value),
    ...u64(1464),
  ];
  const object = 0x11;
  const symbols = [symbol(0, 0, 0), symbol(2, object, 0x4000), symbol(1, object, 0x6000)];
  const elf = elfWith(
    { [table]: Buffer.from(symbols.flat()), ".strtab": Buffer.from("\0_PyRuntime\0") },
    { types: { [table]: [type, ".strtab"] } },
  );
  expect(cacheOf(elf).info.pythonRuntime).toEqual({ address: 0x6000, size: 1464 });
});

test("an object that has none says so", () => {
  expect(cacheOf(elfWith({})).info.pythonRuntime).toBeNull();
});
