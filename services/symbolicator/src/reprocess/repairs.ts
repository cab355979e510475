/**
 * Repairs: crashes that lacked symbols are worked out again once those have come. One process does it at a time, whoever
 * gets the advisory lock, and steps back while crashes wait that nobody has worked out yet.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  finishRepairs,
  hasRepairWork,
  hasWaiting,
  loadRepairable,
  LockSpace,
  noticeSymbols,
  saveRepaired,
  settleEmptied,
  startRegrouping,
  startRepairs,
  withTryLock,
  type BlobStore,
  type DueCrash,
  type Logger,
  type Outcome,
  type Patience,
  type Pool,
  type Queryable,
  type Repaired,
  type RunningRepair,
} from "@faultline/shared";
import { openAttachments, type Missing } from "../attachments.ts";
import type { Engine } from "../engine.ts";
import { CrashFailure } from "../failure.ts";
import type { RulesOf } from "../grouping-rules.ts";
import { openLackNotes } from "../lacks.ts";
import {
  MAX_REPAIR_BATCH,
  REPAIR_ALONE_MS,
  REPAIR_BATCH_BESIDE,
  REPAIR_BYTES_UNDER_WAY,
  REPAIR_LOOK_MS,
  REPAIR_MAX_WAIT_MS,
  REPAIR_PAUSE_MS,
  REPAIR_PAUSES,
  REPAIR_QUIET_MS,
  REPAIR_RESTS,
  REPAIR_STEP_BACK,
  SETTLE_BATCH,
} from "../limits.ts";
import type { Metrics } from "../metrics.ts";
import { Pass } from "./pass.ts";
import { answerPreviews, regroupBatch } from "./regroup.ts";
import { repairText, type RepairTools } from "./repair-text.ts";

export interface Repairs {
  /** Stops after the crashes under way. */
  close(): Promise<void>;
}

export interface RepairOptions {
  readonly pool: Pool;
  readonly blobs: BlobStore;
  readonly engine: Engine;
  readonly rules: RulesOf;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly patience?: Patience;
  readonly lookMs?: number;
}

interface Tools extends RepairTools, Required<RepairOptions> {
  /** Writes down what the keys of these crashes' lacks stand for. */
  readonly note: (outcomes: readonly Outcome[]) => Promise<void>;
}

const defaults = {
  patience: { quietMs: REPAIR_QUIET_MS, mostMs: REPAIR_MAX_WAIT_MS },
  lookMs: REPAIR_LOOK_MS,
} as const;

/** What has gone before its crash does not come back. */
const gone: Missing = async (_crash, message) => new CrashFailure("blob", message);

/** Looks now and then whether symbols have come, and repairs what lacked them. */
export function openRepairs(options: RepairOptions): Repairs {
  const { pool, blobs } = options;
  const attachments = openAttachments(blobs, gone, REPAIR_BYTES_UNDER_WAY);
  const tools: Tools = { ...defaults, ...options, attachments, note: openLackNotes(pool) };
  const closing = new AbortController();
  const { signal } = closing;
  async function go(): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await hasRepairWork(pool))
          await withTryLock(pool, LockSpace.repairs, "", (db) => repairAll(db, tools, signal));
      } catch (error) {
        tools.log.warn({ err: error }, "repairs stopped, they go on in a moment");
      }
      await pause(tools.lookMs, signal);
    }
  }
  const going = go();
  return {
    async close() {
      closing.abort();
      await going;
    },
  };
}

/**
 * Until nothing is left to be repaired, or the process ends; what symbols mend comes before what rules change. `db`: the
 * connection that holds the lock.
 */
async function repairAll(db: Queryable, tools: Tools, signal: AbortSignal): Promise<void> {
  const pass = new Pass();
  let running: readonly RunningRepair[] = [];
  const isAlone = watchOthers(db, signal);
  let looked = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    if (performance.now() - looked > tools.lookMs || running.length === 0) {
      await answerPreviews(db, tools);
      running = await lookAgain(db, tools);
      looked = performance.now();
    }
    const alone = await isAlone();
    const most = alone ? MAX_REPAIR_BATCH : REPAIR_BATCH_BESIDE;
    const begun = performance.now();
    if (running.length > 0) {
      const due = await pass.next(db, running, most);
      if (due.length > 0) await repairBatch(due, running, tools);
      else running = await end(db, running, tools).then(() => []);
    } else {
      const regrouping = await startRegrouping(db);
      if (regrouping === null) return;
      await regroupBatch(regrouping, most, tools);
    }
    if (!alone) await pause(REPAIR_RESTS * (performance.now() - begun), signal);
  }
}

/** The repairs that run now: those that ran, without those that are done, and those that have begun. */
async function lookAgain(db: Queryable, tools: Tools): Promise<readonly RunningRepair[]> {
  await noticeSymbols(db);
  const running = await startRepairs(db, tools.patience);
  const over = running.filter(({ done, found }) => done >= found);
  const ended = new Set(await end(db, over, tools));
  return running.filter(({ id }) => !ended.has(id));
}

async function end(
  db: Queryable,
  running: readonly RunningRepair[],
  { log }: Tools,
): Promise<readonly number[]> {
  if (running.length === 0) return [];
  const ended = await finishRepairs(db, running);
  for (const { id, ...told } of ended) log.info({ repair: id, ...told }, "repaired");
  return ended.map(({ id }) => id);
}

async function repairBatch(
  due: readonly DueCrash[],
  running: readonly RunningRepair[],
  tools: Tools,
): Promise<void> {
  const { pool, metrics } = tools;
  const texts = await loadRepairable(pool, due);
  const repaired = await Promise.all(texts.map((text) => repairText(text, tools)));
  const taken = new Set(repaired.flatMap((one) => one.due));
  const lost = { due: due.filter((one) => !taken.has(one)), reports: [] };
  await tools.note(repaired.flatMap(({ reports }) => reports.map(({ outcome }) => outcome)));
  await saveRepaired(pool, [...repaired, lost], running);
  await settleEmptied(pool, SETTLE_BATCH);
  count(repaired, metrics);
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);

function count(repaired: readonly Repaired[], metrics: Metrics): void {
  for (const { due, reports } of repaired) {
    for (const { verdict } of reports) metrics.repaired.inc({ verdict });
    if (reports.length === 0) metrics.repaired.inc({ verdict: "kept" }, due.length);
  }
}

/**
 * A crash that nobody has worked out comes first; but a repair that always waits would never end. Answers whether none has
 * waited of late: one that comes while a batch is under way shows only then.
 */
function watchOthers(db: Queryable, signal: AbortSignal): () => Promise<boolean> {
  let waited = Number.NEGATIVE_INFINITY;
  return async () => {
    for (let pauses = 0; pauses < REPAIR_PAUSES && !signal.aborted; pauses++) {
      if (!(await hasWaiting(db, REPAIR_STEP_BACK))) break;
      waited = performance.now();
      await pause(REPAIR_PAUSE_MS, signal);
    }
    if (await hasWaiting(db, 1)) waited = performance.now();
    return performance.now() - waited > REPAIR_ALONE_MS;
  };
}
