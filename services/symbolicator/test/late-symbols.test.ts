/** Crashes before their symbols: after each upload they tell more, and lie in the group they would have lain in. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bytesSource, identifyNative } from "@faultline/debuginfo";
import {
  acceptCrashes,
  findGroup,
  findReport,
  mergeGroups,
  openBlobStore,
  setGroupStatus,
  storeNativeFile,
  storeSymbolFiles,
  type Attachment,
  type BlobStore,
  type NewCrash,
  type Report,
} from "@faultline/shared";
import { stackAt, synthMinidump } from "@faultline/testkit";
import { expectTrueCounts } from "../../../packages/shared/test/group-accounts.ts";
import { clearCrashes } from "../../../test/postgres.ts";
import { openAttachments, triedAgain } from "../src/attachments.ts";
import { batchLoads, batchSaves } from "../src/batches.ts";
import { openEngine, type Engine } from "../src/engine.ts";
import { openRules } from "../src/grouping-rules.ts";
import { createMetrics } from "../src/metrics.ts";
import { openNativeBuilder, type NativeBuilder } from "../src/native/builder.ts";
import { runNativeJob } from "../src/native/native-job.ts";
import { openSymbolCaches } from "../src/native/symbol-caches.ts";
import { processCrash, type Tools } from "../src/process-crash.ts";
import { openReleaseFiles } from "../src/release-files.ts";
import { openRepairs, type Repairs } from "../src/reprocess/repairs.ts";
import { buildSymbolCaches } from "../src/symbols.ts";
import { fixture, quartet, sha256 } from "./native/fixture.ts";
import { crashWith, dumpText, log, openSetting, type Setting } from "./setting.ts";
import { tinyPyc } from "./tiny-pyc.ts";

let setting: Setting;
let blobs: BlobStore;
let engine: Engine;
let builder: NativeBuilder;
let tools: Tools;
let repairs: Repairs;
const metrics = createMetrics();
beforeAll(async () => {
  setting = await openSetting();
  const { pool, config } = setting;
  blobs = await openBlobStore(config.blobs);
  const files = openReleaseFiles(pool, blobs, metrics);
  const symbolCaches = openSymbolCaches(pool, blobs, metrics, 1e8);
  engine = openEngine({ threads: 2, files, symbolCaches, metrics, onError: () => undefined });
  builder = openNativeBuilder({ memoryMib: 1024 });
  const rules = openRules(pool);
  tools = {
    load: batchLoads(pool, metrics),
    attachments: openAttachments(blobs, triedAgain(pool), 1e6),
    engine,
    rules,
    save: batchSaves(pool, metrics),
    metrics,
  };
  const patience = { quietMs: 50, mostMs: 60_000 };
  repairs = openRepairs({ pool, blobs, engine, rules, metrics, log, patience, lookMs: 25 });
});
afterAll(async () => {
  await Promise.all([repairs.close(), builder.close()]);
  await engine.close();
  await setting.close();
});
/** The repairs that run beside take locks in an order of their own: whichever gives way to them begins again. */
async function empty(): Promise<boolean> {
  const symbols = ["native_caches", "native_files", "native_split_units"];
  const emptied = clearCrashes(setting.pool, ...symbols);
  return await emptied.then(
    () => true,
    (error: { code?: string }) => {
      if (error.code === DEADLOCK) return false;
      throw error;
    },
  );
}
const DEADLOCK = "40P01";

beforeEach(async () => {
  for (let tries = 10; tries > 0; tries--) if (await empty()) return;
  throw new Error("the tables could not be emptied");
});

async function work(crash: NewCrash): Promise<NewCrash> {
  await acceptCrashes(setting.pool, [crash]);
  await processCrash({ crashId: crash.id }, 0, tools);
  return crash;
}

async function native(...names: string[]): Promise<void> {
  const hashes = [];
  for (const name of names) {
    const bytes = fixture(name);
    const hash = sha256(bytes);
    const writer = await blobs.create();
    await writer.write(bytes);
    await writer.commit();
    const identity = identifyNative(bytesSource(bytes));
    const file = { ...identity, sha256: hash, size: bytes.length, name, crc32: crc32(bytes) };
    await storeNativeFile(setting.pool, file);
    hashes.push(hash);
  }
  const nativeTools = { pool: setting.pool, blobs, builder, metrics };
  await runNativeJob({ sha256s: hashes, debugIds: [] }, nativeTools);
}

