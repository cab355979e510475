/** One crash, top to bottom: row → bytes → reports → groups and counts. */
import {
  MAX_PROCESS_ATTEMPTS,
  type CrashJob,
  type Outcome,
  type PendingCrash,
  type ProcessedJob,
} from "@faultline/shared";
import type { Attachments } from "./attachments.ts";
import type { Engine } from "./engine.ts";
import { CrashFailure, reasonText } from "./failure.ts";
import type { RulesOf } from "./grouping-rules.ts";
import type { Metrics } from "./metrics.ts";
import { processedOutcome, unprocessedOutcome } from "./outcome.ts";

/** What a job is done with. */
export interface Tools {
  /** Null when the crash does not wait any more: it was saved before. */
  readonly load: (crashId: string) => Promise<PendingCrash | null>;
  readonly attachments: Attachments;
  readonly engine: Engine;
  readonly rules: RulesOf;
  /** Answers with what was saved: nothing when another call saved the crash before. */
  readonly save: (job: ProcessedJob) => Promise<readonly Outcome[]>;
  readonly metrics: Metrics;
}

/**
 * Resolves when the crash is saved, processed or failed, by this call or another. Rejects when the
 * fault is not the crash's own (database, queue, blob store): the job is tried again then.
 */
export async function processCrash(job: CrashJob, stalls: number, tools: Tools): Promise<void> {
  const begun = performance.now();
  const crash = await tools.load(job.crashId);
  if (crash === null) return tools.metrics.repeats.inc();
  const outcomes = await workOut(crash, stalls, tools).catch((error: unknown) => [
    failedOutcome(crash, error, tools.metrics),
  ]);
  const saved = await tools.save({ crashId: crash.id, outcomes });
  if (saved.length === 0) return tools.metrics.repeats.inc();
  for (const { error } of saved) {
    tools.metrics.crashes.inc({ outcome: error === null ? "processed" : "failed" });
  }
  tools.metrics.crashSeconds.observe((performance.now() - begun) / 1000);
}

async function workOut(
  crash: PendingCrash,
  stalls: number,
  { attachments, engine, rules }: Tools,
): Promise<readonly Outcome[]> {
  if (stalls > MAX_PROCESS_ATTEMPTS) {
    throw new CrashFailure(
      "worker-died",
      `the worker died ${stalls} times while it worked on this crash (MAX_PROCESS_ATTEMPTS: ${MAX_PROCESS_ATTEMPTS})`,
    );
  }
  const own = await rules(crash);
  return await attachments.withInput(crash, async (input, gaps) => {
    const { release } = crash;
    const reports = await engine.reports({ input, release, gaps, rules: own, before: null });
    return reports.map((finished, index) => processedOutcome(crash, finished, index));
  });
}

function failedOutcome(crash: PendingCrash, error: unknown, metrics: Metrics): Outcome {
  if (!(error instanceof CrashFailure)) throw error;
  metrics.failures.inc({ reason: error.reason });
  return unprocessedOutcome(crash, reasonText(error.message));
}
