/** Which group shows which: by what their crashes share, and by keys of newer algorithms. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { clearCrashes, freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import {
  acceptCrashes,
  attachGroups,
  createProject,
  findGroup,
  findReport,
  groupCounts,
  groupFacet,
  listActivity,
  listGroupCrashes,
  listGroups,
  mergeGroups,
  saveProcessed,
  setGroupStatus,
  sumUpGroups,
  unmergeKeys,
  type Fleet,
  type GroupSeed,
  type NewCrash,
} from "../src/index.ts";
import { job, newCrash, seed } from "./crash-rows.ts";
import { expectTrueCounts } from "./group-accounts.ts";

let database: TestDatabase;
let project: number;
beforeAll(async () => {
  database = await freshDatabase();
  project = (await createProject(database.pool, "shop", "Shop"))?.id ?? 0;
});
afterAll(() => database.drop());
beforeEach(() => clearCrashes(database.pool));

/** One crash of each of these groups, saved together. */
async function save(...groups: GroupSeed[]): Promise<readonly NewCrash[]> {
  const crashes = groups.map(() => newCrash(project));
  await acceptCrashes(database.pool, crashes);
  await saveProcessed(
    database.pool,
    crashes.map((crash, at) => job(crash, { group: groups[at] ?? null })),
  );
  await expectTrueCounts(database.pool);
  return crashes;
}

const everything = {
  projectIds: null,
  status: null,
  release: null,
  environment: null,
  kind: null,
  text: null,
  tag: null,
};

/** Titles of what the list shows, with their counts. */
async function shown(): Promise<Record<string, number>> {
  const rows = await listGroups(database.pool, everything, "first_seen", null, 100);
  return Object.fromEntries(rows.map(({ culprit, count }) => [culprit ?? "", count]));
}

async function idOf(name: string): Promise<number> {
  const { rows } = await database.pool.query<{ id: number }>(
    "select id from groups where culprit = $1",
    [name],
  );
  return rows[0]?.id ?? 0;
}

const fleet = (): Fleet => ({ projectId: project, ruleset: "cg1", version: 1 });

/** Answers of the engine: [key, where its crashes go]. */
async function attach(...answers: (readonly [string, string | null])[]): Promise<number> {
  const given = answers.map(([mid, into]) => ({ mid, into }));
  const moved = await attachGroups(database.pool, fleet(), given, 2);
  await expectTrueCounts(database.pool);
  return moved;
}

const activityOf = async (name: string): Promise<readonly object[]> =>
  (await listActivity(database.pool, await idOf(name), 10)).map(({ what, actor, detail }) => ({
    what,
    actor,
    ...detail,
  }));

