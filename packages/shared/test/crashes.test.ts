import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { clearCrashes, freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import {
  acceptCrashes,
  CONTENT_DUPLICATE_MS,
  countAttempt,
  countWaiting,
  createProject,
  dropExpiredKeys,
  dropExpiredPartitions,
  ensurePartitions,
  findCrash,
  loadPendingCrashes,
  newCrashId,
  takeWaiting,
  type CrashKey,
} from "../src/index.ts";
import { newCrash } from "./crash-rows.ts";

let database: TestDatabase;
let project: number;
let count = 0;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await clearCrashes(database.pool);
  count += 1;
  project = (await createProject(database.pool, `p${count}`, "Project"))?.id ?? 0;
});

const key = (kind: CrashKey["kind"], text: string): CrashKey => ({ kind, key: Buffer.from(text) });
const accept = (...crashes: ReturnType<typeof newCrash>[]) => acceptCrashes(database.pool, crashes);

test("an accepted crash is stored whole and waits", async () => {
  const crash = newCrash(project, { content: Buffer.from([0, 255, 34, 92]) });
  expect(await accept(crash)).toEqual([{ id: crash.id, duplicate: false }]);
  const [pending] = await loadPendingCrashes(database.pool, [crash.id, newCrashId(Date.now())]);
  expect(pending).toMatchObject({
    id: crash.id,
    projectId: project,
    metadata: crash.metadata,
    attachments: crash.attachments,
    attempts: 0,
    release: null,
  });
  expect(pending?.content).toEqual(crash.content);
  expect(await findCrash(database.pool, [project], crash.id)).toMatchObject({
    id: crash.id,
    parentId: null,
  });
  expect(await findCrash(database.pool, [project + 1], crash.id)).toBeNull();
});

test("the same id again is the same crash, in one batch and in the next", async () => {
  const crash = newCrash(project);
  expect(await accept(crash, crash)).toEqual([
    { id: crash.id, duplicate: false },
    { id: crash.id, duplicate: true },
  ]);
  expect(await accept(crash)).toEqual([{ id: crash.id, duplicate: true }]);
  expect(await countWaiting(database.pool)).toMatchObject({ count: 1 });
});

test("the same key again is the same crash, per project", async () => {
  const first = newCrash(project, { key: key("client", "a") });
  const again = newCrash(project, { key: key("client", "a") });
  const elsewhere = newCrash(project + 1000, { key: key("client", "a") });
  expect(await accept(first, again, elsewhere)).toEqual([
    { id: first.id, duplicate: false },
    { id: first.id, duplicate: true },
    { id: elsewhere.id, duplicate: false },
  ]);
  expect(await accept(newCrash(project, { key: key("client", "a") }))).toEqual([
    { id: first.id, duplicate: true },
  ]);
});

test("equal content counts as one crash for an hour, a client's id for good", async () => {
  const now = Date.now();
  const at = (receivedAt: number, kind: CrashKey["kind"]) =>
    newCrash(project, { receivedAt, key: key(kind, kind) });
  const content = at(now, "content");
  const client = at(now, "client");
  await accept(content, client);
  const soon = now + CONTENT_DUPLICATE_MS - 1000;
  const later = now + CONTENT_DUPLICATE_MS + 1000;
  expect(await accept(at(soon, "content"))).toEqual([{ id: content.id, duplicate: true }]);
  const fresh = at(later, "content");
  expect(await accept(fresh, at(later, "client"))).toEqual([
    { id: fresh.id, duplicate: false },
    { id: client.id, duplicate: true },
  ]);
});

test("many writers of one key at once make one crash", async () => {
  const crashes = Array.from({ length: 20 }, () =>
    newCrash(project, { key: key("content", "same") }),
  );
  const answers = (await Promise.all(crashes.map((crash) => accept(crash)))).flat();
  expect(answers.filter((answer) => !answer.duplicate)).toHaveLength(1);
  expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
  expect(await countWaiting(database.pool)).toMatchObject({ count: 1 });
});

test("batches that claim each other's keys in opposite order do not deadlock", async () => {
  const names = Array.from({ length: 40 }, (_, index) => String(index));
  const batch = (order: readonly string[]) =>
    accept(...order.map((name) => newCrash(project, { key: key("content", name) })));
  const answers = await Promise.all([
    batch(names),
    batch(names.toReversed()),
    batch(names),
    batch(names.toReversed()),
  ]);
  expect(answers.flat().filter((answer) => !answer.duplicate)).toHaveLength(40);
});

test("an id older than every partition is refused, and nothing of its batch is stored", async () => {
  const good = newCrash(project);
  const old = newCrash(project, { id: newCrashId(Date.now() - 400 * 86_400_000) });
  await expect(accept(good, old)).rejects.toThrow(/no partition/);
  expect(await countWaiting(database.pool)).toMatchObject({ count: 0 });
});

test("a sweep takes what waits too long, each crash once", async () => {
  const now = Date.now();
  const old = newCrash(project, { receivedAt: now - 60_000 });
  const young = newCrash(project, { receivedAt: now });
  await accept(old, young);
  const take = () => takeWaiting(database.pool, new Date(now - 30_000), new Date(now), 10);
  const taken = (await Promise.all([take(), take()])).flat();
  expect(taken).toEqual([old.id]);
  expect(await take()).toEqual([]);
  expect(await countWaiting(database.pool)).toMatchObject({ count: 2 });
  expect(await countWaiting(database.pool, new Date(now - 1))).toMatchObject({ count: 0 });
});

test("a try that failed by the crash's own fault is counted, a wait in line is not", async () => {
  const crash = newCrash(project, { receivedAt: Date.now() - 60_000 });
  await accept(crash);
  await takeWaiting(database.pool, new Date(), new Date(), 10);
  const attempts = async () => (await loadPendingCrashes(database.pool, [crash.id]))[0]?.attempts;
  expect(await attempts()).toBe(0);
  expect(await countAttempt(database.pool, crash.id)).toBe(1);
  expect(await countAttempt(database.pool, crash.id)).toBe(2);
  expect(await attempts()).toBe(2);
  expect(await countAttempt(database.pool, newCrashId(Date.now()))).toBe(0);
});

test("content keys are forgotten once they stop nothing, client keys with the retention", async () => {
  await accept(
    newCrash(project, { key: key("content", "c") }),
    newCrash(project, { key: key("client", "k") }),
  );
  const now = Date.now();
  expect(await dropExpiredKeys(database.pool, new Date(now), 90)).toBe(0);
  expect(await dropExpiredKeys(database.pool, new Date(now + 2 * CONTENT_DUPLICATE_MS), 90)).toBe(
    1,
  );
  expect(await dropExpiredKeys(database.pool, new Date(now + 91 * 86_400_000), 90)).toBe(1);
});

test("services that make partitions at once all succeed", async () => {
  const later = Date.now() + 400 * 86_400_000;
  const made = [1, 2, 3, 4].map(() => ensurePartitions(database.pool, later));
  expect((await Promise.allSettled(made)).map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
});

test("retention drops the days that are over and keeps the rest", async () => {
  const now = Date.now();
  expect(await dropExpiredPartitions(database.pool, now, 90)).toEqual([]);
  await accept(newCrash(project, { id: newCrashId(now - 5 * 86_400_000) }));
  const dropped = await dropExpiredPartitions(database.pool, now, 3);
  expect(dropped.length).toBeGreaterThan(0);
  expect(await countWaiting(database.pool)).toMatchObject({ count: 0 });
  const crash = newCrash(project);
  expect(await accept(crash)).toEqual([{ id: crash.id, duplicate: false }]);
});
