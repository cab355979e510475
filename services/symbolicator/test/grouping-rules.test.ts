/** A project's own grouping rules: tried, put in force, taken back; what is there follows. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  acceptCrashes,
  addRule,
  applyPreview,
  findGroupingRules,
  findPreview,
  findReport,
  listGroups,
  listRepairs,
  mergeGroups,
  openBlobStore,
  openPreview,
  type BlobStore,
  type NewCrash,
  type RulePreviewRow,
} from "@faultline/shared";
import { expectTrueCounts } from "../../../packages/shared/test/group-accounts.ts";
import { openAttachments, triedAgain } from "../src/attachments.ts";
import { batchLoads, batchSaves } from "../src/batches.ts";
import { openEngine, type Engine } from "../src/engine.ts";
import { openRules } from "../src/grouping-rules.ts";
import { createMetrics } from "../src/metrics.ts";
import { openSymbolCaches } from "../src/native/symbol-caches.ts";
import { processCrash, type Tools } from "../src/process-crash.ts";
import { openReleaseFiles } from "../src/release-files.ts";
import { openRepairs, type Repairs } from "../src/reprocess/repairs.ts";
import { crashWith, log, openSetting, type Setting } from "./setting.ts";

let setting: Setting;
let blobs: BlobStore;
let engine: Engine;
let tools: Tools;
let repairs: Repairs;
beforeAll(async () => {
  setting = await openSetting();
  const { pool, config } = setting;
  const metrics = createMetrics();
  blobs = await openBlobStore(config.blobs);
  const files = openReleaseFiles(pool, blobs, metrics);
  const symbolCaches = openSymbolCaches(pool, blobs, metrics, 1e6);
  engine = openEngine({ threads: 2, files, symbolCaches, metrics, onError: () => undefined });
  const rules = openRules(pool);
  tools = {
    load: batchLoads(pool, metrics),
    attachments: openAttachments(blobs, triedAgain(pool), 1e6),
    engine,
    rules,
    save: batchSaves(pool, metrics),
    metrics,
  };
  repairs = openRepairs({ pool, blobs, engine, rules, metrics, log, lookMs: 25 });
});
afterAll(async () => {
  await repairs.close();
  await engine.close();
  await setting.close();
});

/** A death below a function that many call. */
async function crash(caller: string): Promise<NewCrash> {
  const text = `Fatal Python error: Segmentation fault

Current thread 0x00007f5b7e4c1740 (most recent call first):
  File "/srv/shop/app/codec.py", line 12 in decode
  File "/srv/shop/app/${caller}.py", line 40 in ${caller}
  File "/srv/shop/app/main.py", line 44 in serve
`;
  const one = crashWith(setting.project, text);
  await acceptCrashes(setting.pool, [one]);
  await processCrash({ crashId: one.id }, 0, tools);
  return one;
}

async function preview(text: string): Promise<RulePreviewRow> {
  const id = await openPreview(setting.pool, setting.project, text);
  const state = async () => (await findPreview(setting.pool, setting.project, id))?.state;
  await expect.poll(state, { timeout: 20_000, interval: 20 }).not.toBe("waiting");
  return (await findPreview(setting.pool, setting.project, id)) as RulePreviewRow;
}

/** Once every crash is grouped by the rules in force. */
async function regrouped(): Promise<void> {
  const open = async (): Promise<number> =>
    (await listRepairs(setting.pool, null, null, null, 10)).filter(({ state }) => state !== "done")
      .length;
  await expect.poll(open, { timeout: 20_000, interval: 20 }).toBe(0);
  await expectTrueCounts(setting.pool);
}

async function apply(text: string): Promise<void> {
  const { id } = await preview(text);
  expect(await applyPreview(setting.pool, setting.project, id, "me")).toEqual(expect.any(Number));
  await regrouped();
}

const filter = {
  projectIds: null,
  status: null,
  release: null,
  environment: null,
  kind: null,
  text: null,
  tag: null,
};
const counts = async (): Promise<readonly number[]> =>
  (await listGroups(setting.pool, filter, "count", null, 10)).map(({ count }) => count);
const groupOf = async ({ id }: NewCrash): Promise<number | null> =>
  (await findReport(setting.pool, null, id))?.summary.groupId ?? null;

const rule = "fn:order fn:invoice -> skip\npy:*:order -> skip\npy:*:invoice -> skip";

test("rules are tried, put in force, and taken back", async () => {
  const crashes = [];
  for (const caller of ["order", "order", "invoice"]) crashes.push(await crash(caller));
  const before = await counts();
  expect(before).toEqual([2, 1]);

  const bad = await preview("fn:order ->\nskip everything");
  expect(bad.problems.map(({ line }) => line)).toEqual([1, 2]);
  expect(await applyPreview(setting.pool, setting.project, bad.id, "me")).toBe("unfit");

  const good = await preview(rule);
  expect(good).toMatchObject({
    state: "done",
    revision: 0,
    problems: [],
    result: { crashes: 3, touched: 3, groupsBefore: 2, groupsAfter: 1 },
  });
  expect(await counts()).toEqual(before);
  expect(await applyPreview(setting.pool, setting.project, good.id, "me")).toBe(1);
  await regrouped();
  expect(await counts()).toEqual([3]);
  expect(await groupOf(await crash("invoice"))).toBe(await groupOf(crashes[0] as NewCrash));
  const report = (await findReport(setting.pool, null, crashes[0]?.id ?? ""))?.report;
  expect(report?.grouping?.frames[1]?.reason).toContain("the project's rule");
  expect(await applyPreview(setting.pool, setting.project, good.id, "me")).toBe("outdated");

  await apply("");
  expect(await counts()).toEqual([2, 2]);
  expect(await findGroupingRules(setting.pool, setting.project)).toMatchObject({
    revision: 2,
    text: "",
    actor: "me",
  });
});

test("no rule takes a crash out of what a user put together, but one that a user splits by", async () => {
  const [order, invoice] = [await crash("order"), await crash("invoice")];
  const [one, other] = [await groupOf(order), await groupOf(invoice)];
  await mergeGroups(setting.pool, null, one ?? 0, other ?? 0, "me");
  expect(await counts()).toEqual([6]);
  await apply("py:*:decode -> skip");
  expect(await counts()).toEqual([6]);
  expect(await groupOf(order)).toBe(other);

  await addRule(setting.pool, setting.project, "py:*:serve -> skip", other ?? 0, "me");
  await regrouped();
  expect((await findGroupingRules(setting.pool, setting.project)).text).toBe(
    "py:*:decode -> skip\npy:*:serve -> skip\n",
  );
  expect(await counts()).toEqual([3, 3]);
});