async function pyc(release: string, path: string, name: string): Promise<void> {
  const content = tinyPyc(`/build/${path}`, name);
  const hash = createHash("sha256").update(content).digest("hex");
  const basename = path.split("/").at(-1) ?? "";
  const file = { kind: "pyc", size: content.length, content, blob: null } as const;
  const stored = { ...file, sha256: hash, path, basename, python: null };
  await storeSymbolFiles(setting.pool, setting.project, release, [stored]);
  const { pool } = setting;
  await buildSymbolCaches({ sha256s: [hash] }, { pool, blobs, engine, atOnce: 1, metrics });
}

interface Repair {
  readonly state: string;
  readonly found: number;
  readonly done: number;
  readonly improved: number;
}

/** Once so many repairs have ended, and none is open: the last of them. */
async function repaired(count: number): Promise<Repair> {
  const rows = async (): Promise<readonly Repair[]> =>
    (
      await setting.pool.query<Repair>(
        "select state, found, done, improved from repairs order by id",
      )
    ).rows;
  const states = async (): Promise<readonly string[]> => (await rows()).map(({ state }) => state);
  const all = Array.from({ length: count }, () => "done");
  await expect.poll(states, { timeout: 20_000, interval: 20 }).toEqual(all);
  await expectTrueCounts(setting.pool);
  return (await rows()).at(-1) as Repair;
}

async function reportOf({ id }: NewCrash): Promise<Report> {
  const report = (await findReport(setting.pool, null, id))?.report;
  if (!report) throw new Error(`crash ${id} has no report`);
  return report;
}

const groupOf = async ({ id }: NewCrash): Promise<number> =>
  (await findReport(setting.pool, null, id))?.summary.groupId ?? 0;

const BASE = 0x7f10_0000_0000n;
const STACK = 0x7ffc_0000_1000n;

/** A death in the library's first function, called by its second one. */
function dumpOf(host: string): NewCrash {
  const registers = { rip: BASE + 0x280n, rsp: STACK, rbp: STACK + 0x100n };
  const content = Buffer.from(
    synthMinidump()
      .systemInfo({ cpu: "amd64", os: "linux" })
      .module({
        base: BASE,
        size: 0x4000,
        name: "/srv/quartet.so",
        buildId: quartet.buildId,
      })
      .thread({ id: 7, registers, stack: stackAt(STACK).u64(BASE + 0x291n, 0n, 0n, 0n) })
      .exception({ threadId: 7, code: 11, flags: 1, address: 0n, registers })
      .finish(),
  );
  const crash = crashWith(setting.project, "", { host });
  const attachment: Attachment = {
    name: "dump",
    kind: "minidump",
    contentType: "application/octet-stream",
    size: content.length,
    sha256: sha256(content),
    at: 0,
    blob: null,
  };
  return { ...crash, attachments: [attachment], content };
}

const names = ({ threads }: Report): readonly (string | null)[] =>
  (threads[0]?.stack ?? []).map((frame) => frame.function);

test("a compiled file that comes later names the functions of crashes before it", async () => {
  const crash = await work(crashWith(setting.project, dumpText("late"), { release: "1.0" }));
  const group = await groupOf(crash);
  expect((await reportOf(crash)).threads[0]?.stack[0]).toMatchObject({ qualname: null });
  await pyc("1.0", "app/jobs.py", "late");
  expect(await repaired(1)).toMatchObject({ found: 1, done: 1, improved: 1 });
  expect((await reportOf(crash)).threads[0]?.stack[0]).toMatchObject({
    module: "app.jobs",
    qualname: "late",
    definitionLine: 10,
  });
  const fresh = await work(
    crashWith(setting.project, dumpText("late"), { release: "1.0", host: "other" }),
  );
  expect(await groupOf(fresh)).toBe(await groupOf(crash));
  expect(await groupOf(crash)).toBe((await findGroup(setting.pool, null, group))?.id);
});

