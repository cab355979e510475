import fc from "fast-check";
import { expect, test } from "vitest";
import { cycleAt, MAX_PERIOD } from "../../src/text/recursion.ts";

test("the block that covers most frames", () => {
  expect(cycleAt("ababab".split(""), 0)).toEqual({ start: 0, period: 2, times: 3 });
  expect(cycleAt("xaaab".split(""), 1)).toEqual({ start: 1, period: 1, times: 3 });
  expect(cycleAt("aabaabaabaab".split(""), 0)).toEqual({ start: 0, period: 3, times: 4 });
  expect(cycleAt("abcd".split(""), 0)).toBeNull();
  expect(cycleAt("abab".split(""), 0)).toBeNull();
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
