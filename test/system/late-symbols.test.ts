/**
 * Symbols that come late, through the services as processes: every crash of the release tells more afterwards, what a
 * user did stands, and the accounts are true although the worker is killed in the middle. FAULTLINE_TEST_LOAD=20000
 * makes it many crashes.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PythonFrame } from "@faultline/shared";
import { expectTrueCounts } from "../../packages/shared/test/group-accounts.ts";
import { drained } from "./accounts.ts";
import { apiOf, type Api } from "./api.ts";
import { embeddedInstallation, type TestInstallation } from "./installation.ts";
import { startLoad } from "./load.ts";

const LOAD = Number(process.env["FAULTLINE_TEST_LOAD"] ?? 900);
const TIMEOUT_MS = 120_000 + LOAD * 30;
const BUGS = 5;

let at: TestInstallation;
let api: Api;
let url: string;
beforeAll(async () => {
  at = await embeddedInstallation();
  ({ url } = await at.ingest());
  api = apiOf(url, at.key, at.token);
});
afterAll(() => at.close());

interface Group {
  readonly id: number;
  readonly title: string;
  readonly status: string;
  readonly count: number;
}
interface Repair {
  readonly state: string;
  readonly found: number | null;
  readonly done: number;
  readonly improved: number;
}

const groups = async (): Promise<readonly Group[]> =>
  (await api.read<{ groups: Group[] }>("/api/v1/groups?sort=count")).groups;
const repairs = async (): Promise<readonly Repair[]> =>
  (await api.read<{ repairs: Repair[] }>("/api/v1/repairs")).repairs;

/** Crashes of the release, acknowledged and worked out. */
async function send(count: number): Promise<ReadonlySet<string>> {
  const load = startLoad({ urls: [url], key: at.key, count, bugs: BUGS });
  await load.done;
  await drained(at.pool);
  return load.acknowledged;
}

/** The sources that the dumps name, as the release 1.0 has them. */
async function upload(): Promise<void> {
  const form = new FormData();
  form.set("release", "1.0");
  const lines = Array.from({ length: 40 }, (_, line) => `value_${line} = ${line}\n`);
  for (const name of ["__main__", ...Array.from({ length: BUGS }, (_, bug) => `bug_${bug}`)])
    form.append("file", new Blob(lines), `shop/${name}.py`);
  const answer = await api.post("/api/v1/symbols", form);
  expect(await answer.json()).toMatchObject({ accepted: BUGS + 1 });
}

const post = (path: string, body: object): Promise<Response> =>
  api.post(path, JSON.stringify(body), { "content-type": "application/json" });

test("a worker killed in the middle of a repair", { timeout: TIMEOUT_MS }, async () => {
  const worker = at.symbolicator();
  const ids = await send(LOAD);
  const missing = await api.read<{ files: { path: string; crashes: number }[] }>(
    "/api/v1/symbols/missing",
  );
  expect(missing.files[0]).toMatchObject({ path: "/srv/shop/shop/__main__.py", crashes: LOAD });
  const [first, second, third] = (await groups()) as [Group, Group, Group];
  expect((await post(`/api/v1/groups/${second.id}/merge`, { into: first.id })).status).toBe(200);
  await at.pool.query("update groups set status = 'muted' where id = $1", [third.id]);

  await upload();
  const halfWay = async (): Promise<boolean> =>
    (await repairs()).some(({ done }) => done > LOAD / 5);
  for (const end = Date.now() + 30_000; !(await halfWay()) && Date.now() < end;) await sleep(10);
  await worker.kill();
  await expectTrueCounts(at.pool);
  at.symbolicator();
  const [late] = await send(BUGS);
  await expect
    .poll(async () => (await repairs()).map(({ state }) => state), {
      timeout: TIMEOUT_MS,
      interval: 100,
    })
    .toEqual(["done"]);
  const [repair] = await repairs();
  expect(repair).toMatchObject({ found: LOAD, done: LOAD, improved: LOAD });
  await expectTrueCounts(at.pool);
  const { rows } = await at.pool.query("select revision, count(*) as n from reports group by 1");
  expect(rows).toEqual([
    { revision: 0, n: BUGS },
    { revision: 1, n: LOAD },
  ]);

  for (const id of [[...ids][0] ?? "", [...ids].at(-1) ?? "", late ?? ""]) {
    const { threads } = await api.report(id);
    const frame = threads[0]?.stack[0] as PythonFrame | undefined;
    expect(frame?.source?.line).toBe("value_11 = 11");
  }
  const after = await groups();
  expect(after).toHaveLength(BUGS - 1);
  expect(after[0]).toMatchObject({ id: first.id, count: first.count + second.count + 2 });
  expect(after.find(({ id }) => id === third.id)).toMatchObject({
    status: "muted",
    count: third.count + 1,
  });
});
