/** The API's description: whole, valid, and readable. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { problemKinds } from "../src/problem.ts";
import { describeAnswers, resolved, type Described, type Operation } from "./described.ts";
import { openSetting, type Setting } from "./setting.ts";

let at: Setting;
let described: Described;
beforeAll(async () => {
  at = await openSetting();
  described = await describeAnswers(at.app);
});
afterAll(() => at.close());

const operations = (): [string, Operation][] =>
  Object.entries(described.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method} ${path}`,
      operation,
    ]),
  );

test("every route that answers is described, and no other", () => {
  const routes = at.app
    .printRoutes({ commonPrefix: false, includeHooks: false })
    .split("\n")
    .flatMap((line) => {
      const [, path = "", methods = ""] = /(\/\S*|\.txt) \(([^)]+)\)/.exec(line) ?? [];
      return methods
        .split(", ")
        .filter((method) => method !== "" && method !== "HEAD")
        .map((method) => `${method} ${path}`);
    });
  expect(routes.length).toBeGreaterThan(20);
  expect(operations()).toHaveLength(routes.length);
});

test("every operation has an id of its own, a summary, a tag, answers that are typed and words for each error", () => {
  const ids = operations().map(([, operation]) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [name, operation] of operations()) {
    expect(operation.summary, `of ${name}`).toMatch(/\S/);
    expect(operation.tags, `of ${name}`).toHaveLength(1);
    const statuses = Object.keys(operation.responses);
    expect(statuses.join(" "), `of ${name}`).toMatch(/\b2\d\d\b/);
    for (const [status, { description, content }] of Object.entries(operation.responses)) {
      expect(description, `${name} ${status}`).toMatch(/\S/);
      const types = Object.keys(content ?? {}).join();
      // an orchestrator reads /readyz's 503 as it reads its 200; crash handlers read no JSON
      const isProblem = Number(status) >= 400 && !name.endsWith("/readyz");
      const problem = name.endsWith("/minidump") ? /^text\/plain$/ : /^application\/problem\+json$/;
      const wanted = isProblem ? problem : status === "204" ? /^$/ : /./;
      expect(types, `${name} ${status}`).toMatch(wanted);
    }
  }
});

test("every schema is one, and every reference leads somewhere", () => {
  for (const [name, operation] of operations()) {
    const contents = [operation.requestBody, ...Object.values(operation.responses)].flatMap((one) =>
      Object.values(one?.content ?? {}),
    );
    const parameters = (operation.parameters ?? []).flatMap(({ schema }) =>
      schema === undefined ? [] : [{ schema }],
    );
    for (const { schema } of [...contents, ...parameters]) {
      expect(
        () => described.compile(resolved(schema, described.document)),
        `of ${name}`,
      ).not.toThrow();
    }
  }
});

test("it is an OpenAPI 3.1 document: path parameters, security schemes", () => {
  const { openapi, components } = described.document;
  expect(openapi).toBe("3.1.0");
  for (const [name, operation] of operations()) {
    const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter ?? "");
    const declared = (operation.parameters ?? [])
      .filter((one) => one.in === "path")
      .map((one) => one.name);
    expect(declared.toSorted(), `of ${name}`).toEqual(inPath.toSorted());
    expect(operation.security, `of ${name}`).toBeDefined();
    for (const scheme of (operation.security ?? []).flatMap(Object.keys)) {
      expect(components.securitySchemes, `of ${name}`).toHaveProperty(scheme);
    }
  }
  expect(JSON.stringify(described.document)).not.toContain("def-");
});

describe("/api/docs", () => {
  test("names every route, every error and every limit, without a script", async () => {
    const page = await at.app.inject("/api/docs");
    expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
    for (const [name] of operations()) {
      const [method = "", path = ""] = name.split(" ");
      expect(page.body).toContain(`${method.toUpperCase()} ${path}`);
    }
    for (const code of Object.keys(problemKinds))
      expect(page.body).toContain(`id="problem-${code}"`);
    for (const limit of ["MAX_TEXT_BYTES", "MAX_SYMBOL_FILES", "MAX_SPOOL_BYTES"])
      expect(page.body).toContain(limit);
    expect(page.body).not.toMatch(/<script|undefined|\[object/);
  });
});

test("what is not there is a problem document", async () => {
  for (const url of [
    "/",
    "/api/v1/nothing",
    "/api/v1/crashes",
    "/api/v1/groups/0",
    "/api/v1/crashes/x.txt",
  ]) {
    const answer = await at.app.inject({ url, headers: { authorization: `Bearer ${at.token}` } });
    expect([400, 404], `of ${url}`).toContain(answer.statusCode);
    expect(answer.headers["content-type"], `of ${url}`).toMatch(/^application\/problem\+json/);
    expect(answer.json(), `of ${url}`).toMatchObject({
      status: answer.statusCode,
      todo: expect.any(String),
    });
  }
  expect((await at.app.inject("/%")).headers["content-type"]).toMatch(
    /^application\/problem\+json/,
  );
});
