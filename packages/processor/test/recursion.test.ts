import fc from "fast-check";
import { expect, test } from "vitest";
import { cycleAt, deepRecursion, MAX_PERIOD } from "../src/recursion.ts";

test("the block that covers most frames", () => {
  expect(cycleAt([..."ababab"], 0)).toEqual({ start: 0, period: 2, times: 3 });
  expect(cycleAt([..."xaaab"], 1)).toEqual({ start: 1, period: 1, times: 3 });
  expect(cycleAt([..."aabaabaabaab"], 0)).toEqual({ start: 0, period: 3, times: 4 });
  expect(cycleAt([..."abcd"], 0)).toBeNull();
  expect(cycleAt([..."abab"], 0)).toBeNull();
  expect(cycleAt([], 0)).toBeNull();
});

test("a cycle always repeats its block", () => {
  const keys = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 60 });
  fc.assert(
    fc.property(keys, fc.nat(20), (stack, start) => {
      const cycle = cycleAt(stack, start);
      if (cycle === null) return;
      expect(cycle.period).toBeLessThanOrEqual(MAX_PERIOD);
      const block = stack.slice(start, start + cycle.period);
      const covered = stack.slice(start, start + cycle.period * cycle.times);
      expect(covered).toEqual(Array.from({ length: cycle.times }, () => block).flat());
    }),
  );
});

test("deep recursion fills a stack of a hundred", () => {
  const frames = (count: number) => Array.from({ length: count }, () => "walk");
  expect(deepRecursion(frames(100))).toMatchObject({ start: 0, period: 1 });
  expect(deepRecursion(["leaf", ...frames(99)])).toMatchObject({ start: 1 });
  expect(deepRecursion(frames(60))).toBeNull();
});
