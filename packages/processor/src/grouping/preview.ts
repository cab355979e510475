/** What a change of a project's rules would do to crashes it already has. */
import { attachAll } from "./attach.ts";
import { groupCrash, type GroupedCrash } from "./group-crash.ts";
import type { GroupInput } from "./input.ts";
import { MAX_PREVIEWED_CRASHES } from "./limits.ts";
import type { ProjectRule } from "./project-rules.ts";
import type { SeenSighting } from "./sightings.ts";

/** Crashes that lie in one group now and would lie in one then. */
export interface Move {
  readonly from: string;
  readonly to: string;
  readonly crashes: number;
}

export interface RulePreview {
  /** At most `MAX_PREVIEWED_CRASHES`, the first of those given. */
  readonly crashes: number;
  /** Crashes whose key, or any frame's part in it, would change. */
  readonly touched: number;
  readonly groupsBefore: number;
  readonly groupsAfter: number;
  /** Groups that would fall apart, and new groups that would hold crashes of several. */
  readonly split: readonly string[];
  readonly merged: readonly string[];
  /** Biggest first. A group that only changes its key is one move, neither split nor merged. */
  readonly moves: readonly Move[];
}

/**
 * Groups `reports` (newest first) under both sets of rules and compares, as a service joins them: no
 * group is split by caller unless a rule says so. Pure; reports are not changed.
 */
export function previewRules(
  reports: readonly GroupInput[],
  before: readonly ProjectRule[],
  after: readonly ProjectRule[],
): RulePreview {
  const crashes = reports.slice(0, MAX_PREVIEWED_CRASHES);
  const old = crashes.map((report) => groupCrash(report, { rules: before }));
  const now = crashes.map((report) => groupCrash(report, { rules: after }));
  const from = attachAll(old.map(once), { splits: false });
  const to = attachAll(now.map(once), { splits: false });
  const touched = old.filter(
    ({ grouping }, index) => JSON.stringify(grouping) !== JSON.stringify(now[index]?.grouping),
  );
  const moves = movesBetween(from, to);
  return {
    crashes: crashes.length,
    touched: touched.length,
    groupsBefore: new Set(from).size,
    groupsAfter: new Set(to).size,
    split: several(moves.map((move) => move.from)),
    merged: several(moves.map((move) => move.to)),
    moves: moves.filter((move) => move.from !== move.to),
  };
}

const once = ({ sighting }: GroupedCrash): SeenSighting => ({ sighting, times: 1 });

function movesBetween(from: readonly string[], to: readonly string[]): readonly Move[] {
  const moves = new Map<string, Move>();
  for (const [index, old] of from.entries()) {
    const now = to[index] ?? old;
    const known = moves.get(`${old} ${now}`);
    moves.set(`${old} ${now}`, { from: old, to: now, crashes: (known?.crashes ?? 0) + 1 });
  }
  return [...moves.values()].toSorted((a, b) => b.crashes - a.crashes);
}

/** The values that stand more than once. */
const several = (values: readonly string[]): readonly string[] => [
  ...new Set(values.filter((value, index) => values.indexOf(value) !== index)),
];