test("a file that says nothing of a crash changes nothing of it", async () => {
  const crash = await work(crashWith(setting.project, dumpText("late"), { release: "2.0" }));
  const before = await findReport(setting.pool, null, crash.id);
  await pyc("2.0", "app/unrelated.py", "other");
  expect(await repaired(1)).toMatchObject({ found: 1, done: 1, improved: 0 });
  expect(await findReport(setting.pool, null, crash.id)).toEqual(before);
});

describe("native symbols, half by half", () => {
  test("each tells more, and the group is the one it would have had", async () => {
    const crash = await work(dumpOf("early"));
    expect(names(await reportOf(crash))[0]).toBeNull();
    const told: (readonly (string | null)[])[] = [];
    for (const [at, name] of [
      "quartet.so",
      "quartet.debug",
      "quartet.dwp",
      "quartet.sup",
    ].entries()) {
      await native(name);
      expect(await repaired(at + 1)).toMatchObject({ found: 1, done: 1, improved: 1 });
      told.push(names(await reportOf(crash)));
      const fresh = await work(dumpOf(name));
      expect(names(await reportOf(fresh))).toEqual(told.at(-1));
      expect(await groupOf(fresh)).toBe(await groupOf(crash));
      await setting.pool.query("delete from crash_lacks where crash_id = $1", [fresh.id]);
    }
    expect(new Set(told.map((frames) => frames.join())).size).toBeGreaterThan(2);
    expect(told.at(-1)).toEqual(["scaled", "split_entry", "entry_named_elsewhere"]);
    const { rows } = await setting.pool.query("select from crash_lacks");
    expect(rows).toEqual([]);
  });

  test("what a user did in between stands", async () => {
    const crash = await work(dumpOf("early"));
    const other = await work(crashWith(setting.project, dumpText("other")));
    const [first, second] = [await groupOf(crash), await groupOf(other)];
    await setGroupStatus(setting.pool, null, first, "muted", "me");
    await native("quartet.so");
    await repaired(1);
    const named = await groupOf(crash);
    expect(await findGroup(setting.pool, null, named)).toMatchObject({ status: "muted", count: 1 });
    expect((await findGroup(setting.pool, null, first))?.id).toBe(named);
    await mergeGroups(setting.pool, null, named, second, "me");
    await setGroupStatus(setting.pool, null, second, "resolved", "me");
    await native("quartet.debug", "quartet.dwp", "quartet.sup");
    await repaired(2);
    expect(names(await reportOf(crash))).toContain("entry_named_elsewhere");
    for (const id of [first, named, second])
      expect(await findGroup(setting.pool, null, id)).toMatchObject({
        id: second,
        status: "resolved",
        count: 2,
      });
    const fresh = await work(dumpOf("fresh"));
    expect(await groupOf(fresh)).toBe(second);
  });

  test("several that come close together are one turn", async () => {
    await work(dumpOf("early"));
    await native(...quartet.files);
    expect(await repaired(1)).toMatchObject({ found: 1, done: 1, improved: 1 });
    const { rows } = await setting.pool.query("select revision from reports");
    expect(rows).toEqual([{ revision: 1 }]);
  });
});

test("a crash whose dump has gone keeps the report it has", async () => {
  const writer = await blobs.create();
  const { content, attachments, ...crash } = dumpOf("early");
  await writer.write(Buffer.concat([content ?? Buffer.alloc(0), Buffer.from("its own")]));
  const { blob, size } = await writer.commit();
  const stored = attachments.map((one) => ({ ...one, at: null, blob, size }));
  await work({ ...crash, attachments: stored, content: null });
  await blobs.deleteOlder(blob, new Date(Date.now() + 60_000));
  const before = await findReport(setting.pool, null, crash.id);
  await native("quartet.so");
  expect(await repaired(1)).toMatchObject({ found: 1, done: 1, improved: 0 });
  expect(await findReport(setting.pool, null, crash.id)).toEqual(before);
});
