/** What crashes lacked, as it is stored with them. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { clearCrashes, freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import {
  acceptCrashes,
  crashLack,
  createProject,
  dropForgottenLacks,
  lackKey,
  noteLacks,
  saveProcessed,
  type CrashLack,
  type LackedSymbols,
} from "../src/index.ts";
import { job, newCrash } from "./crash-rows.ts";

let database: TestDatabase;
let project: number;
beforeAll(async () => {
  database = await freshDatabase();
  project = (await createProject(database.pool, "shop", "Shop"))?.id ?? 0;
});
afterAll(() => database.drop());
beforeEach(() => clearCrashes(database.pool, "lacked_symbols", "lacked_files"));

const python = (release: string, ...own: string[]): CrashLack => {
  const installed = ["/venv/lib/python3.12/site-packages/a.py"];
  return crashLack({ kind: "python", projectId: project, release }, 3, { own, installed });
};
const native = (name: string, buildId: string | null, debugId: string | null): CrashLack =>
  crashLack({ kind: "native", projectId: project, name, buildId, debugId }, 0, null);

async function rows(query: string): Promise<readonly Record<string, unknown>[]> {
  return (await database.pool.query<Record<string, unknown>>(query)).rows;
}

test("they are rows beside the report, once however often the job runs", async () => {
  const crash = newCrash(project);
  await acceptCrashes(database.pool, [crash]);
  const lacks = [python("1.0", "/app/b.py", "/app/a.py"), native("libx.so", "aa", "AA0")];
  await noteLacks(database.pool, lacks);
  await saveProcessed(database.pool, [job(crash, { lacks })]);
  await saveProcessed(database.pool, [job(crash, { lacks })]);
  const keys = lacks.map(({ symbols }) => lackKey(symbols));
  expect(
    await rows(
      "select key, crash_id, version, files is null as native from crash_lacks order by version desc",
    ),
  ).toEqual([
    { key: keys[0], crash_id: crash.id, version: 3, native: false },
    { key: keys[1], crash_id: crash.id, version: 0, native: true },
  ]);
  expect(await rows("select lacks from reports")).toEqual([{ lacks: keys.map(String) }]);
  expect(
    await rows("select own, installed from crash_lacks l join lacked_files f on f.key = l.files"),
  ).toEqual([
    { own: ["/app/b.py", "/app/a.py"], installed: ["/venv/lib/python3.12/site-packages/a.py"] },
  ]);
  expect(
    await rows(
      "select kind, release, name, build_id, debug_id from lacked_symbols order by kind desc",
    ),
  ).toEqual([
    { kind: "python", release: "1.0", name: null, build_id: null, debug_id: null },
    { kind: "native", release: null, name: "libx.so", build_id: "aa", debug_id: "AA0" },
  ]);
});

test("a key is the same for the same symbols, and no other's", () => {
  const all: LackedSymbols[] = [
    { kind: "python", projectId: 1, release: "1.0" },
    { kind: "python", projectId: 2, release: "1.0" },
    { kind: "python", projectId: 1, release: "1.1" },
    { kind: "native", projectId: 1, name: "a", buildId: "aa", debugId: "AA0" },
    { kind: "native", projectId: 2, name: "a", buildId: "aa", debugId: "AA0" },
    { kind: "native", projectId: 1, name: "a", buildId: "bb", debugId: null },
  ];
  expect(new Set(all.map(lackKey)).size).toBe(all.length);
  expect(all.map(lackKey).every(Number.isSafeInteger)).toBe(true);
  // a dump that knows but the beginning of a build id, and calls the file by another name
  const other = { kind: "native", projectId: 1, name: "b", buildId: null, debugId: "AA0" } as const;
  expect(lackKey(other)).toBe(lackKey(all[3] as LackedSymbols));
});

test("what was noted is forgotten after the crashes, not before", async () => {
  await noteLacks(database.pool, [python("1.0", "/app/a.py"), native("libx.so", "aa", "AA0")]);
  const days = (count: number): Date => new Date(Date.now() + count * 86_400_000);
  expect(await dropForgottenLacks(database.pool, days(31), 30)).toBe(0);
  expect(await dropForgottenLacks(database.pool, days(34), 30)).toBe(3);
});
