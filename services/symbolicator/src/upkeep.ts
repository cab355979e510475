/** What must be done now and then by somebody, and by one process at a time: whoever gets the advisory lock. */
import { createHash } from "node:crypto";
import { CACHE_VERSION } from "@faultline/debuginfo/cache";
import { PYC_MAP_VERSION } from "@faultline/pyc";
import {
  countWaiting,
  dropExpiredKeys,
  dropExpiredPartitions,
  dropForgottenLacks,
  dropOldPreviews,
  dropOldRepairs,
  ensurePartitions,
  findReferencedBlobs,
  listUncachedSymbolFiles,
  listWaitingNativeCaches,
  listWaitingNativeFiles,
  settleEmptied,
  takeWaiting,
  type BlobStore,
  type Config,
  type JobQueue,
  type Logger,
  type Pool,
  type Queryable,
} from "@faultline/shared";
import { dropCrashFiles } from "./crash-files.ts";
import {
  BLOB_GRACE_MS,
  BLOBS_PER_LOOK,
  MAX_STALE_NATIVES,
  MAX_STALE_SYMBOL_FILES,
  PREVIEWS_KEPT_MS,
  REPAIRS_KEPT_MS,
  SETTLE_BATCH,
  SETTLE_GROUPS_MS,
  STALE_SYMBOL_MS,
  SWEEP_BATCH,
  SYMBOL_FILES_PER_CHUNK,
  UPKEEP_LOCK_TIMEOUT_MS,
} from "./limits.ts";
import type { Metrics } from "./metrics.ts";

const LOCK = 0x0fa1_7002;
const MINUTE_MS = 60_000;

export interface Upkeep {
  /** Stops after the round under way. */
  close(): Promise<void>;
}

export interface UpkeepTools {
  readonly config: Config;
  readonly pool: Pool;
  readonly blobs: BlobStore;
  readonly crashes: JobQueue<"crashes">;
  readonly symbols: JobQueue<"symbols">;
  readonly natives: JobQueue<"natives">;
  readonly metrics: Metrics;
  readonly log: Logger;
}

interface Task {
  readonly name: string;
  readonly everyMs: number;
  /** Answers with what it did, for the log; null for nothing. */
  readonly run: (db: Queryable, tools: UpkeepTools) => Promise<object | null>;
}

const tasks = (config: Config): readonly Task[] => [
  { name: "make-partitions", everyMs: 60 * MINUTE_MS, run: makePartitions },
  { name: "drop-partitions", everyMs: 60 * MINUTE_MS, run: dropPartitions },
  { name: "drop-files", everyMs: 60 * MINUTE_MS, run: dropFiles },
  { name: "drop-keys", everyMs: 10 * MINUTE_MS, run: dropKeys },
  { name: "stale-symbols", everyMs: MINUTE_MS, run: queueStaleSymbols },
  { name: "stale-natives", everyMs: MINUTE_MS, run: queueStaleNatives },
  { name: "remove-blobs", everyMs: 60 * MINUTE_MS, run: removeBlobs },
  { name: "settle-groups", everyMs: SETTLE_GROUPS_MS, run: settleGroups },
  { name: "sweep", everyMs: config.sweepMs, run: sweep },
];

/** Runs a round now and then every `config.sweepMs`. */
export function startUpkeep(tools: UpkeepTools): Upkeep {
  const due = new Map(tasks(tools.config).map((task) => [task, 0]));
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function round(): Promise<void> {
    const now = Date.now();
    const ready = [...due].filter(([, at]) => at <= now).map(([task]) => task);
    try {
      await withLock(tools.pool, async (db) => {
        for (const task of ready) {
          if (closed) return;
          due.set(task, now + task.everyMs);
          await runTask(task, db, tools);
        }
      });
    } catch (error) {
      tools.log.warn({ err: error }, "upkeep could not run");
    }
  }

  let running = Promise.resolve();
  const next = (): void => {
    running = round().then(() => {
      if (!closed) timer = setTimeout(next, tools.config.sweepMs);
    });
  };
  next();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** Does nothing while another process holds the lock. It is the connection's own: a process that dies lets it go. */
async function withLock(pool: Pool, work: (db: Queryable) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      "select pg_try_advisory_lock($1) as locked",
      [LOCK],
    );
    if (rows[0]?.locked !== true) return;
    await client.query(`set lock_timeout = ${UPKEEP_LOCK_TIMEOUT_MS}`);
    await work(client);
    await client.query("reset lock_timeout");
    await client.query("select pg_advisory_unlock($1)", [LOCK]);
  } catch (error) {
    failure = error as Error;
    throw error;
  } finally {
    client.release(failure);
  }
}

async function runTask(task: Task, db: Queryable, tools: UpkeepTools): Promise<void> {
  const { metrics, log } = tools;
  const begun = performance.now();
  try {
    const done = await task.run(db, tools);
    const ms = Math.round(performance.now() - begun);
    log[done === null ? "debug" : "info"]({ task: task.name, ms, ...done }, "upkeep");
  } catch (error) {
    metrics.upkeepFailures.inc({ task: task.name });
    log.warn({ err: error, task: task.name }, "upkeep task failed, it is tried again");
  }
  metrics.upkeepSeconds.observe({ task: task.name }, (performance.now() - begun) / 1000);
}

