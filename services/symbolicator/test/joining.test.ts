/** Groups that are one bug, joined by what their crashes share: seconds after they came, as `faultline group` joins them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { attachAll, groupCrash, type GroupInput, SIGHTING_VERSION } from "@faultline/processor";
import {
  acceptCrashes,
  findReport,
  listNewSightings,
  mergeGroups,
  openBlobStore,
  saveProcessed,
  unmergeKeys,
  type GroupSeed,
  type NewCrash,
  type Outcome,
} from "@faultline/shared";
import { overall } from "../../../packages/processor/test/grouping/b-cubed.ts";
import { app, crash, native } from "../../../packages/processor/test/grouping/stacks.ts";
import { world } from "../../../packages/processor/test/grouping/world/world.ts";
import {
  expectTrueCounts,
  expectTrueSightings,
} from "../../../packages/shared/test/group-accounts.ts";
import { clearCrashes } from "../../../test/postgres.ts";
import { openEngine, type Engine } from "../src/engine.ts";
import { answersOf } from "../src/joining/answers.ts";
import { openJoining, type Joining } from "../src/joining/joining.ts";
import { startSymbolicator } from "../src/index.ts";
import { createMetrics } from "../src/metrics.ts";
import { openSymbolCaches } from "../src/native/symbol-caches.ts";
import { unprocessedOutcome } from "../src/outcome.ts";
import { openReleaseFiles } from "../src/release-files.ts";
import { crashWith, dumpText, log, openSetting, settled, submit, type Setting } from "./setting.ts";

let setting: Setting;
let engine: Engine;
let joining: Joining | null = null;
const metrics = createMetrics();
beforeAll(async () => {
  setting = await openSetting();
  const { pool, config } = setting;
  const blobs = await openBlobStore(config.blobs);
  const files = openReleaseFiles(pool, blobs, metrics);
  const symbolCaches = openSymbolCaches(pool, blobs, metrics, 1e6);
  engine = openEngine({ threads: 2, files, symbolCaches, metrics, onError: () => undefined });
});
afterAll(async () => {
  await engine.close();
  await setting.close();
});
beforeEach(async () => {
  await joining?.close();
  await clearCrashes(setting.pool);
});
const start = (): void => {
  joining = openJoining({ pool: setting.pool, engine, metrics, log }, 25);
};

/** As a thread of the worker groups them. */
async function seedsOf(inputs: readonly GroupInput[]): Promise<readonly GroupSeed[]> {
  const packed = inputs.map((input) => zstdCompressSync(JSON.stringify(input)));
  const made = await engine.regroup(packed, null);
  return made.flatMap((one) => (one?.group === undefined || one.group === null ? [] : [one.group]));
}

/** Crashes that were worked out, as the worker saves them. */
async function file(...inputs: readonly GroupInput[]): Promise<readonly NewCrash[]> {
  const seeds = await seedsOf(inputs);
  const crashes = inputs.map(() => crashWith(setting.project, "x"));
  const jobs = crashes.map((one, index) => {
    const stored = {
      ...one,
      receivedAt: new Date(one.receivedAt),
      release: null,
      rulesRevision: 0,
    };
    const group = seeds[index] ?? null;
    const outcome: Outcome = { ...unprocessedOutcome(stored, null), group };
    return { crashId: one.id, outcomes: [outcome] };
  });
  await acceptCrashes(setting.pool, crashes);
  await saveProcessed(setting.pool, jobs);
  return crashes;
}

/** Once all that came is joined. */
async function joined(): Promise<void> {
  const open = async (): Promise<number> =>
    (await listNewSightings(setting.pool, SIGHTING_VERSION)).length;
  await expect.poll(open, { timeout: 20_000, interval: 20 }).toBe(0);
  await expectTrueCounts(setting.pool);
  await expectTrueSightings(setting.pool);
}

const groupOf = async ({ id }: NewCrash): Promise<number> =>
  (await findReport(setting.pool, null, id))?.summary.groupId ?? 0;
const groupsOf = async (crashes: readonly NewCrash[]): Promise<number> =>
  new Set(await Promise.all(crashes.map(groupOf))).size;
const keyOf = (input: GroupInput): string => groupCrash(input).grouping.mid;

const python = "libpython3.12.so.1.0";
const call = [native(python, "cfunction_call"), native(python, "_PyEval_EvalFrameDefault")];
const make = app("media/thumbs.py", "make_thumb");
const store = app("media/upload.py", "store");
const charge = app("billing/invoice.py", "charge");
const text = crash([make, store]);
const dump = crash([native("cv2.abi3.so", "cv::resize(int)"), ...call, make, store]);
const bare = crash([native("cv2.abi3.so", "cv::resize(int)"), ...call]);

