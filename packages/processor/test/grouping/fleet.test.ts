import { expect, test } from "vitest";
import { attachAll, groupCrash } from "../../src/grouping/index.ts";
import { bCubed, overall, shown } from "./b-cubed.ts";
import { fleet } from "./fleet.ts";

/** Seeds that nobody looked at while the rules were written. Seeds 1 to 9 are for looking. */
test.each([11, 12, 13, 14])("fleet %i: bugs stay whole and apart", (seed) => {
  const all = fleet(seed, 250, 4000);
  const keys = attachAll(all.map(({ input }) => ({ ...groupCrash(input), times: 1 })));
  const crashes = all.map((crash, index) => ({ ...crash, key: keys[index] ?? "" }));
  const score = overall(crashes);
  const rows = [...bCubed(crashes, ({ bugClass }) => bugClass)].map(
    ([bugClass, part]) => `  ${bugClass.padEnd(14)}${shown(part)}\n`,
  );
  process.stdout.write(`fleet ${seed}      ${shown(score)}\n${rows.join("")}`);
  expect(score.precision).toBeGreaterThanOrEqual(0.97);
  expect(score.recall).toBeGreaterThanOrEqual(0.94);
});

test("B-cubed: worked by hand", () => {
  const crashes = [
    { bug: "a", key: "1" },
    { bug: "a", key: "1" },
    { bug: "a", key: "2" },
    { bug: "b", key: "2" },
  ];
  const score = overall(crashes);
  expect(score.precision).toBeCloseTo((1 + 1 + 1 / 2 + 1 / 2) / 4);
  expect(score.recall).toBeCloseTo((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4);
  expect(score.crashes).toBe(4);
  const ofA = bCubed(crashes, ({ bug }) => bug).get("a");
  expect(ofA?.precision).toBeCloseTo((1 + 1 + 1 / 2) / 3);
});
