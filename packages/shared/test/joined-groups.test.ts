/** Which group shows which: joins by link, and keys of newer algorithms. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import {
  acceptCrashes,
  createProject,
  findGroup,
  findReport,
  groupCounts,
  groupFacet,
  listActivity,
  listGroupCrashes,
  listGroups,
  saveProcessed,
  setGroupStatus,
  settleLinks,
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
beforeEach(() =>
  database.pool.query(
    "truncate crashes, pending, reports, groups, group_keys, group_links, group_activity, group_hours, group_facets",
  ),
);

const text = (name: string, link: string | null): GroupSeed => ({
  ...seed(name),
  link,
  linkRole: "seeker",
});
const native = (name: string, link: string | null): GroupSeed => ({
  ...seed(name),
  link,
  linkRole: "target",
});

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

describe("by link", () => {
  test("a text joins the native group that its Python functions led to", async () => {
    await save(native("libx:resize", "L"));
    const [crash] = await save(text("app:make", "L"));
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
    expect(await listActivity(database.pool, id, 10)).toMatchObject([
      { what: "attach", actor: null, detail: { into: id, key: "app:make" } },
    ]);
  });

  test("whichever came first, and when both come at once", async () => {
    await save(text("app:make", "L"), text("app:make", "L"));
    expect(await shown()).toEqual({ "app:make": 2 });
    await save(native("libx:resize", "L"), native("liby:crop", "M"), text("app:crop", "M"));
    expect(await shown()).toEqual({ "libx:resize": 3, "liby:crop": 2 });
    await save(text("app:make", "L"));
    expect(await shown()).toEqual({ "libx:resize": 4, "liby:crop": 2 });
  });

  test("what was saved at the same moment is looked for once more", async () => {
    await save(text("app:make", "L"));
    await database.pool.query("update groups set link_role = null");
    await save(native("libx:resize", "L"));
    await database.pool.query("update groups set link_role = 'seeker' where culprit = 'app:make'");
    expect(await settleLinks(database.pool, new Date(0), 10)).toBe(0);
    expect(await settleLinks(database.pool, new Date(Date.now() + 1000), 10)).toBe(1);
    expect(await shown()).toEqual({ "libx:resize": 2 });
    expect(await settleLinks(database.pool, new Date(Date.now() + 1000), 10)).toBe(0);
    await expectTrueCounts(database.pool);
  });

  test.each([
    [1, 1, 0],
    [4, 1, 0],
    [5, 1, 5],
    [1, 5, 1],
  ])(
    "of two groups with %i and %i crashes, only to one that has five times as many",
    async (...counts) => {
      const [one, other] = counts;
      await save(...Array<GroupSeed>(one).fill(native("libx:a", "L")));
      await save(...Array<GroupSeed>(other).fill(native("libx:b", "L")));
      await save(text("app:make", "L"));
      const joined = Math.max(one, other) >= 5 * Math.min(one, other);
      const to = one > other ? "libx:a" : "libx:b";
      expect(await shown()).toEqual({
        "libx:a": one,
        "libx:b": other,
        ...(joined ? { [to]: Math.max(one, other) + 1 } : { "app:make": 1 }),
      });
    },
  );

  test("not without a link, over another project's, or another algorithm's", async () => {
    await save(native("libx:a", "L"), text("app:none", null));
    const other = (await createProject(database.pool, "other", "Other"))?.id ?? 0;
    const crash = newCrash(other);
    await acceptCrashes(database.pool, [crash]);
    await saveProcessed(database.pool, [job(crash, { group: text("app:other", "L") })]);
    await save({ ...text("app:newer", "L"), ruleset: "cg2" });
    expect(await shown()).toEqual({ "libx:a": 1, "app:none": 1, "app:other": 1, "app:newer": 1 });
  });

  test("not what a user has parted", async () => {
    await save(text("app:make", "L"));
    await database.pool.query("update groups set origin = 'user-split'");
    await save(native("libx:resize", "L"));
    expect(await shown()).toEqual({ "app:make": 1, "libx:resize": 1 });
    await settleLinks(database.pool, new Date(Date.now() + 1000), 10);
    expect(await shown()).toEqual({ "app:make": 1, "libx:resize": 1 });
  });

  test("many at once, in any order, end in one group with every count", async () => {
    const seeds = [native("libx:resize", "L"), text("app:make", "L"), text("app:other", "L")];
    const batches = await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const crash = newCrash(project, { id: newCrash(project).id });
        await acceptCrashes(database.pool, [crash]);
        return job(crash, { group: seeds[at % 3] ?? null });
      }),
    );
    await Promise.all(batches.map((one) => saveProcessed(database.pool, [one])));
    await settleLinks(database.pool, new Date(Date.now() + 1000), 10);
    expect(await shown()).toEqual({ "libx:resize": 12 });
    await expectTrueCounts(database.pool);
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
