/** Reading groups: the list in pages, one group, for whom they are. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newCrashId, type NewCrash } from "@faultline/shared";
import { HOUR, now, processed } from "./processed.ts";
import { readerOf, type Read } from "./reader.ts";
import { addProject, addToken, openSetting, type Access, type Setting } from "./setting.ts";

let at: Setting;
let call: Read;
let other: Access;
beforeAll(async () => {
  at = await openSetting();
  call = await readerOf(at);
  other = await addProject(at.pool, "other");
  await fill();
});
afterAll(() => at.close());

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
  expect(answer.statusCode, `says ${answer.body}`).toBe(200);
  return answer.json();
}

const titles = async (query: string): Promise<string[]> =>
  (await list(query)).groups.map((group) => group.title);

let theirs: NewCrash;
const crashes: NewCrash[] = [];

/** alpha: 3 crashes, newest 1 h ago; beta: 1, 5 h ago; gamma: 2, newest 3 h ago; delta is another project's. */
async function fill(): Promise<void> {
  const tags = { region: "eu", shard: "a:b" };
  for (const age of [40, 2, 1]) crashes.push(await processed(at.pool, at.projectId, "alpha", age));
  await processed(at.pool, at.projectId, "beta", 5, {
    release: "2.0",
    environment: "staging",
    host: "web-2",
    tags,
  });
  for (const age of [30, 3])
    await processed(at.pool, at.projectId, "gamma", age, {
      host: null,
      tags: { region: age === 3 ? "eu" : "us" },
    });
  theirs = await processed(at.pool, other.projectId, "delta", 1, { tags });
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
    ["?tag=region:eu", ["gamma", "beta"]],
    ["?tag=region:us&sort=count", ["gamma"]],
    ["?tag=region:eu&release=2.0", ["beta"]],
    ["?tag=shard:a:b", ["beta"]],
    ["?tag=region:asia", []],
    ["?tag=region:eu&project=shop&limit=1", ["gamma"]],
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
      expect(new URLSearchParams(query ?? "").get("cursor")).toBe(next);
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
    "?tag=region",
    "?tag=a:%00",
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

  test("its crashes with a tag", async () => {
    const [gamma] = (await list("?q=gamma")).groups;
    const found = async (tag: string): Promise<number> => {
      const answer = await call(`/api/v1/groups/${gamma?.id}/crashes?tag=${tag}`);
      return answer.json<{ crashes: unknown[] }>().crashes.length;
    };
    expect([await found("region:eu"), await found("region:us"), await found("x:y")]).toEqual([
      1, 1, 0,
    ]);
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

describe("crashes with a tag, of any group", () => {
  const found = async (query: string, token?: string) => {
    const answer = await call(`/api/v1/crashes${query}`, token === undefined ? {} : { token });
    return answer.json<{ crashes: { title: string; project: string }[]; next: string | null }>();
  };

  test("newest first, in pages", async () => {
    const seen: string[] = [];
    let query = "?tag=region:eu&limit=1";
    for (
      let next: string | null = "";
      next !== null;
      query = `?tag=region:eu&limit=1&cursor=${next}`
    ) {
      const page = await found(query);
      seen.push(...page.crashes.map(({ title }) => title));
      next = page.next;
    }
    expect(seen).toEqual(["Segfault in gamma", "Segfault in beta"]);
  });

  test("of the projects that the token sees", async () => {
    expect((await found("?tag=region:eu", other.token)).crashes).toMatchObject([
      { project: "other" },
    ]);
    expect((await found("?tag=shard:a:b")).crashes).toMatchObject([{ project: "shop" }]);
    const all = await addToken(at.pool, null, ["read"]);
    expect((await found("?tag=region:eu", all)).crashes).toHaveLength(3);
    expect((await found("?tag=region:eu&project=other", all)).crashes).toHaveLength(1);
  });

  test("without a tag there is no such list", async () => {
    expect((await call("/api/v1/crashes")).json()).toMatchObject({ code: "bad-request" });
  });
});

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
      expect((await call(path)).json(), `of ${path}`).toMatchObject({ code: "not-found" });
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
