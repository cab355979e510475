import { expect, test } from "vitest";
import { findCycle } from "../../src/grouping/cycle.ts";

const times = <T>(count: number, block: readonly T[]): T[] =>
  Array.from({ length: count }, () => block).flat();

test.each([1, 2, 3, 8])("six turns of a block of %i are a cycle, five are not", (period) => {
  const block = Array.from({ length: period }, (_, index) => `f${index}`);
  expect(findCycle([...times(6, block), "main"])?.tokens).toEqual(new Set(block));
  expect(findCycle([...times(5, block), "main"])).toBeNull();
});

test("a block of nine is none", () => {
  const block = Array.from({ length: 9 }, (_, index) => `f${index}`);
  expect(findCycle(times(7, block))).toBeNull();
});

test("a cycle may lie below the calls that its last turn made, not deep in the stack", () => {
  const leaf = Array.from({ length: 12 }, (_, index) => `leaf${index}`);
  expect(findCycle([...leaf, ...times(6, ["a", "b"])])?.tokens).toEqual(new Set(["a", "b"]));
  expect(
    findCycle([...leaf, ...leaf.map((name) => `${name}x`), ...times(6, ["a", "b"])]),
  ).toBeNull();
});

test("a visitor's irregular recursion is a cycle when it fills a deep stack", () => {
  const turns = [
    ["visit", "list"],
    ["visit", "dict"],
    ["visit", "list", "dict"],
  ];
  const stack = Array.from({ length: 40 }, (_, index) => turns[((index * 7919) % 97) % 3]!).flat();
  expect(stack.length).toBeGreaterThan(64);
  const cycle = findCycle([...stack, "serve", "main"]);
  expect(cycle).toEqual({ tokens: new Set(["visit", "list", "dict"]), regular: false });
  expect(findCycle(stack.slice(0, 60))).toBeNull();
});

test("a deep stack of different calls is no cycle", () => {
  expect(findCycle(Array.from({ length: 500 }, (_, index) => `f${index % 40}`))).toBeNull();
  expect(findCycle([])).toBeNull();
});