describe("by what crashes share", () => {
  const together = [
    ["app:make", "libx:resize"],
    ["libx:resize", null],
  ] as const;

  test("a group is shown in the one that its crashes go to, with all that is to be told of it", async () => {
    await save(seed("libx:resize"));
    const [crash] = await save(seed("app:make"));
    expect(await attach(...together)).toBe(1);
    expect(await shown()).toEqual({ "libx:resize": 2 });
    const id = await idOf("libx:resize");
    expect((await findReport(database.pool, null, crash?.id ?? ""))?.summary.groupId).toBe(id);
    expect(await findGroup(database.pool, null, await idOf("app:make"))).toMatchObject({ id });
    expect(await listGroupCrashes(database.pool, id, null, null, 10)).toHaveLength(2);
    const hours = await groupCounts(database.pool, id, "day", new Date(0));
    expect(hours.map(({ count }) => count)).toEqual([2]);
    expect(await groupFacet(database.pool, id, "host", 5)).toMatchObject({
      distinct: 1,
      values: [{ value: "web-1", count: 2 }],
    });
    expect(await activityOf("libx:resize")).toEqual([{ what: "attach", actor: null, into: id }]);
    await save(seed("app:make"));
    expect(await shown()).toEqual({ "libx:resize": 3 });
  });

  test("the same answers do nothing a second time", async () => {
    await save(seed("libx:resize"), seed("app:make"));
    expect(await attach(...together)).toBe(1);
    expect(await attach(...together)).toBe(0);
    expect(await activityOf("libx:resize")).toHaveLength(1);
  });

  test("a group whose crashes go elsewhere now is shown there; one whose crashes stay, by itself", async () => {
    await save(seed("libx:resize"), seed("libx:crop"), seed("app:make"));
    await attach(["app:make", "libx:resize"], ["libx:resize", null], ["libx:crop", null]);
    await setGroupStatus(database.pool, null, await idOf("libx:resize"), "resolved", "me");
    const [resize, crop] = [await idOf("libx:resize"), await idOf("libx:crop")];
    await attach(["app:make", "libx:crop"], ["libx:resize", null], ["libx:crop", null]);
    expect(await shown()).toEqual({ "libx:resize": 1, "libx:crop": 2 });
    expect((await activityOf("libx:crop"))[0]).toEqual({
      what: "attach",
      actor: null,
      from: resize,
      into: crop,
    });
    await attach(["app:make", null], ["libx:resize", null], ["libx:crop", null]);
    expect(await shown()).toEqual({ "libx:resize": 1, "libx:crop": 1, "app:make": 1 });
    expect((await activityOf("app:make"))[0]).toEqual({ what: "apart", actor: null, from: crop });
  });

  test("one that is parted is as resolved as what it was parted from", async () => {
    await save(seed("libx:resize"), seed("app:make"));
    await attach(...together);
    await setGroupStatus(database.pool, null, await idOf("libx:resize"), "resolved", "me");
    await attach(["app:make", null], ["libx:resize", null]);
    expect(await findGroup(database.pool, null, await idOf("app:make"))).toMatchObject({
      count: 1,
      status: "resolved",
    });
  });

  test("it stays where it is when nothing is known any more of what shows it, or of itself", async () => {
    await save(seed("libx:resize"), seed("app:make"));
    await attach(...together);
    expect(await attach(["app:make", null])).toBe(0);
    expect(await attach(["libx:resize", null])).toBe(0);
    expect(await shown()).toEqual({ "libx:resize": 2 });
  });

  test("from group to group, and back again when the last one is found to be apart", async () => {
    await save(seed("a"), seed("b"), seed("c"));
    await attach(["a", "b"], ["b", "c"], ["c", null]);
    expect(await shown()).toEqual({ c: 3 });
    await attach(["a", "b"], ["b", null], ["c", null]);
    expect(await shown()).toEqual({ b: 2, c: 1 });
  });

  test("what was left for a group goes with it", async () => {
    await save(seed("vague"), seed("b"), seed("c"));
    const [vague, b, c] = [await idOf("vague"), await idOf("b"), await idOf("c")];
    await attach(["b", "c"], ["c", null]);
    await database.pool.query(
      "update groups set parent_id = $2, origin = 'alias', moved_to = $3 where id = $1",
      [vague, c, b],
    );
    await sumUpGroups(database.pool, [c]);
    await attach(["b", null], ["c", null]);
    expect(await shown()).toEqual({ b: 2, c: 1 });
  });

  test("not across projects or algorithms", async () => {
    await save(seed("libx:a"), { ...seed("app:newer"), ruleset: "cg2" });
    const other = (await createProject(database.pool, "other", "Other"))?.id ?? 0;
    const crash = newCrash(other);
    await acceptCrashes(database.pool, [crash]);
    await saveProcessed(database.pool, [job(crash, { group: seed("app:other") })]);
    expect(await attach(["app:other", "libx:a"], ["app:newer", "libx:a"])).toBe(0);
    expect(await shown()).toEqual({ "libx:a": 1, "app:other": 1, "app:newer": 1 });
  });

  test("nothing leaves what a user put together or parted; others may still join it", async () => {
    await save(seed("libx:resize"), seed("app:make"), seed("app:store"), seed("other"));
    await attach(...together, ["app:store", "libx:resize"]);
    const root = await idOf("libx:resize");
    expect(await mergeGroups(database.pool, null, await idOf("other"), root, "me")).toBe("merged");
    const apart = [
      ["app:make", null],
      ["app:store", null],
      ["libx:resize", "other"],
      ["other", null],
    ] as const;
    expect(await attach(...apart)).toBe(0);
    await unmergeKeys(database.pool, null, root, ["app:store"], "me");
    expect(await attach(...together, ["app:store", "libx:resize"])).toBe(0);
    expect(await shown()).toEqual({ "libx:resize": 3, "app:store": 1 });
    await save(seed("app:late"));
    expect(await attach(...together, ["app:late", "libx:resize"])).toBe(1);
    expect(await shown()).toEqual({ "libx:resize": 4, "app:store": 1 });
  });

  test("beside crashes that are being saved, every count stays true", async () => {
    const names = ["libx:resize", "app:make", "app:other"];
    const saving = Array.from({ length: 24 }, async (_, at) => {
      const crash = newCrash(project);
      await acceptCrashes(database.pool, [crash]);
      await saveProcessed(database.pool, [job(crash, { group: seed(names[at % 3] ?? "") })]);
    });
    const into = ["libx:resize", null, "app:make"];
    const attaching = into.map((target) =>
      attachGroups(
        database.pool,
        fleet(),
        names.map((mid) => ({ mid, into: mid === target ? null : target })),
        1,
      ),
    );
    await Promise.all([...saving, ...attaching]);
    await attach(...together, ["app:other", "app:make"]);
    expect(await shown()).toEqual({ "libx:resize": 24 });
  });
});

