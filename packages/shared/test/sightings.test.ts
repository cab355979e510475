/** What crashes share is counted once a crash, whatever becomes of it, and told when there is something new. */
import { describe, expect, test } from "vitest";
import {
  acceptCrashes,
  dropOldSightings,
  EXACT_SIGHTINGS,
  listNewSightings,
  loadSightings,
  noteSightings,
  saveProcessed,
  type GroupSeed,
} from "../src/index.ts";
import { job, newCrash, seed, sighting } from "./crash-rows.ts";
import { expectTrueSightings } from "./group-accounts.ts";
import { Repairing } from "./repairing.ts";

const at = new Repairing();
const fleet = () => ({ projectId: at.project, ruleset: "cg1", version: 1 });
const of = (mid: string, what: string): GroupSeed => ({ ...seed(mid), sighting: sighting(what) });
const counts = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await loadSightings(at.pool, fleet())).map(({ evidence, count }) => [
      (JSON.parse(evidence) as { what: string }).what,
      count,
    ]),
  );
const isNew = async (): Promise<boolean> => (await listNewSightings(at.pool, 1)).length > 0;
const note = async (): Promise<void> =>
  noteSightings(at.pool, at.project, await loadSightings(at.pool, fleet()));
describe("counting", () => {
  test("once a crash, also when its job runs twice or at once", async () => {
    const crashes = Array.from({ length: 9 }, () => newCrash(at.project));
    await acceptCrashes(at.pool, crashes);
    const jobs = crashes.map((crash, index) =>
      job(crash, { group: of(`k${index % 2}`, `s${index % 3}`) }),
    );
    await Promise.all([jobs, jobs.toReversed(), jobs].map((some) => saveProcessed(at.pool, some)));
    await saveProcessed(at.pool, jobs);
    expect(await counts()).toEqual({ s0: 3, s1: 3, s2: 3 });
    await expectTrueSightings(at.pool);
  });

  test("all that joining wants of a crash is there", async () => {
    await at.save({ group: { ...of("k", "s"), link: "L" } });
    expect(await loadSightings(at.pool, fleet())).toEqual([
      {
        hash: expect.any(String),
        coarse: "coarse k",
        mid: "k",
        pinned: false,
        evidence: '{"what":"s"}',
        count: 1,
        isNew: true,
      },
    ]);
  });

  test("a crash that is worked out anew is counted by its new sighting alone", async () => {
    await at.save({ lacks: [at.python(-1)], group: of("vague", "vague") });
    await at.save({ lacks: [at.python(-1)], group: of("vague", "vague") });
    await at.save({ group: of("exact", "exact") });
    await at.upload();
    await at.repair(() => ({ verdict: "better", change: { group: of("exact", "exact") } }));
    expect(await counts()).toEqual({ vague: 0, exact: 3 });
    await expectTrueSightings(at.pool);
    await note();
    expect(await counts()).toEqual({ exact: 3 });
  });

  test("one that keeps its sighting is not counted again", async () => {
    await at.save({ lacks: [at.python(-1)], group: of("k", "s") });
    await at.upload();
    await at.repair(() => ({ verdict: "better", change: { group: of("k", "s") } }));
    expect(await counts()).toEqual({ s: 1 });
  });

  test("crashes saved before there were sightings are counted from when they are worked out anew", async () => {
    await at.save({ lacks: [at.python(-1)], group: of("k", "s") });
    await at.pool.query("update reports set sighting = null");
    await at.pool.query("delete from sightings");
    await at.upload();
    await at.repair(() => ({ verdict: "better", change: { group: of("k", "t") } }));
    expect(await counts()).toEqual({ t: 1 });
  });

  test("a busy one is seldom written, but once an hour, and its count stays right", async () => {
    const save = () => at.save({ group: of("k", "s") });
    const set = (count: number, age = "0") =>
      at.pool.query("update sightings set count = $1, last_seen = now() - $2::interval", [
        count,
        age,
      ]);
    const row = async () =>
      (await at.rows("select xmin, xmax, count, last_seen from sightings"))[0];
    await save();
    await set(EXACT_SIGHTINGS - 1);
    for (let time = 0; time < 2; time++) await save();
    expect(await counts()).toEqual({ s: EXACT_SIGHTINGS + 1 });
    await set(1e9);
    const before = await row();
    await save();
    expect(await row()).toEqual(before);
    await set(1e9, "2 hours");
    await save();
    expect(await counts()).toEqual({ s: 1e9 + 1 });
    await set(3 * EXACT_SIGHTINGS);
    for (let time = 0; time < 150; time++) await save();
    // 150 are expected, give or take 6 times what chance does
    const counted = ((await counts())["s"] ?? 0) - 3 * EXACT_SIGHTINGS;
    expect(Math.abs(counted - 150)).toBeLessThan(110);
  });
});

describe("what is new", () => {
  test("a first sighting, and every one of few; of many an eighth more", async () => {
    expect(await isNew()).toBe(false);
    for (let time = 0; time < 3; time++) {
      await at.save({ group: of("k", "s") });
      expect(await listNewSightings(at.pool, 1)).toEqual([fleet()]);
      await note();
      expect(await isNew()).toBe(false);
    }
    await at.pool.query("update sightings set count = 89, noted = 80");
    await at.save({ group: of("k", "s") });
    expect(await isNew()).toBe(false);
    await at.save({ group: of("k", "s") });
    expect(await isNew()).toBe(true);
  });

  test("that crashes left", async () => {
    await at.save({ lacks: [at.python(-1)], group: of("k", "s") });
    for (let time = 0; time < 9; time++) await at.save({ group: of("k", "t") });
    await note();
    await at.upload();
    await at.repair(() => ({ verdict: "better", change: { group: of("k", "t") } }));
    expect(await counts()).toEqual({ s: 0, t: 10 });
    expect(await isNew()).toBe(true);
    await note();
    expect(await isNew()).toBe(false);
  });

  test("not what was read, but what was seen since", async () => {
    await at.save({ group: of("k", "s") });
    const read = await loadSightings(at.pool, fleet());
    await at.save({ group: of("k", "s") });
    await noteSightings(at.pool, at.project, read);
    expect(await isNew()).toBe(true);
  });

  test("of each project, algorithm and version by itself", async () => {
    await at.save({ group: of("k", "s") });
    await at.save({ group: { ...of("k", "t"), ruleset: "cg2" } });
    expect(await listNewSightings(at.pool, 1)).toEqual([fleet(), { ...fleet(), ruleset: "cg2" }]);
    const later = of("k", "u");
    await at.save({ group: { ...later, sighting: { ...later.sighting, version: 2 } } });
    expect(await listNewSightings(at.pool, 2)).toEqual([{ ...fleet(), version: 2 }]);
    expect(await counts()).toEqual({ s: 1 });
  });
});

test("those that were not seen for longest are dropped", async () => {
  for (const what of ["a", "b", "c", "d"]) {
    await at.save({ group: of("k", what) });
    await at.pool.query("update sightings set last_seen = last_seen - interval '1 hour'");
  }
  const chars = '{"what":"a"}'.length;
  expect(await dropOldSightings(at.pool, at.project, 4, 4 * chars)).toBe(0);
  expect(await dropOldSightings(at.pool, at.project + 1, 1, 1)).toBe(0);
  expect(await dropOldSightings(at.pool, at.project, 3, 4 * chars)).toBe(1);
  expect(await counts()).toEqual({ b: 1, c: 1, d: 1 });
  expect(await dropOldSightings(at.pool, at.project, 4, 2 * chars)).toBe(1);
  expect(await counts()).toEqual({ c: 1, d: 1 });
});
