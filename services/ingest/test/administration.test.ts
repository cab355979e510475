/** Projects, keys, tokens; health and metrics. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HEADERS_TIMEOUT_MS, IDLE_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from "../src/limits.ts";
import { describeAnswers, type Described } from "./described.ts";
import { addProject, addToken, bearer, openSetting, type Access, type Setting } from "./setting.ts";

let at: Setting;
let described: Described;
let root: string;
let other: Access;
beforeAll(async () => {
  at = await openSetting();
  described = await describeAnswers(at.app);
  root = await addToken(at.pool, null, ["admin"]);
  other = await addProject(at.pool, "other");
});
afterAll(() => at.close());

type Method = "GET" | "POST" | "DELETE";

async function call(method: Method, url: string, token: string, payload?: object) {
  const answer = await at.app.inject({
    method,
    url,
    headers: bearer(token),
    ...(payload === undefined ? {} : { payload }),
  });
  described.check(method, url, answer);
  return answer;
}

describe("projects", () => {
  test("are made by a token of every project, and seen by those that may", async () => {
    expect(
      (await call("POST", "/api/v1/projects", root, { slug: "new", name: "New" })).json(),
    ).toEqual({ slug: "new", name: "New" });
    expect((await call("POST", "/api/v1/projects", root, { slug: "new" })).json()).toMatchObject({
      status: 409,
      code: "conflict",
    });
    for (const slug of ["", "Not A Slug", "-x", "x".repeat(70)]) {
      expect((await call("POST", "/api/v1/projects", root, { slug })).json()).toMatchObject({
        code: "bad-request",
      });
    }
    expect(
      (await call("POST", "/api/v1/projects", at.token, { slug: "mine" })).json(),
    ).toMatchObject({ code: "missing-scope" });
    const slugs = async (token: string): Promise<string[]> =>
      (await call("GET", "/api/v1/projects", token))
        .json<{ projects: { slug: string }[] }>()
        .projects.map(({ slug }) => slug);
    expect(await slugs(root)).toEqual(["shop", "other", "new"]);
    expect(await slugs(at.token)).toEqual(["shop"]);
  });

  test("have keys, which are made, listed and revoked", async () => {
    const made = (
      await call("POST", "/api/v1/projects/shop/keys", at.token, { label: "ci" })
    ).json<{ key: string }>();
    expect(made).toEqual({
      key: expect.stringMatching(/^[0-9a-f]{32}$/),
      label: "ci",
      revokedAt: null,
    });
    expect(
      (await call("DELETE", `/api/v1/projects/shop/keys/${made.key}`, at.token)).statusCode,
    ).toBe(204);
    expect(
      (await call("DELETE", `/api/v1/projects/shop/keys/${made.key}`, at.token)).statusCode,
    ).toBe(404);
    const { keys } = (await call("GET", "/api/v1/projects/shop/keys", at.token)).json<{
      keys: { key: string }[];
    }>();
    expect(keys).toEqual([
      { key: at.key, label: "test", revokedAt: null },
      { ...made, revokedAt: expect.stringMatching(/^\d{4}-/) },
    ]);
  });

  test("are not there for a token of another project", async () => {
    expect((await call("GET", "/api/v1/projects/other/keys", at.token)).statusCode).toBe(404);
    expect(
      (await call("POST", "/api/v1/projects/other/keys", at.token, { label: "x" })).statusCode,
    ).toBe(404);
    expect(
      (await call("DELETE", `/api/v1/projects/shop/keys/${other.key}`, at.token)).statusCode,
    ).toBe(404);
    expect((await call("GET", "/api/v1/projects/none/keys", root)).statusCode).toBe(404);
  });
});

describe("tokens", () => {
  const make = (token: string, body: object) =>
    call("POST", "/api/v1/tokens", token, { label: "ci", scopes: ["read"], ...body });

  test("are shown once, open what they are for, and close when they are revoked", async () => {
    const made = (
      await make(root, {
        project: "shop",
        scopes: ["read", "admin"],
        expiresAt: "2099-01-01T00:00:00Z",
      })
    ).json<{ id: number; secret: string }>();
    expect(made).toMatchObject({
      project: "shop",
      scopes: ["read", "admin"],
      expiresAt: "2099-01-01T00:00:00.000Z",
      hint: made.secret.slice(0, 8),
    });
    expect(
      (await at.app.inject({ url: "/api/v1/groups", headers: bearer(made.secret) })).statusCode,
    ).toBe(200);
    const list = (await call("GET", "/api/v1/tokens", at.token)).json<{
      tokens: { id: number }[];
    }>();
    expect(list.tokens.find(({ id }) => id === made.id)).toMatchObject({
      label: "ci",
      revokedAt: null,
    });
    expect(JSON.stringify(list)).not.toContain(made.secret);
    expect((await call("DELETE", `/api/v1/tokens/${made.id}`, at.token)).statusCode).toBe(204);
    expect((await call("DELETE", `/api/v1/tokens/${made.id}`, at.token)).statusCode).toBe(404);
    expect(
      (await at.app.inject({ url: "/api/v1/groups", headers: bearer(made.secret) })).statusCode,
    ).toBe(401);
  });

  test("of one project make and see those of that project only", async () => {
    expect((await make(at.token, {})).json()).toMatchObject({ project: "shop" });
    expect((await make(at.token, { project: "other" })).statusCode).toBe(404);
    expect((await make(root, {})).json()).toMatchObject({ project: null });
    const seen = (await call("GET", "/api/v1/tokens", at.token)).json<{
      tokens: { project: string | null }[];
    }>();
    expect(new Set(seen.tokens.map(({ project }) => project))).toEqual(new Set(["shop"]));
    const theirs = (await call("GET", "/api/v1/tokens", other.token)).json<{
      tokens: { id: number }[];
    }>();
    expect(
      (await call("DELETE", `/api/v1/tokens/${theirs.tokens[0]?.id}`, at.token)).statusCode,
    ).toBe(404);
  });

  test.each([
    { scopes: [] },
    { scopes: ["all"] },
    { scopes: ["read", "read"] },
    { label: "" },
    { label: "a\0" },
    { expiresAt: "soon" },
  ])("that do not fit are refused: %j", async (body) => {
    expect((await make(root, body)).json()).toMatchObject({ status: 400, code: "bad-request" });
  });

  test("want the scope admin themselves", async () => {
    const read = await addToken(at.pool, null, ["read", "symbols"]);
    for (const url of ["/api/v1/tokens", "/api/v1/projects", "/api/v1/projects/shop/keys"]) {
      expect((await call("GET", url, read)).json()).toMatchObject({
        code: "missing-scope",
        detail: expect.stringContaining("admin"),
      });
    }
  });
});

test("a body that is too large for its route names the limit", async () => {
  const answer = await call("POST", "/api/v1/projects", root, {
    slug: "x",
    name: "x".repeat(70_000),
  });
  expect(answer.json()).toMatchObject({
    status: 413,
    detail: expect.stringContaining("MAX_JSON_BYTES"),
  });
});

test("no connection is waited for without end", () => {
  const { headersTimeout, requestTimeout, timeout, keepAliveTimeout } = at.app.server;
  expect([headersTimeout, requestTimeout, timeout, keepAliveTimeout]).toEqual([
    HEADERS_TIMEOUT_MS,
    REQUEST_TIMEOUT_MS,
    IDLE_TIMEOUT_MS,
    IDLE_TIMEOUT_MS,
  ]);
});

test("health: alive, ready, with what waits", async () => {
  const open = async (url: string) => {
    const answer = await at.app.inject(url);
    described.check("GET", url, answer);
    return answer;
  };
  expect((await open("/livez")).json()).toEqual({ status: "ok" });
  expect((await open("/readyz")).json()).toEqual({
    status: "ready",
    database: true,
    spool: { crashes: 0, bytes: 0 },
    queue: { reachable: true, depth: expect.any(Number) },
  });
});

describe("metrics", () => {
  test("README.md lists exactly the names that are exposed", async () => {
    await at.app.inject("/livez");
    const { body, headers } = await at.app.inject("/metrics");
    expect(headers["content-type"]).toContain("text/plain");
    const exposed = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? "");
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const listed = [...readme.matchAll(/^\| `(faultline_\w+)`/gm)].map(([, name]) => name ?? "");
    expect(listed.toSorted()).toEqual(exposed.toSorted());
    expect(exposed.every((name) => name.startsWith("faultline_"))).toBe(true);
  });

  test("count what was accepted, seen before and refused, by route and code", async () => {
    const send = (payload: string) =>
      at.app.inject({
        method: "POST",
        url: "/api/v1/crashes",
        headers: { ...bearer(at.key), "content-type": "text/plain" },
        payload,
      });
    for (const payload of ["counted", "counted", ""]) await send(payload);
    const { body } = await at.app.inject("/metrics");
    for (const line of [
      "faultline_crashes_accepted_total 1",
      "faultline_crashes_duplicate_total 1",
      'faultline_requests_refused_total{code="empty-dump"} 1',
      'faultline_request_duration_seconds_count{method="POST",route="/api/v1/crashes",status="200"} 2',
      "faultline_pending_crashes 1",
    ]) {
      expect(body).toContain(line);
    }
    expect(body).toMatch(/^faultline_queue_depth\{queue="crashes"\} \d+$/m);
  });
});
