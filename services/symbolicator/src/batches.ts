/** Loads and saves of concurrent jobs, each kind together in batches. */
import {
  createBatcher,
  loadPendingCrashes,
  saveProcessed,
  type Outcome,
  type PendingCrash,
  type Pool,
  type ProcessedJob,
} from "@faultline/shared";
import { reasonText } from "./failure.ts";
import { openLackNotes } from "./lacks.ts";
import { BATCH_LANES, MAX_LOAD_BATCH, MAX_SAVE_BATCH } from "./limits.ts";
import type { Metrics } from "./metrics.ts";

/** `load` of process-crash.ts's Tools. */
export function batchLoads(
  pool: Pool,
  metrics: Metrics,
): (crashId: string) => Promise<PendingCrash | null> {
  const batcher = createBatcher<string, PendingCrash | null>({
    most: MAX_LOAD_BATCH,
    lanes: BATCH_LANES,
    async act(ids) {
      metrics.batchSize.observe({ batch: "load" }, ids.length);
      const crashes = await loadPendingCrashes(pool, ids);
      const byId = new Map(crashes.map((crash) => [crash.id, crash]));
      return ids.map((id) => byId.get(id) ?? null);
    },
  });
  return (crashId) => batcher.add(crashId);
}

type Saved = readonly Outcome[] | Error;

/** `save` of process-crash.ts's Tools. */
export function batchSaves(
  pool: Pool,
  metrics: Metrics,
): (job: ProcessedJob) => Promise<readonly Outcome[]> {
  const note = openLackNotes(pool);
  const batcher = createBatcher<ProcessedJob, Saved>({
    most: MAX_SAVE_BATCH,
    lanes: BATCH_LANES,
    async act(jobs) {
      metrics.batchSize.observe({ batch: "save" }, jobs.length);
      await note(jobs.flatMap(({ outcomes }) => outcomes));
      return await saveBatch(pool, jobs, metrics);
    },
  });
  return async (job) => {
    const saved = await batcher.add(job);
    if (saved instanceof Error) throw saved;
    return saved;
  };
}

/** One job whose values the database refuses must not hold up those beside it: then each is saved alone. */
async function saveBatch(
  pool: Pool,
  jobs: readonly ProcessedJob[],
  metrics: Metrics,
): Promise<readonly Saved[]> {
  try {
    const saved = await saveProcessed(pool, jobs);
    const unanswered = new Set(saved);
    return jobs.map((job) => (unanswered.delete(job.crashId) ? job.outcomes : []));
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  const results: Saved[] = [];
  for (const job of jobs) results.push(await saveAlone(pool, job, metrics));
  return results;
}

async function saveAlone(pool: Pool, job: ProcessedJob, metrics: Metrics): Promise<Saved> {
  try {
    return await saveOne(pool, job);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (!isRefusal(error)) return error;
    metrics.failures.inc({ reason: "refused" });
    return await saveOne(pool, refused(job, error));
  }
}

async function saveOne(pool: Pool, job: ProcessedJob): Promise<readonly Outcome[]> {
  return (await saveProcessed(pool, [job])).has(job.crashId) ? job.outcomes : [];
}

const refused = (job: ProcessedJob, error: Error): ProcessedJob => ({
  crashId: job.crashId,
  outcomes: job.outcomes.slice(0, 1).map((outcome) => ({
    ...outcome,
    error: reasonText(`the database refused the report: ${error.message}`),
    group: null,
    report: null,
    lacks: [],
  })),
});

/** SQLSTATE classes 22 (data exception), 23 (integrity violation) and 54 (program limit): the values' own fault. */
const isRefusal = (error: unknown): error is Error =>
  error instanceof Error && "code" in error && /^(?:22|23|54)...$/.test(String(error.code));
