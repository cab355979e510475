/** A fleet with native frames and three captures: what joining them is worth, and that it holds. */
import { expect, test } from "vitest";
import { attachAll, groupCrash } from "../../src/grouping/index.ts";
import { bCubed, overall, shown } from "./b-cubed.ts";
import { world } from "./world/world.ts";

/** Seeds that nobody looked at while the rules were written. Seeds 1 to 99 are for looking. */
const seeds = [101, 102];

test("bugs stay whole and apart, over fleets with different weather", () => {
  const crashes = seeds.flatMap((seed) => {
    const all = world(seed, 150, 2500);
    const sightings = all.map(({ input }) => ({ ...groupCrash(input), times: 1 }));
    const groups = attachAll(sightings);
    return all.map(({ bug, bugClass, capture }, index) => {
      const own = `${seed} ${sightings[index]?.sighting.mid}`;
      return { bug: `${seed} ${bug}`, bugClass, capture, own, key: `${seed} ${groups[index]}` };
    });
  });
  const score = overall(crashes);
  const alone = overall(crashes.map(({ bug, own }) => ({ bug, key: own })));
  const lines = [
    ["world", shown(score)],
    ["  each crash by itself", shown(alone)],
    ...[...bCubed(crashes, ({ bugClass }) => bugClass)].map(([label, part]) => [
      label,
      shown(part),
    ]),
    ...[...bCubed(crashes, ({ capture }) => capture)].map(([label, part]) => [label, shown(part)]),
  ];
  process.stdout.write(lines.map(([what, figure]) => `${what?.padEnd(26)}${figure}\n`).join(""));
  expect(score.precision).toBeGreaterThanOrEqual(0.9);
  expect(score.recall).toBeGreaterThanOrEqual(0.7);
  expect(score.recall - alone.recall).toBeGreaterThanOrEqual(0.25);
});
