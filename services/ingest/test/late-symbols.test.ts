/** What crashes lack, ranked; and how far the repairs of those are whose symbols came. */
import { zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  crashLack,
  findDueCrashes,
  finishRepairs,
  loadRepairable,
  noteLacks,
  noticeSymbols,
  rankMissingSymbols,
  saveRepaired,
  settleEmptied,
  startRepairs,
  storeSymbolFiles,
  type CrashLack,
  type LackedModule,
  type NewCrash,
} from "@faultline/shared";
import { HOUR, now, processed, reportOf, seed } from "./processed.ts";
import { readerOf, type Read } from "./reader.ts";
import { addProject, addToken, openSetting, type Access, type Setting } from "./setting.ts";

let at: Setting;
let call: Read;
let other: Access;
const crashes: NewCrash[] = [];

const jobs = "/srv/app/jobs.py";
const main = "/srv/app/main.py";
const requests = "/venv/lib/python3.12/site-packages/requests/api.py";
const python = (
  project: number,
  release: string,
  own: string[],
  installed: string[] = [],
): CrashLack => crashLack({ kind: "python", projectId: project, release }, -1, { own, installed });
const native = (project: number, module: LackedModule): CrashLack =>
  crashLack({ kind: "native", projectId: project, ...module }, 0, null);
const libx = { name: "libx.so", buildId: "aa11", debugId: "11AA0" };
const liby = { name: "liby.so", buildId: null, debugId: "22BB0" };
const libz = { name: "libz.so", buildId: "cc33", debugId: "33CC0" };

async function crash(
  project: number,
  name: string,
  age: number,
  ...lacks: CrashLack[]
): Promise<void> {
  await noteLacks(at.pool, lacks);
  crashes.push(await processed(at.pool, project, name, age, { lacks }));
}

beforeAll(async () => {
  at = await openSetting();
  call = await readerOf(at);
  other = await addProject(at.pool, "other");
  const { projectId: project, pool } = at;
  await crash(
    project,
    "alpha",
    40,
    python(project, "1.0", [jobs, main], [requests]),
    native(project, libx),
  );
  await crash(project, "alpha", 2, python(project, "1.0", [jobs]), native(project, libx));
  await crash(project, "beta", 1, python(project, "1.1", [jobs]), native(project, liby));
  await crash(project, "beta", 3, native(project, libz), python(project, "1.1", []));
  await crash(project, "old", 24 * 6.9, native(project, liby));
  await crash(other.projectId, "delta", 1, native(other.projectId, libx));
  await pool.query(
    `insert into native_caches (debug_id, build_id, name, machine, state, wanted, blob, error, missing) values
       ('22BB0', 'bb22', 'liby.so', 'x86_64', 'ready', 1, 'x', null, '[{"role": "supplementary", "buildId": "dd44", "file": "y.sup"}]'),
       ('33CC0', 'cc33', 'libz.so', 'x86_64', 'refused', 1, null, 'truncated', '[]')`,
  );
});
afterAll(() => at.close());

interface Missing {
  readonly modules: readonly { readonly name: string; readonly crashes: number }[];
  readonly files: readonly { readonly path: string; readonly crashes: number }[];
}
const missing = async (query = "", token = at.token): Promise<Missing> => {
  const answer = await call(`/api/v1/symbols/missing${query}`, { token });
  expect(answer.statusCode, `says ${answer.body}`).toBe(200);
  return answer.json<Missing>();
};

test("modules by the crashes they block, with the ids to upload and what became of what was", async () => {
  const { modules } = await missing();
  expect(modules).toEqual([
    {
      project: "shop",
      ...libx,
      crashes: 2,
      lastSeen: new Date(now - 2 * HOUR).toISOString(),
      state: "missing",
      error: null,
      companions: [],
    },
    {
      project: "shop",
      ...liby,
      crashes: 2,
      lastSeen: new Date(now - HOUR).toISOString(),
      state: "incomplete",
      error: null,
      companions: [{ role: "supplementary", buildId: "dd44", file: "y.sup" }],
    },
    expect.objectContaining({ ...libz, crashes: 1, state: "refused", error: "truncated" }),
  ]);
  expect((await missing("?days=1")).modules.map(({ crashes: count }) => count)).toEqual([1, 1, 1]);
  expect((await missing("?limit=1")).modules).toHaveLength(1);
});

test("Python files of each release, the program's own and those of packages", async () => {
  const common = { project: "shop", installed: false, state: "missing" };
  const lastSeen = (age: number) => new Date(now - age * HOUR).toISOString();
  const own = { ...common, release: "1.0" };
  expect((await missing()).files).toEqual([
    { ...own, path: jobs, crashes: 2, lastSeen: lastSeen(2) },
    { ...common, release: "1.1", path: jobs, crashes: 1, lastSeen: lastSeen(1) },
    { ...own, path: main, crashes: 1, lastSeen: lastSeen(40) },
    { ...own, path: requests, installed: true, crashes: 1, lastSeen: lastSeen(40) },
  ]);
});

