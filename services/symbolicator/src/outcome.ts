/** What is saved of a crash: what its client said, and what was worked out. */
import { childCrashId, type Outcome, type StoredCrash, type PendingCrash } from "@faultline/shared";
import { crashLacks } from "./lacks.ts";
import { occurredAt } from "./occurred-at.ts";
import type { FinishedReport } from "./thread-messages.ts";

type Crash = Pick<StoredCrash, "id" | "projectId" | "receivedAt" | "metadata"> &
  Pick<PendingCrash, "release" | "rulesRevision">;

/** The first dump of a text is the crash itself, the others are its children. */
export function processedOutcome(crash: Crash, finished: FinishedReport, index: number): Outcome {
  const { group, report, lacks } = finished;
  const child = index > 0;
  return {
    ...unprocessedOutcome(crash, null),
    crashId: child ? childCrashId(crash.id, index) : crash.id,
    parent: child ? crash.id : null,
    group,
    report,
    lacks: crashLacks(crash, lacks),
  };
}

/** `error`: why it could not be processed. */
export function unprocessedOutcome(crash: Crash, error: string | null): Outcome {
  const { release, environment, host, time, tags } = crash.metadata;
  return {
    crashId: crash.id,
    parent: null,
    projectId: crash.projectId,
    receivedAt: crash.receivedAt,
    occurredAt: occurredAt(time, crash.receivedAt),
    release,
    environment,
    host,
    tags,
    error,
    group: null,
    report: null,
    rulesRevision: crash.rulesRevision,
    lacks: [],
  };
}