async function makePartitions(db: Queryable): Promise<null> {
  await ensurePartitions(db, Date.now());
  return null;
}

async function dropPartitions(db: Queryable, { config }: UpkeepTools): Promise<object | null> {
  const dropped = await dropExpiredPartitions(db, Date.now(), config.retentionDays);
  return dropped.length === 0 ? null : { dropped };
}

async function dropFiles(_db: Queryable, { blobs, config }: UpkeepTools): Promise<object | null> {
  const dropped = await dropCrashFiles(blobs, config, Date.now());
  return dropped.length === 0 ? null : { dropped };
}

async function dropKeys(db: Queryable, { config }: UpkeepTools): Promise<object | null> {
  const keys = await dropExpiredKeys(db, new Date(), config.retentionDays);
  const lacks = await dropForgottenLacks(db, new Date(), config.retentionDays);
  const repairs = await dropOldRepairs(db, new Date(Date.now() - REPAIRS_KEPT_MS));
  const previews = await dropOldPreviews(db, new Date(Date.now() - PREVIEWS_KEPT_MS));
  const dropped = { keys, lacks, repairs, previews };
  return Object.values(dropped).every((count) => count === 0) ? null : dropped;
}

/** In transactions of their own, beside the connection that holds upkeep's lock. */
async function settleGroups(_db: Queryable, { pool }: UpkeepTools): Promise<object | null> {
  const emptied = await settleEmptied(pool, SETTLE_BATCH);
  return emptied === 0 ? null : { emptied };
}

async function queueStaleSymbols(db: Queryable, { symbols }: UpkeepTools): Promise<object | null> {
  const before = new Date(Date.now() - STALE_SYMBOL_MS);
  const stale = await listUncachedSymbolFiles(db, before, PYC_MAP_VERSION, MAX_STALE_SYMBOL_FILES);
  if (stale.length === 0) return null;
  const chunks = Array.from(
    { length: Math.ceil(stale.length / SYMBOL_FILES_PER_CHUNK) },
    (_, index) => stale.slice(index * SYMBOL_FILES_PER_CHUNK, (index + 1) * SYMBOL_FILES_PER_CHUNK),
  );
  await symbols.add(
    chunks.map((sha256s) => ({
      id: createHash("sha256").update(sha256s.join()).digest("hex"),
      data: { sha256s },
    })),
  );
  return { queued: stale.length };
}

/** Each has a job of its own: there are few, and one may take minutes. */
async function queueStaleNatives(db: Queryable, { natives }: UpkeepTools): Promise<object | null> {
  const before = new Date(Date.now() - STALE_SYMBOL_MS);
  const files = await listWaitingNativeFiles(db, before, MAX_STALE_NATIVES);
  const modules = await listWaitingNativeCaches(db, before, CACHE_VERSION, MAX_STALE_NATIVES);
  if (files.length + modules.length === 0) return null;
  await natives.add([
    ...files.map((sha256) => ({ id: sha256, data: { sha256s: [sha256], debugIds: [] } })),
    ...modules.map((debugId) => ({ id: debugId, data: { sha256s: [], debugIds: [debugId] } })),
  ]);
  return { files: files.length, modules: modules.length };
}

/**
 * Blobs of symbols that no row refers to: caches that newer ones took the place of, and what was stored for an upload
 * that died before its row. Whoever stores a blob writes it anew, so one that is old and nobody's stays nobody's.
 */
async function removeBlobs(db: Queryable, { blobs }: UpkeepTools): Promise<object | null> {
  const before = new Date(Date.now() - BLOB_GRACE_MS);
  let removed = 0;
  const look = async (old: readonly string[]): Promise<void> => {
    const referenced = await findReferencedBlobs(db, old);
    for (const blob of old.filter((one) => !referenced.has(one)))
      if (await blobs.deleteOlder(blob, before)) removed += 1;
  };
  let old: string[] = [];
  for await (const { blob, writtenAt } of blobs.list()) {
    if (writtenAt < before) old.push(blob);
    if (old.length < BLOBS_PER_LOOK) continue;
    await look(old);
    old = [];
  }
  await look(old);
  return removed === 0 ? null : { removed };
}

/**
 * Adds the jobs of crashes that have waited long, longest first; one whose job is still there stays as
 * it is. A long line is no reason to add everything over and over: a round takes more than one
 * batch only while the queue plainly holds fewer jobs than crashes wait, so that many must be lost.
 */
async function sweep(
  db: Queryable,
  { config, crashes, metrics }: UpkeepTools,
): Promise<object | null> {
  const before = new Date(Date.now() - config.sweepAfterMs);
  let swept = 0;
  let lost = 0;
  do {
    const ids = await takeWaiting(db, before, new Date(), SWEEP_BATCH);
    if (ids.length > 0)
      await crashes.add(ids.map((crashId) => ({ id: crashId, data: { crashId } })));
    swept += ids.length;
    metrics.swept.inc(ids.length);
    if (ids.length < SWEEP_BATCH) break;
    lost = (await countWaiting(db)).count - (await crashes.depth());
  } while (lost > SWEEP_BATCH);
  return swept === 0 ? null : { swept };
}
