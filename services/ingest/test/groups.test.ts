/** Reading: groups and crashes, in pages, for whom they are. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  acceptCrashes,
  childCrashId,
  newCrashId,
  saveProcessed,
  type GroupSeed,
  type NewCrash,
  type Outcome,
  type Report,
} from "@faultline/shared";
import { zstdCompressSync } from "node:zlib";
import { newCrash } from "./crash-rows.ts";
import { describeAnswers, type Described } from "./described.ts";
import {
  addProject,
  addToken,
  bearer,
  dumpText,
  openSetting,
  type Access,
  type Setting,
} from "./setting.ts";

let at: Setting;
let other: Access;
let described: Described;
beforeAll(async () => {
  at = await openSetting();
  other = await addProject(at.pool, "other");
  described = await describeAnswers(at.app);
  await fill();
});
afterAll(() => at.close());

type Method = "GET" | "PATCH";

async function call(
  url: string,
  options: { token?: string; method?: Method; payload?: object } = {},
) {
  const { token = at.token, method = "GET", payload } = options;
  const answer = await at.app.inject({
    method,
    url,
    headers: bearer(token),
    ...(payload === undefined ? {} : { payload }),
  });
  described.check(method, url, answer);
  return answer;
}

interface Group {
  readonly id: number;
  readonly title: string;
  readonly count: number;
  readonly status: string;
  readonly newestCrash: string;
}

async function list(
  query: string,
  token?: string,
): Promise<{ groups: Group[]; next: string | null }> {
  const answer = await call(`/api/v1/groups${query}`, token === undefined ? {} : { token });
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json();
}

const titles = async (query: string): Promise<string[]> =>
  (await list(query)).groups.map((group) => group.title);

const HOUR = 3_600_000;
const now = Date.now();

function report(group: GroupSeed): Report {
  return {
    version: 1,
    kind: "signal",
    reason: "SIGSEGV",
    code: null,
    address: null,
    message: null,
    fatalFunction: null,
    runtimeState: null,
    timeoutSeconds: null,
    classification: "memory-access",
    os: "linux",
    cpu: null,
    python: { version: "3.12", evidence: "path" },
    crashingThread: 0,
    threads: [
      {
        id: null,
        ident: "0x00007f0000000001",
        name: null,
        crashed: true,
        stitch: "none",
        garbageCollecting: false,
        truncated: false,
        gaps: [{ code: "no-map", detail: "app/jobs.py: no .pyc of release 1.0" }],
        stack: [
          {
            language: "python",
            module: "app.jobs",
            function: "run",
            qualname: "Worker.run",
            file: "/srv/app/jobs.py",
            line: 42,
            endLine: 42,
            column: 8,
            endColumn: 30,
            definitionLine: 40,
            arguments: ["self"],
            inApp: true,
            foundBy: "faulthandler",
            role: null,
            source: { before: ["def run(self):"], line: "    go()", after: [] },
          },
          {
            language: "native",
            pc: "0x1",
            module: null,
            offset: null,
            function: null,
            linkageName: null,
            file: null,
            line: null,
            column: null,
            inline: false,
            foundBy: "c-stack",
            role: null,
          },
        ],
      },
    ],
    modules: [],
    extensionModules: ["numpy.core"],
    gaps: [],
    grouping: {
      ruleset: "cg1",
      mode: "python",
      confidence: "high",
      coarse: group.coarse,
      mid: group.mid,
      fine: "f",
      link: null,
      group: group.mid,
      title: group.title,
      culprit: group.culprit,
      frames: [
        {
          index: 0,
          role: "own",
          token: "app.jobs:run",
          usedIn: ["mid"],
          reason: "the application's own code",
        },
      ],
    },
  };
}

const seed = (name: string, kind: string): GroupSeed => ({
  ruleset: "cg1",
  coarse: `coarse ${name}`,
  mid: name,
  link: null,
  title: `Segfault in ${name}`,
  culprit: `app.${name}`,
  kind,
  classification: "memory-access",
  confidence: "high",
});

/** One processed crash, `age` hours old. */
async function processed(
  projectId: number,
  name: string,
  age: number,
  change: Partial<Outcome> = {},
): Promise<NewCrash> {
  const occurred = now - age * HOUR;
  const crash = newCrash(projectId, { id: newCrashId(occurred), receivedAt: occurred });
  await acceptCrashes(at.pool, [crash]);
  const group = seed(name, change.error === undefined ? "signal" : "fatal");
  const outcome: Outcome = {
    crashId: crash.id,
    parent: null,
    projectId,
    receivedAt: new Date(occurred),
    occurredAt: new Date(occurred),
    release: "1.0",
    environment: "production",
    host: "web-1",
    error: null,
    group,
    report: zstdCompressSync(JSON.stringify(report(group))),
    ...change,
  };
  await saveProcessed(at.pool, [{ crashId: crash.id, outcomes: [outcome] }]);
  return crash;
}

