/** Which group a crash belongs to, and why. */
export { type Algorithm, currentGrouping, groupings } from "./algorithms.ts";
export { attachAll, type AttachOptions } from "./attach.ts";
export {
  type AliasKey,
  aliasKeys,
  groupCrash,
  type GroupedCrash,
  type GroupOptions,
  groupReport,
} from "./group-crash.ts";
export type { GroupInput } from "./input.ts";
export { previewRules, type RulePreview } from "./preview.ts";
export { type ProjectRule, type ProjectRules, parseProjectRules } from "./project-rules.ts";
export { type SeenSighting, type Sighting, SIGHTING_VERSION } from "./sightings.ts";
