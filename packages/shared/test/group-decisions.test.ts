/** What users make of groups: together, apart, and counted right whatever they do. */
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { clearCrashes, freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import {
  acceptCrashes,
  attachGroups,
  createProject,
  findGroup,
  listActivity,
  listGroupMembers,
  listGroups,
  listLikeGroups,
  mergeGroups,
  saveProcessed,
  setGroupStatus,
  unmergeKeys,
  type GroupSeed,
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
const clear = (): Promise<void> => clearCrashes(database.pool);
beforeEach(clear);

async function save(group: GroupSeed, occurredAt = new Date()): Promise<void> {
  const crash = newCrash(project);
  await acceptCrashes(database.pool, [crash]);
  await saveProcessed(database.pool, [job(crash, { group, occurredAt })]);
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
const list = () => listGroups(database.pool, everything, "count", null, 100);

/** Id of the group that a key's crashes are shown in. */
async function shownIn(key: string): Promise<number> {
  const { rows } = await database.pool.query<{ id: number }>(
    "select group_id as id from group_keys where hash = $1",
    [key],
  );
  return (await findGroup(database.pool, null, rows[0]?.id ?? 0))?.id ?? 0;
}
const merge = async (from: string, into: string) =>
  mergeGroups(database.pool, [project], await shownIn(from), await shownIn(into), "me");
const unmerge = async (of: string, ...keys: string[]) =>
  unmergeKeys(database.pool, [project], await shownIn(of), keys, "me");

test("a merged group is shown in the other, and so is what comes later", async () => {
  for (const key of ["a", "a", "b", "c"]) await save(seed(key));
  expect(await merge("b", "a")).toBe("merged");
  expect(await merge("c", "b")).toBe("merged");
  expect(await merge("c", "a")).toBe("same");
  await save(seed("b"));
  const [group, ...others] = await list();
  expect(others).toEqual([]);
  expect(group).toMatchObject({ culprit: "a", count: 5 });
  const members = await listGroupMembers(database.pool, group?.id ?? 0, 10);
  expect(members.map(({ culprit, count, origin }) => [culprit, count, origin])).toEqual([
    ["a", 2, "auto"],
    ["b", 2, "user-merge"],
    ["c", 1, "user-merge"],
  ]);
  const activity = await listActivity(database.pool, group?.id ?? 0, 10);
  expect(activity.map(({ actor, what, detail }) => [actor, what, detail["keys"]])).toEqual([
    ["me", "merge", ["c"]],
    ["me", "merge", ["b"]],
  ]);
  await expectTrueCounts(database.pool);
});

test("what is parted has its crashes again, its status, and those that come", async () => {
  for (const key of ["a", "b", "b", "c"]) await save(seed(key));
  await merge("b", "a");
  await merge("c", "a");
  await setGroupStatus(database.pool, null, await shownIn("b"), "muted", "me");
  const parted = await unmerge("a", "b");
  await save(seed("b"));
  expect((await list()).map(({ culprit, count, status }) => [culprit, count, status])).toEqual([
    ["b", 3, "muted"],
    ["a", 2, "muted"],
  ]);
  expect(parted).toBe(await shownIn("b"));
  await expectTrueCounts(database.pool);
});

test("the key that a group began with can leave it, too", async () => {
  for (const key of ["a", "b", "c", "c"]) await save(seed(key));
  const id = await shownIn("a");
  await merge("b", "a");
  await merge("c", "a");
  expect(await unmerge("c", "a")).toBe(id);
  expect((await list()).map(({ culprit, count }) => [culprit, count])).toEqual([
    ["c", 3],
    ["a", 1],
  ]);
  await expectTrueCounts(database.pool);
});

test("what cannot be: keys of others, all of them, groups of others", async () => {
  await save(seed("a"));
  await save(seed("b"));
  expect(await unmerge("a", "b")).toBe("unknown-keys");
  expect(await unmerge("a", "a")).toBe("all-keys");
  expect(await unmergeKeys(database.pool, [project], 1e9, ["a"], "me")).toBe("absent");
  const [a, b] = [await shownIn("a"), await shownIn("b")];
  expect(await mergeGroups(database.pool, [project + 1], a, b, "me")).toBe("absent");
  expect(await mergeGroups(database.pool, [project], a, 1e9, "me")).toBe("absent-target");
  await database.pool.query("update groups set project_id = $1 where id = $2", [project + 1, b]);
  expect(await mergeGroups(database.pool, null, a, b, "me")).toBe("other-project");
  expect((await list()).length).toBe(2);
});

test("nothing that crashes share takes back what a user parted, and both know of each other", async () => {
  const native: GroupSeed = { ...seed("libx:go"), link: "L" };
  const text: GroupSeed = { ...seed("app:make"), link: "L" };
  const attach = (): Promise<number> =>
    attachGroups(
      database.pool,
      { projectId: project, ruleset: "cg1", version: 1 },
      [
        { mid: "app:make", into: "libx:go" },
        { mid: "libx:go", into: null },
      ],
      10,
    );
  await save(native);
  await save(text);
  expect(await attach()).toBe(1);
  expect(await list()).toHaveLength(1);
  await unmerge("libx:go", "app:make");
  await save(text);
  await save(native);
  expect(await attach()).toBe(0);
  expect((await list()).map(({ count }) => count)).toEqual([2, 2]);
  const like = await listLikeGroups(database.pool, await shownIn("app:make"), 5);
  expect(like.map(({ culprit }) => culprit)).toEqual(["libx:go"]);
});

const key = fc.constantFrom("a", "b", "c", "d", "e");
const step = fc.oneof(
  fc.record({ do: fc.constant("save" as const), key, hour: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ do: fc.constant("merge" as const), key, into: key }),
  fc.record({
    do: fc.constant("unmerge" as const),
    key,
    keys: fc.uniqueArray(key, { minLength: 1 }),
  }),
);

test("whatever users do, keys are together as they said, and every count is true", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      await clear();
      const groups: Set<string>[] = [];
      const of = (name: string) => groups.find((one) => one.has(name));
      for (const one of steps) {
        const group = of(one.key);
        if (one.do === "save") {
          await save(seed(one.key), new Date(Date.UTC(2026, 0, 1, one.hour)));
          if (group === undefined) groups.push(new Set([one.key]));
        } else if (group === undefined) continue;
        else if (one.do === "merge") {
          const into = of(one.into);
          if (into === undefined) continue;
          await merge(one.key, one.into);
          if (into === group) continue;
          for (const name of group) into.add(name);
          groups.splice(groups.indexOf(group), 1);
        } else {
          const named = one.keys.filter((name) => group.has(name));
          await unmerge(one.key, ...named);
          if (named.length === 0 || named.length === group.size) continue;
          for (const name of named) group.delete(name);
          groups.push(new Set(named));
        }
      }
      const shown = await Promise.all(
        groups.map(async (names) => new Set(await Promise.all([...names].map(shownIn)))),
      );
      expect(shown.every(({ size }) => size === 1)).toBe(true);
      expect(new Set(shown.flatMap((ids) => [...ids])).size).toBe(groups.length);
      await expectTrueCounts(database.pool);
    }),
    { numRuns: 12 },
  );
}, 60_000);
