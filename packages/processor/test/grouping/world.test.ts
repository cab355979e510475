/** A fleet with native frames and three captures: what joining them is worth, and that it holds. */
import { expect, test } from "vitest";
import { overall } from "./b-cubed.ts";
import { alone, filed, rowsOf } from "./filed.ts";
import { world } from "./world/world.ts";

/** Seeds that nobody looked at while the rules were written. Seeds 1 to 99 are for looking. */
const seeds = [101, 102];

test("bugs stay whole and apart, over fleets with different weather", () => {
  const crashes = seeds.flatMap((seed) => filed(`${seed}`, world(seed, 150, 2500)));
  const score = overall(crashes);
  for (const [what, figure] of rowsOf("world", crashes))
    process.stdout.write(`${what.padEnd(26)}${figure}\n`);
  expect(score.precision).toBeGreaterThanOrEqual(0.9);
  expect(score.recall).toBeGreaterThanOrEqual(0.75);
  expect(score.recall - overall(alone(crashes)).recall).toBeGreaterThanOrEqual(0.25);
});
