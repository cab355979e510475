export { buildReports, type Openers, type ProcessedCrash } from "./report.ts";
export { compareReports } from "./compare-reports.ts";
export { lacksOf } from "./lacks.ts";
export type { Asking, Need, Provided } from "./needs.ts";
export type { OpenSymbolCache } from "./native/modules.ts";
export type { OpenMap } from "./python/release-files.ts";
export { gapCodes, type GapCode } from "./gaps.ts";
export * from "./grouping/index.ts";
