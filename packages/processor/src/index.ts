export { buildReports, type ProcessedCrash } from "./report.ts";
export type { OpenMap } from "./python/release-files.ts";
export { gapCodes, type GapCode } from "./gaps.ts";
export { renderReport, type AboutCrash } from "./text.ts";
export { renderGroupExplanation } from "./text/group-explanation.ts";
export * from "./grouping/index.ts";
