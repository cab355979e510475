/** What users make of groups, over HTTP. What it does to counts is tested beside the queries. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { processed } from "./processed.ts";
import { readerOf, type Read } from "./reader.ts";
import { addProject, addToken, openSetting, type Access, type Setting } from "./setting.ts";

let at: Setting;
let call: Read;
let other: Access;
beforeAll(async () => {
  at = await openSetting();
  call = await readerOf(at);
  other = await addProject(at.pool, "other");
  for (const name of ["alpha", "alpha", "beta", "gamma"])
    await processed(at.pool, at.projectId, name, 1);
  await processed(at.pool, other.projectId, "delta", 1);
});
afterAll(() => at.close());

interface Group {
  readonly id: number;
  readonly title: string;
  readonly count: number;
}
const list = async (token?: string): Promise<Group[]> =>
  (await call("/api/v1/groups?sort=count", token === undefined ? {} : { token })).json<{
    groups: Group[];
  }>().groups;
const idOf = async (name: string): Promise<number> =>
  (await list()).find(({ title }) => title.endsWith(name))?.id ?? 0;
const post = (path: string, payload: object, token?: string) =>
  call(`/api/v1/groups/${path}`, {
    method: "POST",
    payload,
    ...(token === undefined ? {} : { token }),
  });

test("groups are merged, tell so, and are parted again", async () => {
  const [alpha, beta] = [await idOf("alpha"), await idOf("beta")];
  const merged = await post(`${beta}/merge`, { into: alpha });
  expect(merged.json()).toMatchObject({ id: alpha, count: 3 });
  expect(await list()).toMatchObject([{ count: 3 }, { title: "Segfault in gamma" }]);

  const read = await call(`/api/v1/groups/${beta}`);
  expect(read.json()).toMatchObject({
    id: alpha,
    count: 3,
    members: [
      { id: alpha, origin: "auto", count: 2, keys: [{ ruleset: "cg1", key: "alpha" }] },
      { id: beta, origin: "user-merge", count: 1, keys: [{ ruleset: "cg1", key: "beta" }] },
    ],
    alike: [],
    activity: [{ what: "merge", group: beta, detail: { into: alpha, keys: ["beta"] } }],
  });
  expect(read.json<{ activity: { actor: string }[] }>().activity[0]?.actor).toMatch(
    /^test \(flt_.{4}…\)$/,
  );
  const { crashes } = (await call(`/api/v1/groups/${beta}/crashes`)).json<{
    crashes: { group: number }[];
  }>();
  expect(crashes.map(({ group }) => group)).toEqual([alpha, alpha, alpha]);

  const parted = await post(`${alpha}/unmerge`, { keys: ["beta"] });
  expect(parted.json()).toMatchObject({ id: beta, count: 1, title: "Segfault in beta" });
  expect(await list()).toHaveLength(3);
});

test.each([
  [
    "keys of another group",
    "unmerge",
    { keys: ["beta"] },
    "bad-request",
    /keys of group \d+, found others/,
  ],
  ["all of a group's keys", "unmerge", { keys: ["alpha"] }, "bad-request", /found all of them/],
  ["no keys", "unmerge", { keys: [] }, "bad-request", /keys/],
  ["no group", "merge", { into: 999_999 }, "not-found", /into: group 999999/],
  ["nothing", "merge", {}, "bad-request", /into/],
])("%s is refused", async (_what, path, payload, code, detail) => {
  const answer = await post(`${await idOf("alpha")}/${path}`, payload);
  expect(answer.json()).toMatchObject({ code, detail: expect.stringMatching(detail) });
});

test("another project's groups are not there, and cannot be merged with", async () => {
  const theirs = (await list(other.token))[0]?.id ?? 0;
  const alpha = await idOf("alpha");
  for (const [path, payload] of [
    [`${theirs}/merge`, { into: alpha }],
    [`${alpha}/merge`, { into: theirs }],
    [`${theirs}/unmerge`, { keys: ["delta"] }],
  ] as const)
    expect((await post(path, payload)).json()).toMatchObject({ code: "not-found" });
  const everywhere = await addToken(at.pool, null, ["read", "admin"]);
  expect((await post(`${alpha}/merge`, { into: theirs }, everywhere)).json()).toMatchObject({
    code: "bad-request",
    detail: expect.stringContaining("another project's"),
  });
});

test("a token that may only read changes nothing", async () => {
  const token = await addToken(at.pool, at.projectId, ["read"]);
  const alpha = await idOf("alpha");
  for (const [path, payload] of [
    ["merge", { into: alpha }],
    ["unmerge", { keys: ["alpha"] }],
  ] as const)
    expect((await post(`${alpha}/${path}`, payload, token)).json()).toMatchObject({
      code: "missing-scope",
    });
});
