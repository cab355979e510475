import { expect, test } from "vitest";
import { groupReport } from "../../src/grouping/index.ts";
import { bCubed, shown } from "./b-cubed.ts";
import { bugClasses, fleet } from "./fleet.ts";

/** Seeds that nobody looked at while the rules were written. Seeds 1 to 9 are for looking. */
test.each([11, 12, 13, 14])("fleet %i: bugs stay whole and apart", (seed) => {
  const crashes = fleet(seed, 250, 4000).map(({ input, ...crash }) => ({
    ...crash,
    key: groupReport(input).group,
  }));
  const score = bCubed(crashes);
  const rows = bugClasses.map((bugClass) => {
    const ofClass = crashes.filter((crash) => crash.bugClass === bugClass);
    return `  ${bugClass.padEnd(14)}${shown(bCubed(ofClass))}\n`;
  });
  process.stdout.write(`fleet ${seed}      ${shown(score)}\n${rows.join("")}`);
  expect(score.precision).toBeGreaterThanOrEqual(0.97);
  expect(score.recall).toBeGreaterThanOrEqual(0.8);
});

test("B-cubed: worked by hand", () => {
  const crashes = [
    { bug: "a", key: "1" },
    { bug: "a", key: "1" },
    { bug: "a", key: "2" },
    { bug: "b", key: "2" },
  ];
  const score = bCubed(crashes);
  expect(score.precision).toBeCloseTo((1 + 1 + 1 / 2 + 1 / 2) / 4);
  expect(score.recall).toBeCloseTo((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4);
  expect([score.groups, score.bugs]).toEqual([2, 2]);
});