describe("a text and the dump of its bug are one group", () => {
  test.each([
    ["the text first", [text, dump]],
    ["the dump first", [dump, text]],
  ])("%s", async (_, [first, second]) => {
    start();
    const [one] = await file(first as GroupInput);
    await joined();
    const [other] = await file(second as GroupInput);
    await joined();
    expect(await groupsOf([one, other] as NewCrash[])).toBe(1);
    const { rows } = await setting.pool.query("select what, actor from group_activity");
    expect(rows).toEqual([{ what: "attach", actor: null }]);
  });

  test("and so is a dump without Python", async () => {
    start();
    const crashes = await file(bare, text, dump);
    await joined();
    expect(await groupsOf(crashes)).toBe(1);
  });

  test("with two workers at it", async () => {
    start();
    const second = openJoining({ pool: setting.pool, engine, metrics, log }, 25);
    const crashes = [...(await file(text)), ...(await file(dump)), ...(await file(bare))];
    await joined();
    await second.close();
    expect(await groupsOf(crashes)).toBe(1);
  });
});

test("the whole worker does it: of texts that it reads, those without and with a C stack", async () => {
  const worker = await startSymbolicator(setting.config, log);
  const cStack = `
Current thread's C stack trace (most recent call first):
  Binary file "/usr/bin/python3.14", at _Py_DumpStack+0x4a [0x49b2f9]
  Binary file "/usr/bin/python3.14" [0x53d28e]
  Binary file "/lib/x86_64-linux-gnu/libc.so.6", at +0x406b0 [0x7f6642d376b0]
  Binary file "/srv/venv/shop/_codec.abi3.so", at codec_resize+0x24 [0x7f6642e1f507]
  Binary file "/usr/bin/python3.14", at _PyEval_EvalFrameDefault+0x24 [0x4a1f507]
`;
  const texts = [dumpText("resize"), dumpText("resize") + cStack, dumpText("other")];
  const crashes = texts.map((one) => crashWith(setting.project, one));
  for (const one of crashes) {
    await submit(setting, [one]);
    await settled(setting.pool);
  }
  await joined();
  await worker.close();
  const [without, withStack, other] = await Promise.all(crashes.map(groupOf));
  expect(without).toBe(withStack);
  expect(other).not.toBe(without);
  const { rows } = await setting.pool.query("select count(*) as groups from groups");
  expect(rows).toEqual([{ groups: 3 }]);
});

test("texts of two bugs stay apart", async () => {
  start();
  const bugs = [text, text, text, crash([charge, store]), crash([charge, store])];
  const crashes = await file(...bugs);
  await joined();
  expect(await groupsOf(crashes)).toBe(2);
});

test("a text between two native bugs goes to neither, until one prevails; then back", async () => {
  start();
  const other = crash([native("numpy.so", "dot"), ...call, make, store]);
  const crashes = await file(text, dump, other);
  await joined();
  expect(await groupsOf(crashes)).toBe(3);
  await file(dump, dump, dump, dump, dump);
  await joined();
  expect(await groupOf(crashes[0] as NewCrash)).toBe(await groupOf(crashes[1] as NewCrash));
  await file(...Array.from({ length: 6 }, () => other));
  await joined();
  expect(await groupsOf(crashes)).toBe(3);
});

test("what a user parted or put together stays", async () => {
  start();
  const [one, other] = (await file(text, dump)) as [NewCrash, NewCrash];
  await joined();
  const shown = await groupOf(other);
  await unmergeKeys(setting.pool, null, shown, [keyOf(text)], "me");
  await file(text, dump, bare);
  await joined();
  expect(await groupsOf([one, other])).toBe(2);
  const [third] = (await file(crash([charge, store]))) as [NewCrash];
  await mergeGroups(setting.pool, null, await groupOf(third), await groupOf(one), "me");
  await file(crash([charge, store]), crash([native("numpy.so", "dot"), ...call, charge, store]));
  await joined();
  expect(await groupsOf([one, third])).toBe(1);
});

test("names that Postgres keeps in no text are joined like others", async () => {
  start();
  const odd = app("media/thumbs.py", "make\0\ud800thumb");
  const frames = [native("cv2.abi3.so", "cv::\0resize(int)"), ...call, odd, store];
  const crashes = await file(crash([odd, store]), crash(frames));
  await joined();
  expect(await groupsOf(crashes)).toBe(1);
});

