/** A fleet written by somebody who had not seen the algorithm: what grouping is worth on it. */
import { expect, test } from "vitest";
import { overall } from "./b-cubed.ts";
import { filed, rowsOf } from "./filed.ts";
import { bugClasses, harbor } from "./harbor/harbor.ts";

/** Seeds 1 to 4 are the bench's. */
const seeds = [21, 22];

test("bugs stay whole and apart", () => {
  const crashes = seeds.flatMap((seed) => filed(`${seed}`, harbor(seed, 120, 2000)));
  const score = overall(crashes);
  for (const [what, figure] of rowsOf("harbor", crashes))
    process.stdout.write(`${what.padEnd(26)}${figure}\n`);
  expect(score.precision).toBeGreaterThanOrEqual(0.795);
  expect(score.recall).toBeGreaterThanOrEqual(0.68);
});

test("a seed is one fleet, with every class of bug in every capture's reach", () => {
  const crashes = harbor(23, 60, 300);
  expect(harbor(23, 60, 300)).toEqual(crashes);
  expect(new Set(crashes.map(({ bugClass }) => bugClass))).toEqual(new Set(bugClasses));
  expect(bugClasses).toHaveLength(14);
  expect(new Set(crashes.map(({ capture }) => capture))).toEqual(
    new Set(["text", "native", "both"]),
  );
});
