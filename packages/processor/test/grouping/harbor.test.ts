/** A fleet written by somebody who had not seen the algorithm: what grouping is worth on it. */
import { describe, expect, test } from "vitest";
import { attachAll, groupCrash } from "../../src/grouping/index.ts";
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

describe("where its crashes go", () => {
  const seen = harbor(24, 60, 1200).map(({ input }) => groupCrash(input).sighting);
  const once = seen.map((sighting) => ({ sighting, times: 1 }));
  const texts = seen.map((sighting) => JSON.stringify(sighting));
  const groups = attachAll(once);

  test("does not depend on their order", () => {
    expect(attachAll(once.toReversed())).toEqual(groups.toReversed());
  });

  test("does not depend on whether equal ones are counted or told one by one", () => {
    const counts = Map.groupBy(texts, (text) => text);
    const counted = [...counts].map(([text, { length }]) => ({
      sighting: seen[texts.indexOf(text)]!,
      times: length,
    }));
    expect(counted.length).toBeLessThan(once.length);
    const keys = attachAll(counted);
    const byText = new Map([...counts.keys()].map((text, index) => [text, keys[index]]));
    expect(texts.map((text) => byText.get(text))).toEqual(groups);
  });

  test("is a crash's own key, where nothing is split", () => {
    const mids = new Set(seen.map(({ mid }) => mid));
    expect(attachAll(once, { splits: false }).filter((key) => !mids.has(key))).toEqual([]);
  });
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