test.each([
  [9, 1, true],
  [8, 2, false],
])("of a key's crashes %i that go to another's and %i that stay move it: %s", (go, stay, moves) => {
  const [own, other] = [text, dump].map((input) => groupCrash(input).sighting);
  if (own === undefined || other === undefined) throw new Error("no sightings");
  const answers = answersOf([
    { sighting: own, times: go },
    { sighting: { ...own, pinned: true }, times: stay },
    { sighting: other, times: 1 },
  ]);
  expect(answers).toEqual([
    { mid: own.mid, into: moves ? other.mid : null },
    { mid: other.mid, into: null },
  ]);
});

test("nothing new, no work", async () => {
  await file(text, dump);
  start();
  await joined();
  const passes = async (): Promise<number> =>
    (await metrics.joinSeconds.get()).values.find(({ metricName }) =>
      metricName?.endsWith("_count"),
    )?.value ?? 0;
  const before = await passes();
  await sleep(300);
  expect(await passes()).toBe(before);
});

/** Where `attachAll` leads nearly all crashes of each key, followed to the end. */
function expectedOf(inputs: readonly GroupInput[]): readonly string[] {
  const seen = inputs.map((input) => ({ ...groupCrash(input), times: 1 }));
  const keys = attachAll(seen, { splits: false });
  const into = new Map<string, string>();
  for (const [mid, ofMid] of Map.groupBy(
    seen.map(({ sighting }, index) => ({ mid: sighting.mid, key: keys[index] ?? "" })),
    ({ mid: own }) => own,
  )) {
    const [[key, some] = ["", []]] = [...Map.groupBy(ofMid, (one) => one.key)].toSorted(
      ([, a], [, b]) => b.length - a.length,
    );
    into.set(mid, some.length >= 0.9 * ofMid.length ? key : mid);
  }
  const end = (mid: string, way: readonly string[] = []): string => {
    const next = into.get(mid) ?? mid;
    if (next === mid) return mid;
    return way.includes(next) ? ([...way].toSorted()[0] ?? mid) : end(next, [...way, next]);
  };
  return seen.map(({ sighting }) => end(sighting.mid));
}

async function partition(crashes: readonly NewCrash[]): Promise<readonly number[]> {
  const { rows } = await setting.pool.query<{ id: string; root: number }>(
    `select r.crash_id as id, coalesce(g.parent_id, g.id) as root from reports r join groups g on g.id = r.group_id`,
  );
  const roots = new Map(rows.map(({ id, root }) => [id, root]));
  return crashes.map(({ id }) => roots.get(id) ?? 0);
}

describe("a fleet's crashes", () => {
  const fleet = world(5, 50, 350);
  const inputs = fleet.map(({ input }) => input);
  const scored = (keys: readonly (string | number)[]) =>
    overall(fleet.map(({ bug }, index) => ({ bug, key: String(keys[index]) })));
  /** Two partitions are one where crashes are together in both or in none. */
  const pairsOf = (keys: readonly (string | number)[]): readonly number[] =>
    keys.map((key) => keys.indexOf(key));

  test("lie where one run over all of them has them, a few coming at a time", async () => {
    start();
    const crashes: NewCrash[] = [];
    for (let at = 0; at < inputs.length; at += 50)
      crashes.push(...(await file(...inputs.slice(at, at + 50))));
    await joined();
    const shown = await partition(crashes);
    expect(pairsOf(shown)).toEqual(pairsOf(expectedOf(inputs)));
    const seen = inputs.map((input) => ({ ...groupCrash(input), times: 1 }));
    const [alone, here, there] = [
      scored(seen.map(({ sighting }) => sighting.mid)),
      scored(shown),
      scored(attachAll(seen, { splits: false })),
    ];
    expect(here.f1).toBeGreaterThan(alone.f1 + 0.05);
    expect(Math.abs(here.f1 - there.f1)).toBeLessThan(0.02);
  });

  test("lie there too when the worker that joined them was killed", async () => {
    const crashes = await file(...inputs);
    const { databaseUrl, blobs } = setting.config;
    const child = spawn(
      process.execPath,
      [new URL("run-symbolicator.ts", import.meta.url).pathname],
      {
        env: { DATABASE_URL: databaseUrl, FAULTLINE_BLOBS: blobs, LOG_LEVEL: "silent" },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const attached = async (): Promise<number> =>
      (
        await setting.pool.query<{ n: number }>(
          "select count(*) as n from groups where origin = 'attach'",
        )
      ).rows[0]?.n ?? 0;
    while ((await attached()) === 0) await sleep(1);
    child.kill("SIGKILL");
    await once(child, "exit");
    await expectTrueCounts(setting.pool);
    start();
    await joined();
    expect(pairsOf(await partition(crashes))).toEqual(pairsOf(expectedOf(inputs)));
  });
});
