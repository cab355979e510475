/** Projects' grouping rules, read once a revision. */
import { loadRulesText, type PendingCrash, type Pool } from "@faultline/shared";
import { createCache } from "./cache.ts";
import { RULES_CACHE_BYTES } from "./limits.ts";
import type { RulesText } from "./thread-messages.ts";

/** Null for a project without rules. */
export type RulesOf = (
  crash: Pick<PendingCrash, "projectId" | "rulesRevision">,
) => Promise<RulesText | null>;

export function openRules(pool: Pool): RulesOf {
  const kept = createCache<RulesText>(RULES_CACHE_BYTES);
  return async ({ projectId, rulesRevision }) => {
    if (rulesRevision === 0) return null;
    const key = `${projectId}/${rulesRevision}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const text = await loadRulesText(pool, projectId, rulesRevision);
    kept.set(key, { key, text }, text.length * 2);
    return { key, text };
  };
}
