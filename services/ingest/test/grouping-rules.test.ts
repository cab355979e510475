/** A project's grouping rules over HTTP; what they do to crashes is tested in the symbolicator. */
import { setTimeout as sleep } from "node:timers/promises";
import { zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  listWaitingPreviews,
  savePreview,
  type FrameGrouping,
  type PreviewResult,
  type RuleProblem,
} from "@faultline/shared";
import { processed, reportOf, seed } from "./processed.ts";
import { readerOf, type Read } from "./reader.ts";
import { addProject, addToken, openSetting, type Access, type Setting } from "./setting.ts";

let at: Setting;
let call: Read;
let other: Access;
beforeAll(async () => {
  at = await openSetting();
  call = await readerOf(at);
  other = await addProject(at.pool, "other");
  await processed(at.pool, at.projectId, "alpha", 1);
});
afterAll(() => at.close());

const url = "/api/v1/projects/shop/grouping-rules";
const nothing: PreviewResult = {
  crashes: 1,
  touched: 1,
  groupsBefore: 1,
  groupsAfter: 1,
  moves: [{ from: "alpha", to: "new", crashes: 1 }],
};

/** What a symbolicator would answer, once it is asked. */
async function answer(result: PreviewResult | null, ...problems: RuleProblem[]): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const [waiting] = await listWaitingPreviews(at.pool, 1);
    if (waiting !== undefined) return await savePreview(at.pool, waiting.id, problems, result);
    await sleep(10);
  }
}

async function preview(text: string, result: PreviewResult | null, ...problems: RuleProblem[]) {
  const asked = call(`${url}/preview`, { method: "POST", payload: { text } });
  await answer(result, ...problems);
  return (await asked).json<{ id: number; code?: string }>();
}
const apply = async (id: number) =>
  (await call(url, { method: "PUT", payload: { preview: id } })).json();

test("rules are tried, then put in force", async () => {
  expect((await call(url)).json()).toEqual({
    project: "shop",
    revision: 0,
    text: "",
    changedBy: null,
    changedAt: null,
  });
  const tried = await preview("fn:x -> skip", nothing);
  expect(tried).toMatchObject({
    revision: 0,
    problems: [],
    crashes: 1,
    moved: 1,
    moves: [{ from: expect.any(Number), to: null, fromKey: "alpha", toKey: "new", crashes: 1 }],
  });
  expect(await apply(tried.id)).toMatchObject({ revision: 1, text: "fn:x -> skip" });
  expect((await call(url)).json()).toMatchObject({
    revision: 1,
    changedBy: expect.stringMatching(/^test \(flt_/),
  });
  expect(await apply(tried.id)).toMatchObject({ code: "conflict" });
  expect((await call("/api/v1/repairs")).json()).toMatchObject({
    repairs: [{ kind: "rules", name: "revision 1", state: "waiting" }],
  });
});

test("lines that are no rules are told, and not put in force", async () => {
  const problem = { line: 1, problem: "wanted MATCHER… -> ACTION, found no ->" };
  const tried = await preview("fn:x", nothing, problem);
  expect(tried).toMatchObject({ problems: [problem] });
  expect(await apply(tried.id)).toMatchObject({ code: "bad-request" });
  expect(await apply(999_999)).toMatchObject({ code: "not-found" });
  expect(await preview("fn:x -> cut", null)).toMatchObject({ code: "too-slow" });
});

test("another project's rules are not there; reading them wants read, changing them admin", async () => {
  const theirs = { token: other.token };
  expect((await call(url, theirs)).json()).toMatchObject({ code: "not-found" });
  const reader = { token: await addToken(at.pool, at.projectId, ["read"]) };
  expect((await call(url, reader)).statusCode).toBe(200);
  for (const [path, method, payload] of [
    [`${url}/preview`, "POST", { text: "" }],
    [url, "PUT", { preview: 1 }],
  ] as const) {
    const refused = await call(path, { ...reader, method, payload });
    expect(refused.json()).toMatchObject({ code: "missing-scope" });
  }
});

test("a native group is split by a rule for its function", async () => {
  const group = { ...seed("resize", "signal"), link: "L" };
  const report = reportOf(group);
  const frame = (index: number, role: string, token: string, usedIn: FrameGrouping["usedIn"]) => ({
    index,
    role,
    token,
    usedIn,
    reason: "",
  });
  const frames = [
    frame(0, "prefix", "libc:memcpy", ["fine"]),
    frame(1, "native", "libx:ns::Mat<T>::resize", ["coarse", "mid", "fine"]),
  ];
  const grouping = report.grouping && { ...report.grouping, mode: "native" as const, frames };
  const packed = zstdCompressSync(JSON.stringify({ ...report, grouping }));
  await processed(at.pool, at.projectId, "resize", 1, { group, report: packed });
  const { groups } = (await call("/api/v1/groups")).json<{
    groups: { id: number; title: string }[];
  }>();
  const idOf = (name: string) => groups.find(({ title }) => title.endsWith(name))?.id;
  const split = await call(`/api/v1/groups/${idOf("resize")}/split`, { method: "POST" });
  const rule = 'obj:"libx" fn:"ns::Mat<T>::resize" -> prefix';
  expect(split.json()).toEqual({ rule, revision: 2 });
  expect((await call(url)).json()).toMatchObject({ text: `fn:x -> skip\n${rule}\n` });
  expect((await call(`/api/v1/groups/${idOf("resize")}`)).json()).toMatchObject({
    activity: [{ what: "split", detail: { rule, revision: 2 } }],
  });
  const refused = await call(`/api/v1/groups/${idOf("alpha")}/split`, { method: "POST" });
  expect(refused.json()).toMatchObject({
    code: "bad-request",
    detail: expect.stringContaining("no native function names it"),
  });
});
