/** One text whose crashes lacked symbols that have come: its bytes → new reports, each beside the one there is. */
import type { NewReport, RepairableCrash, Repaired } from "@faultline/shared";
import type { Attachments } from "../attachments.ts";
import type { Engine } from "../engine.ts";
import { CrashFailure } from "../failure.ts";
import type { RulesOf } from "../grouping-rules.ts";
import { processedOutcome } from "../outcome.ts";

export interface RepairTools {
  /** Those whose blobs are gone reject with CrashFailure. */
  readonly attachments: Attachments;
  readonly engine: Engine;
  readonly rules: RulesOf;
}

/**
 * Without reports when it cannot be worked out: its minidump has gone before it, or it takes too long now. Rejects
 * when the fault is not its own.
 */
export async function repairText(
  crash: RepairableCrash,
  { attachments, engine, rules }: RepairTools,
): Promise<Repaired> {
  const { due, release, reports } = crash;
  try {
    const before = reports.map(({ report }) => report);
    const own = await rules(crash);
    const finished = await attachments.withInput(crash, (input, gaps) =>
      engine.reports({ input, release, gaps, rules: own, before }),
    );
    // an engine that finds other dumps in the text than were found before: which is which cannot be told
    if (finished.length !== reports.length) return { due, reports: [] };
    const made = finished.map((one, index): NewReport => {
      const outcome = processedOutcome(crash, one, index);
      const lacks = outcome.lacks.map(({ row }) => row);
      const { revision = 0 } = reports[index] ?? {};
      return { outcome, lacks, revision, verdict: one.verdict ?? "same" };
    });
    return { due, reports: made };
  } catch (error) {
    if (!(error instanceof CrashFailure)) throw error;
    return { due, reports: [] };
  }
}
