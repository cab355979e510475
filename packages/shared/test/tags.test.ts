/** Crashes and groups by their tags. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { clearCrashes, freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import {
  acceptCrashes,
  createProject,
  dropExpiredPartitions,
  listGroupCrashes,
  listGroups,
  listTaggedCrashes,
  newCrashId,
  saveProcessed,
  tagNumber,
  type GroupFilter,
  type NewCrash,
} from "../src/index.ts";
import { job, newCrash, seed } from "./crash-rows.ts";

const DAY_MS = 86_400_000;

let database: TestDatabase;
let project: number;
beforeAll(async () => {
  database = await freshDatabase();
  project = (await createProject(database.pool, "tags", "Tags"))?.id ?? 0;
});
afterAll(() => database.drop());
beforeEach(() => clearCrashes(database.pool));

async function saved(
  tags: Readonly<Record<string, string>>,
  bug = "a",
  receivedAt = Date.now(),
): Promise<NewCrash> {
  const base = newCrash(project, { id: newCrashId(receivedAt), receivedAt });
  const crash = { ...base, metadata: { ...base.metadata, tags } };
  await acceptCrashes(database.pool, [crash]);
  await saveProcessed(database.pool, [job(crash, { group: seed(bug) })]);
  return crash;
}

const filter = (tag: string): GroupFilter => ({
  projectIds: null,
  status: null,
  release: null,
  environment: null,
  kind: null,
  text: null,
  tag,
});
const titles = async (tag: string): Promise<string[]> =>
  (await listGroups(database.pool, filter(tag), "count", null, 10)).map(({ title }) => title);
const tagged = async (tag: string, before: string | null = null, limit = 10): Promise<string[]> =>
  (await listTaggedCrashes(database.pool, null, tag, before, limit)).map(({ id }) => id);

test("a tag finds its groups and crashes, newest first, in pages", async () => {
  const first = await saved({ region: "eu", shard: "1" }, "a", Date.now() - 3 * DAY_MS);
  const second = await saved({ region: "eu" }, "b", Date.now() - 1_000);
  const third = await saved({ region: "eu" }, "b");
  await saved({ region: "us", eu: "region" }, "c");
  expect(await titles("region:eu")).toEqual(["Segfault in b", "Segfault in a"]);
  expect(await titles("shard:1")).toEqual(["Segfault in a"]);
  expect(await titles("region:e")).toEqual([]);
  expect(await tagged("region:eu")).toEqual([third.id, second.id, first.id]);
  expect(await tagged("region:eu", null, 1)).toEqual([third.id]);
  expect(await tagged("region:eu", second.id)).toEqual([first.id]);
  expect(await listTaggedCrashes(database.pool, [project + 1], "region:eu", null, 10)).toEqual([]);
});

test("inside a group", async () => {
  const wanted = await saved({ region: "eu" }, "a");
  await saved({ region: "us" }, "a");
  await saved({ region: "eu" }, "b");
  const [group] = await listGroups(database.pool, filter("region:us"), "count", null, 1);
  const found = await listGroupCrashes(database.pool, group?.id ?? 0, "region:eu", null, 10);
  expect(found.map(({ id }) => id)).toEqual([wanted.id]);
});

test("many crashes of one batch, some with the same tags, and batches at once", async () => {
  const crashes = Array.from({ length: 60 }, (_, at) => {
    const crash = newCrash(project);
    const tags = { shard: String(at % 3), guid: crash.id };
    return { ...crash, metadata: { ...crash.metadata, tags } };
  });
  await acceptCrashes(database.pool, crashes);
  const batches = [0, 1, 2, 3].map((batch) =>
    crashes.filter((_, at) => at % 4 === batch).map((crash) => job(crash)),
  );
  await Promise.all(batches.map((jobs) => saveProcessed(database.pool, jobs)));
  await Promise.all(batches.map((jobs) => saveProcessed(database.pool, jobs)));
  expect(await tagged("shard:1", null, 100)).toHaveLength(20);
  for (const { id } of crashes.slice(0, 5)) expect(await tagged(`guid:${id}`)).toEqual([id]);
});

test("a crash that could not be processed is found too", async () => {
  const crash = newCrash(project);
  await acceptCrashes(database.pool, [crash]);
  await saveProcessed(database.pool, [job(crash, { error: "why", group: null })]);
  expect(await tagged("region:eu")).toEqual([crash.id]);
  expect(await titles("region:eu")).toEqual([]);
});

test("a group is found by what its crashes of the retention had, no longer by older ones", async () => {
  const now = Date.now();
  await saved({ region: "eu", old: "yes" }, "a", now - 5 * DAY_MS);
  await saved({ region: "eu" }, "a", now);
  await dropExpiredPartitions(database.pool, now, 3);
  expect(await titles("region:eu")).toEqual(["Segfault in a"]);
  expect(await titles("old:yes")).toEqual([]);
  expect(await tagged("old:yes")).toEqual([]);
});

test("a tag's number has the whole range, and stays what it is", () => {
  expect(tagNumber("region:eu")).toBe(tagNumber("region:eu"));
  const numbers = Array.from({ length: 1_000 }, (_, at) => BigInt(tagNumber(`t:${at}`)));
  expect(numbers.some((one) => one < 0n)).toBe(true);
  expect(numbers.some((one) => one > 2n ** 53n)).toBe(true);
  // worked out with sha256sum: stored rows depend on it
  expect(tagNumber("region:eu")).toBe("-8514300758101036943");
});
