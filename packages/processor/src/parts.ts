/** A report before its group is worked out: what one source tells, or several joined. */
import type { CrashMetadata, Gap, Report } from "@faultline/shared";
import { groupCrash, type Sighting } from "./grouping/index.ts";
import { keepGaps } from "./gaps.ts";
import { MAX_GAPS_PER_REPORT } from "./limits.ts";
import type { ModuleMap } from "./native/modules.ts";
import type { ReleaseFiles } from "./python/release-files.ts";

export type ReportParts = Omit<Report, "version" | "grouping">;

/** What every crash of one upload is worked out with. */
export interface Evidence {
  readonly metadata: CrashMetadata;
  readonly release: ReleaseFiles;
  /** What the client saw mapped, with symbols of what the texts' C stacks need. */
  readonly mapped: ModuleMap;
  /** Of the upload as a whole. */
  readonly gaps: readonly Gap[];
}

export interface FinishedCrash {
  readonly report: Report;
  /** What joins it with other crashes. */
  readonly sighting: Sighting;
}

export function finished(parts: ReportParts): FinishedCrash {
  const gaps = keepGaps(parts.gaps, MAX_GAPS_PER_REPORT);
  const report: Report = { version: 1, ...parts, gaps, grouping: null };
  const { grouping, sighting } = groupCrash(report);
  return { report: { ...report, grouping }, sighting };
}

/** Nothing is known but that a crash came. */
export const nothingKnown: ReportParts = {
  kind: "dump",
  reason: null,
  code: null,
  address: null,
  message: null,
  fatalFunction: null,
  runtimeState: null,
  timeoutSeconds: null,
  classification: null,
  os: null,
  cpu: null,
  osVersion: null,
  process: null,
  python: null,
  registers: null,
  annotations: {},
  crashingThread: null,
  threads: [],
  modules: [],
  extensionModules: [],
  gaps: [],
};
