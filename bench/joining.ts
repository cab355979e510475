/**
 * Joining a project's crashes with each other: as many different sightings as a project may have, of fleets with known
 * bugs, filed through the database. What a pass takes the first time and after a few more crashes, and what it keeps the
 * worker's own thread and those that save crashes from.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdCompressSync } from "node:zlib";
import { type GroupInput, SIGHTING_VERSION } from "@faultline/processor";
import {
  acceptCrashes,
  createProject,
  listNewSightings,
  migrate,
  newCrashId,
  openLog,
  openPool,
  saveProcessed,
  shareJoins,
  type GroupSeed,
  type NewCrash,
  type Pool,
} from "@faultline/shared";
import { world } from "../packages/processor/test/grouping/world/world.ts";
import { openEngine, type Engine } from "../services/symbolicator/src/engine.ts";
import { openJoining } from "../services/symbolicator/src/joining/joining.ts";
import { MAX_SIGHTINGS } from "../services/symbolicator/src/limits.ts";
import { createMetrics, type Metrics } from "../services/symbolicator/src/metrics.ts";
import { unprocessedOutcome } from "../services/symbolicator/src/outcome.ts";
import { openStorage } from "./storage.ts";
import { say } from "./measuring.ts";

const SIGHTINGS = Number(process.env["BENCH_SIGHTINGS"] ?? MAX_SIGHTINGS);
const BUGS = 300;
const CRASHES = 4_000;
const BATCH = 50;

interface Bench {
  readonly pool: Pool;
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly project: number;
}

export async function benchJoining(): Promise<void> {
  const storage = await openStorage();
  const pool = openPool(storage.databaseUrl, "bench", 8);
  const metrics = createMetrics();
  const none = { find: () => Promise.reject(new Error("no files here")) };
  const nothing = { fetch: () => Promise.reject(new Error("no symbols here")) };
  const engine = openEngine({
    threads: 2,
    files: none,
    symbolCaches: nothing,
    metrics,
    onError: () => undefined,
  });
  try {
    await migrate(pool);
    const project = (await createProject(pool, "bench", "Bench"))?.id ?? 0;
    await benchPasses({ pool, engine, metrics, project });
  } finally {
    await engine.close();
    await pool.end();
    await storage.close();
  }
}

async function benchPasses(bench: Bench): Promise<void> {
  const { pool } = bench;
  let crashes = 0;
  const count = async (): Promise<number> =>
    (await pool.query<{ n: number }>("select count(*) as n from sightings")).rows[0]?.n ?? 0;
  for (let seed = 1; (await count()) < SIGHTINGS; seed++) {
    for (const some of chunks(world(seed, BUGS, CRASHES).map(({ input }) => input))) {
      await file(bench, some);
      crashes += some.length;
      if ((await count()) >= SIGHTINGS) break;
    }
  }
  say(`${crashes.toLocaleString("en")} crashes of ${await count()} different sightings`);
  await sayPass(bench, "the first pass");
  await file(
    bench,
    world(99, BUGS, 30).map(({ input }) => input),
  );
  await sayPass(bench, "after 30 crashes more");
  const { rows } = await pool.query<{ n: number; joined: number; size: string }>(
    `select count(*) as n, count(parent_id) as joined,
            pg_size_pretty(pg_total_relation_size('sightings')) as size from groups`,
  );
  say(
    `${rows[0]?.joined} of ${rows[0]?.n} groups are shown in others; table sightings: ${rows[0]?.size}`,
  );
}

/** Crashes are saved meanwhile, one at a time: the longest of them waited for the lock on joins. */
async function sayPass(bench: Bench, when: string): Promise<void> {
  const { pool, metrics } = bench;
  const before = await secondsOf(metrics);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const joining = openJoining({ ...bench, log: openLog("bench", "warn") });
  delay.enable();
  let longest = 0;
  while ((await listNewSightings(pool, SIGHTING_VERSION)).length > 0) {
    const begun = performance.now();
    await pool.query(`begin; ${shareJoins}; commit`);
    longest = Math.max(longest, performance.now() - begun);
    await sleep(5);
  }
  delay.disable();
  await joining.close();
  const seconds = (await secondsOf(metrics)) - before;
  say(
    `${when}: ${seconds.toFixed(2)} s; the worker's own thread stood still for at most ${Math.round(delay.max / 1e6)} ms, ` +
      `a crash to be saved for ${Math.round(longest)} ms`,
  );
}

const secondsOf = async (metrics: Metrics): Promise<number> =>
  (await metrics.joinSeconds.get()).values.find(({ metricName }) => metricName?.endsWith("_sum"))
    ?.value ?? 0;

function* chunks(inputs: readonly GroupInput[]): Generator<readonly GroupInput[]> {
  for (let at = 0; at < inputs.length; at += BATCH) yield inputs.slice(at, at + BATCH);
}

async function file(
  { pool, engine, project }: Bench,
  inputs: readonly GroupInput[],
): Promise<void> {
  const packed = inputs.map((input) => zstdCompressSync(JSON.stringify(input)));
  const seeds = (await engine.regroup(packed, null)).map((one) => one?.group ?? null);
  const crashes = inputs.map(() => crashOf(project));
  await acceptCrashes(pool, crashes);
  await saveProcessed(
    pool,
    crashes.map((crash, index) => jobOf(crash, seeds[index] ?? null)),
  );
}

const crashOf = (projectId: number): NewCrash => ({
  id: newCrashId(Date.now()),
  projectId,
  receivedAt: Date.now(),
  metadata: {
    release: "1.0",
    environment: null,
    host: "web-1",
    pid: null,
    time: null,
    pythonVersion: null,
    tags: {},
    modules: [],
  },
  attachments: [],
  content: null,
  key: null,
});

function jobOf(crash: NewCrash, group: GroupSeed | null) {
  const stored = {
    ...crash,
    receivedAt: new Date(crash.receivedAt),
    release: null,
    rulesRevision: 0,
  };
  return { crashId: crash.id, outcomes: [{ ...unprocessedOutcome(stored, null), group }] };
}
