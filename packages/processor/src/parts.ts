/** A report before its group is worked out: what one source tells, or several joined. */
import type { Report } from "@faultline/shared";
import { groupReport } from "./grouping/index.ts";
import { keepGaps } from "./gaps.ts";
import { MAX_GAPS_PER_REPORT } from "./limits.ts";

export type ReportParts = Omit<Report, "version" | "grouping">;

export function finished(parts: ReportParts): Report {
  const gaps = keepGaps(parts.gaps, MAX_GAPS_PER_REPORT);
  const report: Report = { version: 1, ...parts, gaps, grouping: null };
  return { ...report, grouping: groupReport(report) };
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
