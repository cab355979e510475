/** A project's crashes grouped anew after its rules changed, a batch at a time; and what a change would do. */
import {
  findGroupingRules,
  listWaitingPreviews,
  loadNewestReports,
  loadToRegroup,
  savePreview,
  saveRegrouped,
  type GroupedReport,
  type NewReport,
  type Pool,
  type Queryable,
  type RunningRegrouping,
} from "@faultline/shared";
import type { Engine } from "../engine.ts";
import { CrashFailure } from "../failure.ts";
import type { RulesOf } from "../grouping-rules.ts";
import { MAX_PREVIEW_BYTES, MAX_PREVIEW_REPORTS, PREVIEWS_PER_LOOK } from "../limits.ts";
import type { Regrouped, RulesText } from "../thread-messages.ts";

export interface RegroupTools {
  readonly pool: Pool;
  readonly engine: Engine;
  readonly rules: RulesOf;
}

/** The next crashes of a regrouping, by the rules that are in force now. */
export async function regroupBatch(
  run: RunningRegrouping,
  most: number,
  { pool, engine, rules }: RegroupTools,
): Promise<void> {
  const looked = await loadToRegroup(pool, run, most);
  const { projectId } = run;
  const { revision } = await findGroupingRules(pool, projectId);
  const own = await rules({ projectId, rulesRevision: revision });
  const made = await Promise.all(looked.map((one) => regroupOne(one, revision, own, engine)));
  await saveRegrouped(
    pool,
    run,
    looked,
    made.filter((one) => one !== null),
  );
}

/** Null when its keys stay, or cannot be made: then what it has is as good as any. */
async function regroupOne(
  stored: GroupedReport,
  rulesRevision: number,
  rules: RulesText | null,
  engine: Engine,
): Promise<NewReport | null> {
  try {
    const [made] = await engine.regroup([stored.report], rules);
    return made === undefined || made === null ? null : newReport(stored, rulesRevision, made);
  } catch (error) {
    if (error instanceof CrashFailure) return null;
    throw error;
  }
}

function newReport(
  { revision, tags, ...stored }: GroupedReport,
  rulesRevision: number,
  { group, report }: Regrouped,
): NewReport {
  const made = { tags: tags ?? {}, parent: null, error: null, group, report, rulesRevision };
  return { outcome: { ...stored, ...made, lacks: [] }, lacks: null, revision, verdict: "changed" };
}

/** Answers those who ask what rules would do. */
export async function answerPreviews(db: Queryable, { pool, engine }: RegroupTools): Promise<void> {
  for (const { id, projectId, text } of await listWaitingPreviews(db, PREVIEWS_PER_LOOK)) {
    try {
      const { text: before } = await findGroupingRules(pool, projectId);
      const reports = await loadNewestReports(
        pool,
        projectId,
        MAX_PREVIEW_REPORTS,
        MAX_PREVIEW_BYTES,
      );
      const { problems, result } = await engine.preview(reports, before, text);
      await savePreview(pool, id, problems, result);
    } catch (error) {
      if (!(error instanceof CrashFailure)) throw error;
      await savePreview(pool, id, [], null);
    }
  }
}
