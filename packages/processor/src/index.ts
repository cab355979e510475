export { buildReports, type ProcessedCrash } from "./report.ts";
export type { OpenMap } from "./python/release-files.ts";
export { gapCodes, type GapCode } from "./gaps.ts";
export * from "./grouping/index.ts";
