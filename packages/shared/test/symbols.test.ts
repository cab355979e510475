import { afterAll, beforeAll, expect, test } from "vitest";
import { freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import {
  createProject,
  createToken,
  findReleaseFiles,
  findSymbolFiles,
  findToken,
  listUncachedSymbolFiles,
  loadReleaseFiles,
  loadStoredSymbolFiles,
  migrate,
  releaseFileKey,
  revokeToken,
  saveSymbolCaches,
  storeSymbolFiles,
  type NewSymbolFile,
} from "../src/index.ts";

let database: TestDatabase;
let project: number;
beforeAll(async () => {
  database = await freshDatabase();
  project = (await createProject(database.pool, "shop", "Shop"))?.id ?? 0;
});
afterAll(() => database.drop());

function file(kind: "pyc" | "source", path: string, text: string): NewSymbolFile {
  return {
    sha256: Buffer.from(text).toString("hex"),
    kind,
    size: text.length,
    content: Buffer.from(text),
    blob: null,
    path,
    basename: path.split("/").at(-1) ?? path,
    python: kind === "pyc" ? "3.12" : null,
  };
}

async function release(name: string): Promise<{ id: number; version: number }> {
  const { rows } = await database.pool.query<{ id: number; version: number }>(
    "select id, symbols_version as version from releases where project_id = $1 and name = $2",
    [project, name],
  );
  return rows[0] ?? { id: 0, version: -1 };
}

test("a file is new once to a release; changed content under its path is new again", async () => {
  const store = (...files: NewSymbolFile[]) =>
    storeSymbolFiles(database.pool, project, "1.0", files);
  const jobs = file("pyc", "app/jobs.py", "one");
  const source = file("source", "app/jobs.py", "src");
  expect(await store(jobs, source)).toEqual(new Set([jobs, source].map(releaseFileKey)));
  expect(await store(jobs, source)).toEqual(new Set());
  expect(await store(file("pyc", "app/jobs.py", "two"))).toEqual(new Set([releaseFileKey(jobs)]));
  expect(
    [...(await findReleaseFiles(database.pool, project, "1.0", ["app/jobs.py"])).keys()].toSorted(),
  ).toEqual(["pyc:app/jobs.py", "source:app/jobs.py"]);
});

test("files compiled for two versions of Python live beside each other under one path", async () => {
  const older = { ...file("pyc", "two.py", "for 3.11"), python: "3.11" };
  const newer = file("pyc", "two.py", "for 3.12");
  for (const one of [newer, older]) await storeSymbolFiles(database.pool, project, "two", [one]);
  const found = await findReleaseFiles(database.pool, project, "two", ["two.py"]);
  expect(found.get("pyc:two.py")?.map(({ sha256 }) => sha256)).toEqual([
    older.sha256,
    newer.sha256,
  ]);
  expect(await storeSymbolFiles(database.pool, project, "two", [older, newer])).toEqual(new Set());
});

test("a pyc waits for its cache; the cache reaches the release's readers and raises its version", async () => {
  const pyc = file("pyc", "lib/a.py", "cached");
  await storeSymbolFiles(database.pool, project, "2.0", [pyc]);
  expect(
    (await loadStoredSymbolFiles(database.pool, [pyc.sha256])).map((row) =>
      row.content?.toString(),
    ),
  ).toEqual(["cached"]);
  const before = await release("2.0");
  await saveSymbolCaches(database.pool, [
    {
      sha256: pyc.sha256,
      error: null,
      cache: Buffer.from([1, 0, 2]),
      cacheVersion: 1,
      pythonVersion: "3.12",
      codeFilename: "/srv/lib/a.py",
    },
  ]);
  expect((await release("2.0")).version).toBeGreaterThan(before.version);
  const [found] = await loadReleaseFiles(database.pool, before.id, ["a.py"], 10);
  expect(found).toMatchObject({
    path: "lib/a.py",
    codeFilename: "/srv/lib/a.py",
    cache: Buffer.from([1, 0, 2]),
  });
  expect(await loadStoredSymbolFiles(database.pool, [pyc.sha256])).toEqual([]);
});

test("a cache of another version waits to be made anew; a refused file says why and does not", async () => {
  const good = file("pyc", "b.py", "good");
  const bad = file("pyc", "c.py", "bad");
  await storeSymbolFiles(database.pool, project, "3.0", [good, bad]);
  const cache = { cacheVersion: 1, pythonVersion: null, codeFilename: null };
  await saveSymbolCaches(database.pool, [
    { ...cache, sha256: good.sha256, error: null, cache: Buffer.from("x") },
    { ...cache, sha256: bad.sha256, error: "marshal: unknown type 0x40 at 0x10", cache: null },
  ]);
  const find = (name: string) =>
    findSymbolFiles(database.pool, project, name, [good.sha256, bad.sha256]);
  expect(await find("another")).toEqual(new Map());
  expect(await find("3.0")).toEqual(
    new Map([
      [good.sha256, { sha256: good.sha256, state: "ready", error: null }],
      [
        bad.sha256,
        { sha256: bad.sha256, state: "refused", error: "marshal: unknown type 0x40 at 0x10" },
      ],
    ]),
  );
  const later = new Date(Date.now() + 60_000);
  expect(await listUncachedSymbolFiles(database.pool, later, 1, 100)).not.toContain(good.sha256);
  expect(await listUncachedSymbolFiles(database.pool, later, 2, 100)).toContain(good.sha256);
  expect(await listUncachedSymbolFiles(database.pool, later, 2, 100)).not.toContain(bad.sha256);
});

test("a token opens until it expires or is revoked; its secret is not stored", async () => {
  const make = (expiresAt: Date | null) =>
    createToken(database.pool, { label: "ci", projectId: project, scopes: ["symbols"], expiresAt });
  const { token, secret } = await make(null);
  expect(await findToken(database.pool, secret)).toMatchObject({
    id: token.id,
    scopes: ["symbols"],
    projectId: project,
  });
  expect(await findToken(database.pool, `${secret}x`)).toBeNull();
  expect(
    await findToken(database.pool, (await make(new Date(Date.now() - 1000))).secret),
  ).toBeNull();
  expect(await revokeToken(database.pool, token.id)).toBe(true);
  expect(await revokeToken(database.pool, token.id)).toBe(false);
  expect(await findToken(database.pool, secret)).toBeNull();
  const { rows } = await database.pool.query("select * from api_tokens");
  expect(JSON.stringify(rows)).not.toContain(secret.slice(10));
});

test("migrations apply once; an edited one is refused by name", async () => {
  expect(await migrate(database.pool)).toEqual([]);
  await database.pool.query(
    "update migrations set sha256 = 'other' where name = '0002_crashes.sql'",
  );
  await expect(migrate(database.pool)).rejects.toThrow(
    "migrations/0002_crashes.sql was edited after it was applied",
  );
});