let theirs: NewCrash;
const crashes: NewCrash[] = [];

/** alpha: 3 crashes, newest 1 h ago; beta: 1, 5 h ago; gamma: 2, newest 3 h ago; delta is another project's. */
async function fill(): Promise<void> {
  for (const age of [40, 2, 1]) crashes.push(await processed(at.projectId, "alpha", age));
  await processed(at.projectId, "beta", 5, {
    release: "2.0",
    environment: "staging",
    host: "web-2",
  });
  for (const age of [30, 3]) await processed(at.projectId, "gamma", age, { host: null });
  theirs = await processed(other.projectId, "delta", 1);
}

describe("the list", () => {
  test.each([
    ["", ["alpha", "gamma", "beta"]],
    ["?sort=last_seen", ["alpha", "gamma", "beta"]],
    ["?sort=first_seen", ["beta", "gamma", "alpha"]],
    ["?sort=count", ["alpha", "gamma", "beta"]],
    ["?release=2.0", ["beta"]],
    ["?environment=production", ["alpha", "gamma"]],
    ["?kind=signal&q=GAM", ["gamma"]],
    ["?q=app.beta", ["beta"]],
    ["?kind=timeout", []],
    ["?status=resolved", []],
    ["?project=shop&release=1.0&environment=production&q=segfault", ["alpha", "gamma"]],
    ["?q=%25", []],
    ["?release=a'b\"c", []],
  ])("%s", async (query, names) => {
    expect(await titles(query)).toEqual(names.map((name) => `Segfault in ${name}`));
  });

  test.each(["last_seen", "first_seen", "count"])("in pages by %s, each row once", async (sort) => {
    const all = await titles(`?sort=${sort}`);
    const seen: string[] = [];
    let query: string | null = `?sort=${sort}&limit=1`;
    while (query !== null) {
      const answer = await call(`/api/v1/groups${query}`);
      const { groups, next } = answer.json<{ groups: Group[]; next: string | null }>();
      seen.push(...groups.map((group) => group.title));
      const link = /^<(.+)>; rel="next"$/.exec(String(answer.headers["link"] ?? ""))?.[1];
      expect(link === undefined).toBe(next === null);
      query = link === undefined ? null : new URL(link).search;
      if (query !== null) expect(new URLSearchParams(query).get("cursor")).toBe(next);
    }
    expect(seen).toEqual(all);
  });

  test.each([
    ["no cursor of ours", "x"],
    ["another sort's", Buffer.from('["count","3",1]').toString("base64url")],
    [
      "one with SQL in it",
      Buffer.from(`["last_seen","'; drop table groups; --",1]`).toString("base64url"),
    ],
    [
      "one with no id",
      Buffer.from('["last_seen","2026-11-23T00:00:00.000Z","1"]').toString("base64url"),
    ],
    [
      "a day that is none",
      Buffer.from('["last_seen","2026-99-99T00:00:00.000Z",1]').toString("base64url"),
    ],
  ])("a cursor that is %s is refused", async (_name, cursor) => {
    const answer = await call(`/api/v1/groups?cursor=${cursor}`);
    expect(answer.json()).toMatchObject({
      code: "bad-request",
      detail: expect.stringContaining("cursor"),
    });
  });

  test.each([
    "?limit=0",
    "?limit=1000",
    "?sort=title",
    "?status=gone",
    "?q=%00",
    "?release=%00",
    "?project=Not-A-Slug",
  ])("%s does not fit the schema", async (query) => {
    expect((await call(`/api/v1/groups${query}`)).json()).toMatchObject({ code: "bad-request" });
  });
});

