/** Reports that were made anew take the place of the old ones: groups, counts and what users did of groups stay true. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  acceptCrashes,
  attachGroups,
  childCrashId,
  findDueCrashes,
  findGroup,
  loadRepairable,
  mergeGroups,
  noteLacks,
  saveProcessed,
  saveRepaired,
  setGroupStatus,
  unmergeKeys,
  type GroupSeed,
} from "../src/index.ts";
import { newCrash, outcome, seed, sighting } from "./crash-rows.ts";
import { expectTrueCounts, expectTrueSightings } from "./group-accounts.ts";
import { Repairing } from "./repairing.ts";

const at = new Repairing();

describe("what comes of it", () => {
  test("a crash moves to the group of its better key; the emptied group is shown in that", async () => {
    const crash = await at.save({ lacks: [at.python(-1)], group: seed("vague") });
    const vague = (await findGroup(at.pool, null, await at.idOf("vague")))?.id ?? 0;
    await setGroupStatus(at.pool, null, vague, "muted", "me");
    await at.upload();
    await at.repair(() => ({ verdict: "better", change: { group: seed("exact") } }));
    expect(await at.shown(crash)).toBe("exact");
    const exact = await findGroup(at.pool, null, vague);
    expect(exact).toMatchObject({ culprit: "exact", count: 1, status: "muted" });
    expect(await at.rows("select crashes from repair_groups")).toEqual([{ crashes: 1 }]);
    expect(await at.rows("select moved, improved from repairs")).toEqual([
      { moved: 1, improved: 1 },
    ]);
    // whatever still comes under the old key
    const late = await at.save({ group: seed("vague") });
    expect(await at.shown(late)).toBe("exact");
    await expectTrueCounts(at.pool);
  });

  test("crashes that go several ways leave nothing behind, and their old key stands for itself", async () => {
    const crashes = [
      await at.save({ lacks: [at.python(-1)], group: seed("vague") }),
      await at.save({ lacks: [at.python(-1)], group: seed("vague") }),
    ];
    await at.upload();
    await at.repair((id) => ({
      verdict: "better",
      change: { group: seed(id === crashes[0]?.id ? "one" : "two") },
    }));
    expect(await Promise.all(crashes.map((crash) => at.shown(crash)))).toEqual(["one", "two"]);
    expect(await at.rows("select all_count from groups where culprit = 'vague'")).toEqual([
      { all_count: 0 },
    ]);
    expect(await at.shown(await at.save({ group: seed("vague") }))).toBe("vague");
  });

  test.each(["same", "worse"] as const)("a report that is %s is not saved", async (verdict) => {
    const report = Buffer.from("before");
    const crash = await at.save({ lacks: [at.python(-1)], report });
    await at.upload();
    const change = { report: Buffer.from("after"), group: seed("other") };
    await at.repair(() => ({ verdict, change }));
    expect(await at.rows("select report, revision from reports")).toEqual([
      { report, revision: 0 },
    ]);
    expect(await at.shown(crash)).toBe("app:run");
    expect(await at.rows("select found, done, improved, state from repairs")).toEqual([
      { found: 1, done: 1, improved: 0, state: "done" },
    ]);
    expect(await at.start()).toEqual([]);
    await at.upload();
    expect(await at.start()).toMatchObject([{ found: 1 }]);
  });

  test("one that cannot be worked out any more stays, and has had its turn", async () => {
    await at.save({ lacks: [at.python(-1)] });
    await at.upload();
    await at.repair(() => null);
    expect(await at.rows("select done, improved, state from repairs")).toEqual([
      { done: 1, improved: 0, state: "done" },
    ]);
  });

  test("two that work out the same crashes at once count them once", async () => {
    for (let index = 0; index < 6; index++)
      await at.save({ lacks: [at.python(-1)], group: seed("vague") });
    await at.upload();
    const running = await at.start();
    const due = await findDueCrashes(at.pool, running, null, 10);
    const texts = await loadRepairable(at.pool, due);
    const batch = texts.map((text) => {
      const made = outcome(newCrash(at.project, { id: text.id }), { group: seed("exact") });
      const reports = text.reports.map(({ revision }) => ({
        outcome: made,
        lacks: [],
        revision,
        verdict: "better" as const,
      }));
      return { due: text.due, reports };
    });
    await Promise.all([1, 2, 3].map(() => saveRepaired(at.pool, batch, running)));
    expect(await at.rows("select done, improved, moved from repairs")).toEqual([
      { done: 6, improved: 6, moved: 6 },
    ]);
    expect(await at.rows("select distinct revision from reports")).toEqual([{ revision: 1 }]);
    await expectTrueCounts(at.pool);
  });
});

describe("what a user did stands", () => {
  test("a merged group's crashes stay in what they were merged into, and take their new key along", async () => {
    const crash = await at.save({ lacks: [at.python(-1)], group: seed("vague") });
    await at.save({ group: seed("other") });
    await mergeGroups(at.pool, null, await at.idOf("vague"), await at.idOf("other"), "me");
    await at.upload();
    await at.repair(() => ({ verdict: "better", change: { group: seed("exact") } }));
    expect(await at.shown(crash)).toBe("other");
    expect(await at.shown(await at.save({ group: seed("exact") }))).toBe("other");
  });

  test("they do not leave for a group that is there already", async () => {
    const elsewhere = await at.save({ group: seed("exact") });
    const crash = await at.save({ lacks: [at.python(-1)], group: seed("vague") });
    await at.save({ group: seed("other") });
    await mergeGroups(at.pool, null, await at.idOf("vague"), await at.idOf("other"), "me");
    await at.upload();
    await at.repair(() => ({
      verdict: "better",
      change: { group: seed("exact"), report: Buffer.from("new") },
    }));
    expect(await at.shown(crash)).toBe("other");
    expect(await at.shown(elsewhere)).toBe("exact");
    expect(await at.rows(`select report from reports where crash_id = '${crash.id}'`)).toEqual([
      { report: Buffer.from("new") },
    ]);
  });

  test("keys that were parted stay apart", async () => {
    const crash = await at.save({ lacks: [at.python(-1)], group: seed("vague") });
    await at.save({ group: seed("other") });
    await mergeGroups(at.pool, null, await at.idOf("vague"), await at.idOf("other"), "me");
    await unmergeKeys(at.pool, null, await at.idOf("other"), ["vague"], "me");
    const [vague, other] = [await at.idOf("vague"), await at.idOf("other")];
    await at.upload();
    await at.repair(() => ({ verdict: "better", change: { group: seed("other") } }));
    expect(await at.rows(`select group_id from reports where crash_id = '${crash.id}'`)).toEqual([
      { group_id: vague },
    ]);
    expect(await findGroup(at.pool, null, other)).toMatchObject({ id: other, count: 1 });
  });

  test("a group that was resolved is resolved under its new key, unless a user said otherwise of that", async () => {
    await at.save({ lacks: [at.python(-1)], group: seed("one") });
    await at.save({ lacks: [at.python(-1)], group: seed("two") });
    await at.save({ group: seed("exact two") });
    await at.save({ lacks: [at.python(-1)], group: seed("three") });
    await at.save({ group: seed("exact three") });
    for (const name of ["one", "two", "three"])
      await setGroupStatus(at.pool, null, await at.idOf(name), "resolved", "me");
    await setGroupStatus(at.pool, null, await at.idOf("exact three"), "open", "me");
    await at.upload();
    const names = new Map(
      (await at.rows("select crash_id, title from reports")).map((row) => [
        row["crash_id"],
        row["title"],
      ]),
    );
    await at.repair((id) => ({
      verdict: "better",
      change: { group: seed(`exact ${String(names.get(id)).split(" ").at(-1)}`) },
    }));
    expect(
      await at.rows("select culprit, status from groups where culprit like 'exact%' order by 1"),
    ).toEqual([
      { culprit: "exact one", status: "resolved" },
      { culprit: "exact three", status: "open" },
      { culprit: "exact two", status: "resolved" },
    ]);
  });
});

test("the further crashes of a text move with it", async () => {
  const crash = newCrash(at.project);
  await acceptCrashes(at.pool, [crash]);
  const ids = [crash.id, ...[1, 2, 3].map((index) => childCrashId(crash.id, index))];
  const lacks = [at.python(-1)];
  await noteLacks(at.pool, lacks);
  await saveProcessed(at.pool, [
    {
      crashId: crash.id,
      outcomes: ids.map((crashId, index) =>
        outcome(crash, {
          crashId,
          parent: index === 0 ? null : crash.id,
          lacks: index === 2 ? lacks : [],
          group: seed(`vague ${index}`),
        }),
      ),
    },
  ]);
  await at.upload();
  const running = await at.start();
  const due = await findDueCrashes(at.pool, running, null, 10);
  expect(due.map(({ id }) => id)).toEqual([ids[2]]);
  const [text] = await loadRepairable(at.pool, due);
  expect(text?.id).toBe(crash.id);
  expect(text?.reports.map(({ crashId }) => crashId)).toEqual(ids);
  await at.repair(
    (id) => ({ verdict: "better", change: { group: seed(`exact ${ids.indexOf(id)}`) } }),
    running,
  );
  expect(await at.rows("select distinct revision from reports")).toEqual([{ revision: 1 }]);
  expect(
    await at.rows("select count(*) as n from groups where culprit like 'exact%' and count = 1"),
  ).toEqual([{ n: 4 }]);
});

const keys = ["a", "b", "c", "d", "e", "f"];
const key = fc.constantFrom(...keys);
const seeded = fc.record({ key, what: fc.constantFrom("this", "that") });
const seedOf = (one: { key: string; what: string }): GroupSeed => ({
  ...seed(one.key),
  sighting: sighting(`${one.key} ${one.what}`),
});
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("save" as const),
      group: seeded,
      hour: fc.integer({ min: 0, max: 40 }),
      host: fc.constantFrom("h1", "h2", null),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("repair" as const),
      to: fc.array(seeded, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("merge" as const), from: fc.nat(), into: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unmerge" as const), of: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("attach" as const),
      into: fc.array(fc.option(key), { minLength: keys.length, maxLength: keys.length }),
    }),
  },
);

test("whatever comes, moves, joins and parts, in any order: every count is true at any time", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 25 }), async (steps) => {
      await at.clear();
      const again: number[] = [];
      for (const one of steps) {
        const groups = await at.rows("select id from groups where parent_id is null order by id");
        const nth = (index: number): number => Number(groups[index % groups.length]?.["id"] ?? 0);
        if (one.do === "save")
          await at.save({
            group: seedOf(one.group),
            host: one.host,
            occurredAt: new Date(Date.UTC(2026, 0, 1, one.hour)),
            lacks: [at.python(-1)],
          });
        else if (one.do === "repair") {
          await at.upload();
          await at.repair((id) => {
            const to = one.to[Number.parseInt(id.slice(-3), 16) % one.to.length];
            return to === undefined
              ? null
              : { verdict: "better", change: { group: seedOf(to), lacks: [at.python(0)] } };
          });
        } else if (one.do === "merge")
          await mergeGroups(at.pool, null, nth(one.from), nth(one.into), "me");
        else if (one.do === "attach") {
          const answers = keys.map((mid, index) => ({ mid, into: one.into[index] ?? null }));
          const fleet = { projectId: at.project, ruleset: "cg1", version: 1 };
          await attachGroups(at.pool, fleet, answers, 2);
          again.push(await attachGroups(at.pool, fleet, answers, 2));
        } else {
          const parted = await at.rows(
            `select k.hash from group_keys k join groups g on g.id = k.group_id where coalesce(g.parent_id, g.id) = ${nth(one.of)} limit 1`,
          );
          await unmergeKeys(
            at.pool,
            null,
            nth(one.of),
            parted.map((row) => String(row["hash"])),
            "me",
          );
        }
        await expectTrueCounts(at.pool);
        await expectTrueSightings(at.pool);
      }
      expect(again.every((moved) => moved === 0)).toBe(true);
    }),
    { numRuns: 10 },
  );
}, 120_000);

test("what a parted group takes along is a place for others at once", async () => {
  const [a, b, c] = ["a", "b", "c"].map((one) => seedOf({ key: one, what: "this" }));
  await at.save({ group: a!, lacks: [at.python(-1)] });
  await at.upload();
  await at.repair(() => ({ verdict: "better", change: { group: b! } })); // a has no crash now, and follows b
  await at.save({ group: c! });
  const attach = (into: Readonly<Record<string, string>>): Promise<number> => {
    const answers = ["a", "b", "c"].map((mid) => ({ mid, into: into[mid] ?? null }));
    return attachGroups(at.pool, { projectId: at.project, ruleset: "cg1", version: 1 }, answers, 2);
  };
  expect(await attach({ b: "c" })).toBe(1);
  expect(await attach({ c: "a" })).toBe(2);
  expect(await attach({ c: "a" })).toBe(0);
  expect(
    await at.rows("select culprit, all_count as n from groups where parent_id is null"),
  ).toEqual([{ culprit: "b", n: 2 }]);
  await expectTrueCounts(at.pool);
});