test("a token sees its own projects", async () => {
  expect((await missing("", other.token)).modules).toMatchObject([{ project: "other", ...libx }]);
  const everywhere = await addToken(at.pool, null, ["symbols"]);
  expect((await missing("", everywhere)).modules).toHaveLength(4);
  expect((await missing("?project=other", everywhere)).modules).toHaveLength(1);
  const refused = await call("/api/v1/symbols/missing?project=other");
  expect(refused.json()).toMatchObject({ code: "not-found" });
  const blind = await addToken(at.pool, at.projectId, ["raw"]);
  expect((await call("/api/v1/symbols/missing", { token: blind })).json()).toMatchObject({
    code: "missing-scope",
  });
});

test("counting is given up after a while", async () => {
  const client = await at.pool.connect();
  await client.query("begin; lock table crash_lacks in access exclusive mode");
  const filter = { projectIds: null, since: new Date(0), limit: 10 };
  expect(await rankMissingSymbols(at.pool, filter, 50)).toBeNull();
  await client.query("rollback");
  client.release();
  expect((await rankMissingSymbols(at.pool, filter, 8_000))?.modules).toHaveLength(4);
});

test("a repair tells how far it is, how many crashes it improved, and which groups changed", async () => {
  expect((await call("/api/v1/repairs")).json()).toEqual({ repairs: [], next: null });
  const content = Buffer.from("x = 1\n");
  const file = { kind: "source", size: content.length, content, blob: null, python: null } as const;
  await storeSymbolFiles(at.pool, at.projectId, "1.0", [
    { ...file, sha256: "ab".repeat(32), path: "app/jobs.py", basename: "jobs.py" },
  ]);
  await noticeSymbols(at.pool);
  const waiting = (await call("/api/v1/repairs?state=waiting")).json<{ repairs: object[] }>();
  expect(waiting.repairs).toMatchObject([
    { project: "shop", kind: "python", name: "1.0", state: "waiting", found: null, done: 0 },
  ]);
  const running = await startRepairs(at.pool, { quietMs: -1, mostMs: 0 });
  const due = await findDueCrashes(at.pool, running, null, 10);
  const texts = await loadRepairable(at.pool, due);
  const old = crashes[0];
  await saveRepaired(
    at.pool,
    texts.map((text) => ({
      due: text.due,
      reports: text.reports.map(({ crashId, revision }) => ({
        outcome: {
          crashId,
          parent: null,
          projectId: at.projectId,
          receivedAt: text.receivedAt,
          occurredAt: text.receivedAt,
          release: "1.0",
          environment: "production",
          host: "web-1",
          tags: {},
          error: null,
          group: seed(crashId === old?.id ? "exact" : "alpha", "signal"),
          report: zstdCompressSync(JSON.stringify(reportOf(seed("exact", "signal")))),
          rulesRevision: 0,
          lacks: [],
        },
        lacks: [],
        revision,
        verdict: "better" as const,
      })),
    })),
    running,
  );
  await settleEmptied(at.pool, 10);
  await finishRepairs(at.pool, running);
  const { repairs } = (await call("/api/v1/repairs?project=shop")).json<{
    repairs: { id: number }[];
  }>();
  const counts = { state: "done", found: 2, done: 2, improved: 2, moved: 1 };
  expect(repairs).toMatchObject([counts]);
  const [repair] = repairs;
  const read = (await call(`/api/v1/repairs/${repair?.id}`)).json<{
    groups: { from: number; to: number; crashes: number }[];
  }>();
  expect(read).toMatchObject({ ...counts, groups: [{ crashes: 1 }] });
  const [{ from, to } = { from: 0, to: 0 }] = read.groups;
  const titleOf = async (id: number) =>
    (await call(`/api/v1/groups/${id}`)).json<{ title: string }>().title;
  expect(await titleOf(from)).toBe("Segfault in alpha");
  expect(await titleOf(to)).toBe("Segfault in exact");
  const theirs = await call(`/api/v1/repairs/${repair?.id}`, { token: other.token });
  expect(theirs.json()).toMatchObject({ code: "not-found" });
  expect((await call("/api/v1/repairs", { token: other.token })).json()).toMatchObject({
    repairs: [],
  });
});

test("what the release has under that name, and is not what ran, is stale", async () => {
  const content = Buffer.from("pyc");
  const file = { kind: "pyc", size: content.length, content, blob: null, python: "3.12" } as const;
  await storeSymbolFiles(at.pool, at.projectId, "1.1", [
    { ...file, sha256: "cd".repeat(32), path: "app/jobs.py", basename: "jobs.py" },
  ]);
  expect((await missing()).files).toMatchObject([{ release: "1.1", path: jobs, state: "stale" }]);
});