describe("a group", () => {
  test("its counts, releases, hosts, its newest crash and why that is in it", async () => {
    const [alpha] = (await list("?q=alpha")).groups;
    const answer = await call(`/api/v1/groups/${alpha?.id}`);
    const group = answer.json<Group & Record<string, unknown>>();
    expect(group).toMatchObject({
      title: "Segfault in alpha",
      project: "shop",
      count: 3,
      status: "open",
      firstSeen: new Date(now - 40 * HOUR).toISOString(),
      lastSeen: new Date(now - HOUR).toISOString(),
      newestCrash: crashes[2]?.id,
      releases: { distinct: 1, values: [{ value: "1.0", count: 3 }] },
      hosts: { distinct: 1, values: [{ value: "web-1", count: 3 }] },
      newest: { id: crashes[2]?.id, state: "processed" },
      explanation: { ruleset: "cg1", frames: [{ index: 0, reason: "the application's own code" }] },
    });
    const sum = (counts: unknown): number =>
      (counts as { count: number }[]).reduce((total, { count }) => total + count, 0);
    expect([sum(group["hours"]), sum(group["days"])]).toEqual([3, 3]);
  });

  test("its crashes, newest first, in pages", async () => {
    const [alpha] = (await list("?q=alpha")).groups;
    const ids: string[] = [];
    let cursor = "";
    for (let page = 0; page < 2; page++) {
      const answer = await call(`/api/v1/groups/${alpha?.id}/crashes?limit=2${cursor}`);
      const { crashes: found, next } = answer.json<{
        crashes: { id: string }[];
        next: string | null;
      }>();
      ids.push(...found.map(({ id }) => id));
      expect(next === null).toBe(page === 1);
      cursor = `&cursor=${next}`;
    }
    expect(ids).toEqual(crashes.map(({ id }) => id).toReversed());
    const refused = await call(
      `/api/v1/groups/${alpha?.id}/crashes?cursor=${Buffer.from('["crash","x"]').toString("base64url")}`,
    );
    expect(refused.json()).toMatchObject({ code: "bad-request" });
  });

  test("is resolved and opened again", async () => {
    const [beta] = (await list("?q=beta")).groups;
    const set = (status: string) =>
      call(`/api/v1/groups/${beta?.id}`, { method: "PATCH", payload: { status } });
    expect((await set("resolved")).json()).toMatchObject({ id: beta?.id, status: "resolved" });
    expect(await titles("?status=resolved")).toEqual(["Segfault in beta"]);
    expect((await set("open")).json()).toMatchObject({ status: "open" });
    expect((await set("gone")).json()).toMatchObject({ code: "bad-request" });
  });
});