describe("keys of a newer algorithm", () => {
  const newer = (name: string, old: string): GroupSeed => ({
    ...seed(name),
    ruleset: "cg2",
    earlier: [{ ruleset: "cg1", mid: old }],
  });

  test("lead to the group that the older key had", async () => {
    await save(seed("old"), seed("old"));
    await save(newer("new", "old"));
    expect(await shown()).toEqual({ old: 3 });
    const { rows } = await database.pool.query(
      "select ruleset, hash, origin from group_keys order by ruleset",
    );
    expect(rows).toEqual([
      { ruleset: "cg1", hash: "old", origin: "auto" },
      { ruleset: "cg2", hash: "new", origin: "alias" },
    ]);
    await save(newer("new", "old"));
    expect(await shown()).toEqual({ old: 4 });
  });

  test("that split a group: the first takes it over, later ones stand apart and stay resolved", async () => {
    await save(seed("old"));
    const old = await idOf("old");
    await setGroupStatus(database.pool, null, old, "resolved", "me");
    await save(newer("one", "old"));
    await save(newer("two", "old"), newer("one", "old"), newer("three", "old"));
    expect(await shown()).toEqual({ old: 3, two: 1, three: 1 });
    const { rows } = await database.pool.query(
      "select status, split_from from groups where culprit in ('two', 'three')",
    );
    expect(rows).toEqual([
      { status: "resolved", split_from: old },
      { status: "resolved", split_from: old },
    ]);
  });

  test("the newest of the earlier keys counts", async () => {
    await save({ ...seed("oldest"), ruleset: "cg0" }, seed("old"));
    const earlier = [
      { ruleset: "cg1", mid: "old" },
      { ruleset: "cg0", mid: "oldest" },
    ];
    await save({ ...seed("new"), ruleset: "cg2", earlier });
    expect(await shown()).toEqual({ oldest: 1, old: 2 });
  });

  test("two that come at once take one group over once", async () => {
    await save(seed("old"));
    await Promise.all(
      ["one", "two", "three", "four"].map(async (name) => {
        const crash = newCrash(project);
        await acceptCrashes(database.pool, [crash]);
        await saveProcessed(database.pool, [job(crash, { group: newer(name, "old") })]);
      }),
    );
    const rows = Object.values(await shown());
    expect(rows.toSorted((a, b) => a - b)).toEqual([1, 1, 1, 2]);
    await expectTrueCounts(database.pool);
  });
});
