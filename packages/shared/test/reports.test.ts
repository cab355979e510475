import { zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { clearCrashes, freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import {
  acceptCrashes,
  childCrashId,
  countWaiting,
  createProject,
  cursorOf,
  findGroup,
  findReport,
  groupCounts,
  groupFacet,
  groupSorts,
  listGroupCrashes,
  listGroups,
  saveProcessed,
  setGroupStatus,
  type GroupFilter,
  type GroupSort,
  type NewCrash,
} from "../src/index.ts";
import { job, newCrash, outcome, seed } from "./crash-rows.ts";

let database: TestDatabase;
let project: number;
beforeAll(async () => {
  database = await freshDatabase();
  project = (await createProject(database.pool, "shop", "Shop"))?.id ?? 0;
});
afterAll(() => database.drop());
beforeEach(() => clearCrashes(database.pool));

const everything: GroupFilter = {
  projectIds: null,
  status: null,
  release: null,
  environment: null,
  kind: null,
  text: null,
  tag: null,
};
const groups = () => listGroups(database.pool, everything, "count", null, 100);

async function accepted(count: number): Promise<readonly NewCrash[]> {
  const crashes = Array.from({ length: count }, () => newCrash(project));
  await acceptCrashes(database.pool, crashes);
  return crashes;
}

test("a saved crash has a report and a group, and no longer waits", async () => {
  const [crash] = (await accepted(1)) as [NewCrash];
  const report = zstdCompressSync('{"version":1,"kind":"signal"}');
  expect(await saveProcessed(database.pool, [job(crash, { report })])).toEqual(new Set([crash.id]));
  const found = await findReport(database.pool, [project], crash.id);
  expect(found?.report).toEqual({ version: 1, kind: "signal" });
  expect(found?.summary).toMatchObject({
    state: "processed",
    title: "Segfault in app:run",
    host: "web-1",
  });
  expect(await findReport(database.pool, [project + 1], crash.id)).toBeNull();
  const [group] = await groups();
  expect(group).toMatchObject({
    count: 1,
    title: "Segfault in app:run",
    newestCrash: crash.id,
    status: "open",
  });
  expect(found?.summary.groupId).toBe(group?.id);
  expect(await countWaiting(database.pool)).toMatchObject({ count: 0, oldest: null });
});

test("a job that runs twice, even at once, counts once", async () => {
  const crashes = await accepted(30);
  const runs = await Promise.all(
    [1, 2, 3].map(() =>
      saveProcessed(
        database.pool,
        crashes.map((crash) => job(crash)),
      ),
    ),
  );
  expect(runs.map((ids) => ids.size).toSorted((a, b) => a - b)).toEqual([0, 0, 30]);
  expect((await groups())[0]?.count).toBe(30);
  expect(
    await saveProcessed(
      database.pool,
      crashes.map((crash) => job(crash)),
    ),
  ).toEqual(new Set());
});

test("a job that is in one batch twice counts once", async () => {
  const [crash] = (await accepted(1)) as [NewCrash];
  expect(await saveProcessed(database.pool, [job(crash), job(crash)])).toEqual(new Set([crash.id]));
  expect((await groups())[0]?.count).toBe(1);
});

test("batches that meet in the same new groups, in any order, make each group once and lose no count", async () => {
  const names = Array.from({ length: 12 }, (_, index) => `app:f${index}`);
  const batches = await Promise.all(Array.from({ length: 8 }, () => accepted(names.length)));
  await Promise.all(
    batches.map((crashes, at) =>
      saveProcessed(
        database.pool,
        crashes.map((crash, index) => {
          const name = names[at % 2 === 0 ? index : names.length - 1 - index] as string;
          return job(crash, { group: seed(name) });
        }),
      ),
    ),
  );
  const rows = await groups();
  expect(rows).toHaveLength(12);
  expect(rows.map((row) => row.count)).toEqual(rows.map(() => 8));
});

test("the further dumps of a text become crashes of their own, beside the first", async () => {
  const [crash] = (await accepted(1)) as [NewCrash];
  const second = childCrashId(crash.id, 1);
  await saveProcessed(database.pool, [
    {
      crashId: crash.id,
      outcomes: [outcome(crash), { ...outcome(crash), crashId: second, parent: crash.id }],
    },
  ]);
  const [group] = await groups();
  expect(group?.count).toBe(2);
  const listed = await listGroupCrashes(database.pool, group?.id ?? 0, null, null, 10);
  expect(listed.map((row) => row.id).toSorted()).toEqual([crash.id, second].toSorted());
});

test("a crash that could not be processed says why and belongs to no group", async () => {
  const [crash] = (await accepted(1)) as [NewCrash];
  await saveProcessed(database.pool, [
    job(crash, { error: "took longer than 10000 ms", group: null }),
  ]);
  const found = await findReport(database.pool, null, crash.id);
  expect(found).toMatchObject({
    summary: { state: "failed", error: "took longer than 10000 ms", groupId: null },
    report: null,
  });
  expect(await groups()).toEqual([]);
});

test("counts by hour, day, release and host add up", async () => {
  const crashes = await accepted(6);
  const day = Date.UTC(2026, 4, 1);
  await saveProcessed(
    database.pool,
    crashes.map((crash, index) =>
      job(crash, {
        occurredAt: new Date(day + index * 10 * 3_600_000),
        host: `web-${index % 2}`,
        release: "2.0",
      }),
    ),
  );
  const [group] = await groups();
  const id = group?.id ?? 0;
  expect(group).toMatchObject({
    firstSeen: new Date(day),
    lastSeen: new Date(day + 50 * 3_600_000),
  });
  expect(await groupCounts(database.pool, id, "day", new Date(0))).toEqual([
    { time: new Date(day), count: 3 },
    { time: new Date(day + 86_400_000), count: 2 },
    { time: new Date(day + 2 * 86_400_000), count: 1 },
  ]);
  expect(await groupCounts(database.pool, id, "hour", new Date(day + 86_400_000))).toHaveLength(3);
  const hosts = await groupFacet(database.pool, id, "host", 1);
  expect(hosts).toMatchObject({ distinct: 2, values: [{ value: "web-0", count: 3 }] });
  expect(
    (await groupFacet(database.pool, id, "release", 5)).values.map((row) => row.value),
  ).toEqual(["2.0"]);
});

test("pages of the list hold every group once, in order, by each sort", async () => {
  const crashes = await accepted(45);
  await saveProcessed(
    database.pool,
    crashes.map((crash, index) =>
      job(crash, {
        group: seed(`app:f${index % 10}`),
        // equal times on purpose: ties are told apart by id
        occurredAt: new Date(Date.UTC(2026, 0, 1, index % 3)),
      }),
    ),
  );
  for (const sort of groupSorts) {
    const whole = await listGroups(database.pool, everything, sort, null, 100);
    expect(whole).toHaveLength(10);
    const paged = await readPages(sort);
    expect(paged).toEqual(whole.map((row) => row.id));
  }
});

async function readPages(sort: GroupSort): Promise<readonly number[]> {
  const ids: number[] = [];
  for (let cursor = null; ;) {
    const page = await listGroups(database.pool, everything, sort, cursor, 3);
    ids.push(...page.map((row) => row.id));
    const last = page.at(-1);
    if (last === undefined) return ids;
    cursor = cursorOf(last, sort);
  }
}

test("filters narrow the list; text is taken literally", async () => {
  const crashes = await accepted(3);
  await saveProcessed(
    database.pool,
    crashes.map((crash, index) =>
      job(crash, {
        group: seed(`app:100%_${index}`),
        release: `1.${index}`,
        environment: index === 0 ? "staging" : "production",
      }),
    ),
  );
  const titles = async (filter: Partial<GroupFilter>) =>
    (await listGroups(database.pool, { ...everything, ...filter }, "first_seen", null, 10)).map(
      (row) => row.culprit,
    );
  expect(await titles({ release: "1.1" })).toEqual(["app:100%_1"]);
  expect(await titles({ environment: "staging" })).toEqual(["app:100%_0"]);
  expect(await titles({ text: "SEGFAULT in app:100%_2" })).toEqual(["app:100%_2"]);
  expect(await titles({ text: "%1" })).toEqual([]);
  expect(await titles({ kind: "timeout" })).toEqual([]);
  expect(await titles({ projectIds: [project + 1] })).toEqual([]);
  const [group] = await groups();
  expect(await setGroupStatus(database.pool, [project], group?.id ?? 0, "resolved", "me")).toBe(
    true,
  );
  expect(await setGroupStatus(database.pool, [project + 1], group?.id ?? 0, "muted", "me")).toBe(
    false,
  );
  expect(await findGroup(database.pool, [project], group?.id ?? 0)).toMatchObject({
    status: "resolved",
  });
  expect(await titles({ status: "resolved" })).toEqual([group?.culprit]);
});