describe("a crash", () => {
  test("processed: its report, as JSON and as text", async () => {
    const crash = crashes[2] as NewCrash;
    const answer = await call(`/api/v1/crashes/${crash.id.toUpperCase()}`);
    expect(answer.json()).toMatchObject({
      id: crash.id,
      project: "shop",
      state: "processed",
      error: null,
      release: "1.0",
      pid: 7,
      tags: { ä: "ö" },
      parent: null,
      attachments: [{ name: "faulthandler", kind: "faulthandler", size: crash.content?.length }],
      report: { version: 1, reason: "SIGSEGV" },
    });
    const text = await call(`/api/v1/crashes/${crash.id}.txt`);
    expect(text.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(text.headers["x-content-type-options"]).toBe("nosniff");
    for (const part of ["SIGSEGV", "Worker.run", "/srv/app/jobs.py", crash.id, "web-1"])
      expect(text.body).toContain(part);
  });

  test("waiting, and failed", async () => {
    const waiting = newCrash(at.projectId);
    await acceptCrashes(at.pool, [waiting]);
    expect((await call(`/api/v1/crashes/${waiting.id}`)).json()).toMatchObject({
      state: "received",
      report: null,
      release: "1.0",
      processedAt: null,
    });
    expect((await call(`/api/v1/crashes/${waiting.id}.txt`)).body).toContain(
      "waits for processing",
    );
    const failed = await processed(at.projectId, "epsilon", 0, {
      error: "took longer than 10000 ms",
      group: null,
      report: null,
    });
    expect((await call(`/api/v1/crashes/${failed.id}`)).json()).toMatchObject({
      state: "failed",
      error: "took longer than 10000 ms",
      report: null,
      group: null,
    });
    expect((await call(`/api/v1/crashes/${failed.id}.txt`)).body).toContain(
      "took longer than 10000 ms",
    );
  });

  test("its files, and those of the first crash of its text", async () => {
    const parent = newCrash(at.projectId);
    await acceptCrashes(at.pool, [parent]);
    const child = childCrashId(parent.id, 1);
    const outcome = (crashId: string, from: string | null): Outcome => ({
      crashId,
      parent: from,
      projectId: at.projectId,
      receivedAt: new Date(),
      occurredAt: new Date(),
      release: null,
      environment: null,
      host: null,
      error: null,
      group: seed("zeta", "signal"),
      report: zstdCompressSync(JSON.stringify(report(seed("zeta", "signal")))),
    });
    await saveProcessed(at.pool, [
      { crashId: parent.id, outcomes: [outcome(parent.id, null), outcome(child, parent.id)] },
    ]);
    for (const id of [parent.id, child]) {
      const file = await call(`/api/v1/crashes/${id}/attachments/faulthandler`);
      expect(file.body).toBe(dumpText(parent.id));
      expect(file.headers).toMatchObject({
        "content-type": "application/octet-stream",
        "content-length": String(parent.content?.length),
        "content-disposition": `attachment; filename="faulthandler"; filename*=UTF-8''faulthandler`,
        "x-content-type-options": "nosniff",
      });
    }
    expect((await call(`/api/v1/crashes/${child}`)).json()).toMatchObject({
      parent: parent.id,
      attachments: [{ name: "faulthandler" }],
    });
    const missing = await call(`/api/v1/crashes/${child}/attachments/core`);
    expect(missing.json()).toMatchObject({
      code: "not-found",
      detail: expect.stringContaining('"faulthandler"'),
    });
  });

  test("a file of the blob store, and one whose name and type are traps", async () => {
    const blob = await storeBlob("x".repeat(100_000));
    const name = `ä "quoted"; evil.html`;
    const attachment = { kind: "other" as const, sha256: "00", at: null };
    const crash = newCrash(at.projectId, {
      attachments: [
        { ...attachment, name, contentType: "text/html", size: 0, at: 0, blob: null },
        { ...attachment, name: "core", contentType: "x", size: 100_000, blob },
      ],
    });
    await acceptCrashes(at.pool, [crash]);
    const core = await call(`/api/v1/crashes/${crash.id}/attachments/core`);
    expect([core.body.length, core.headers["content-length"]]).toEqual([100_000, "100000"]);
    const trap = await call(`/api/v1/crashes/${crash.id}/attachments/${encodeURIComponent(name)}`);
    expect(trap.headers["content-type"]).toBe("application/octet-stream");
    expect(trap.headers["content-disposition"]).toBe(
      `attachment; filename="_ _quoted_; evil.html"; filename*=UTF-8''%C3%A4%20%22quoted%22%3B%20evil.html`,
    );
  });
});

async function storeBlob(content: string): Promise<string> {
  const { openBlobStore } = await import("@faultline/shared");
  const writer = await (await openBlobStore(at.config.blobs)).create();
  await writer.write(Buffer.from(content));
  return (await writer.commit()).blob;
}

describe("who may see what", () => {
  const theirGroup = async (): Promise<number> => (await list("", other.token)).groups[0]?.id ?? 0;

  test("another project's things are not there at all", async () => {
    const group = await theirGroup();
    const paths = [
      `/api/v1/groups/${group}`,
      `/api/v1/groups/${group}/crashes`,
      `/api/v1/crashes/${theirs.id}`,
      `/api/v1/crashes/${theirs.id}.txt`,
      `/api/v1/crashes/${theirs.id}/attachments/faulthandler`,
      "/api/v1/groups?project=other",
      `/api/v1/crashes/${newCrashId(Date.now())}`,
    ];
    for (const path of paths)
      expect((await call(path)).json(), path).toMatchObject({ code: "not-found" });
    const change = await call(`/api/v1/groups/${group}`, {
      method: "PATCH",
      payload: { status: "muted" },
    });
    expect(change.statusCode).toBe(404);
    expect((await list("", other.token)).groups[0]?.status).toBe("open");
  });

  test("a token of every project sees them all, and may choose one", async () => {
    const all = await addToken(at.pool, null, ["read"]);
    const found = (await list("", all)).groups.map((group) => group.title);
    expect(found).toEqual(expect.arrayContaining(["Segfault in alpha", "Segfault in delta"]));
    expect((await list("?project=other", all)).groups.map((group) => group.title)).toEqual([
      "Segfault in delta",
    ]);
  });

  test("no token, an unknown one, and one without the scope", async () => {
    const none = await at.app.inject("/api/v1/groups");
    expect(none.json()).toMatchObject({ status: 401, code: "no-credentials" });
    expect(none.headers["www-authenticate"]).toContain("Bearer");
    expect((await call("/api/v1/groups", { token: at.key })).json()).toMatchObject({
      status: 401,
      code: "bad-credentials",
    });
    const symbols = await addToken(at.pool, at.projectId, ["symbols"]);
    expect((await call("/api/v1/groups", { token: symbols })).json()).toMatchObject({
      status: 403,
      code: "missing-scope",
      detail: expect.stringContaining("read"),
    });
    const read = await addToken(at.pool, at.projectId, ["read"]);
    const [alpha] = (await list("?q=alpha")).groups;
    const change = await call(`/api/v1/groups/${alpha?.id}`, {
      token: read,
      method: "PATCH",
      payload: { status: "muted" },
    });
    expect(change.json()).toMatchObject({ status: 403, code: "missing-scope" });
  });
});
