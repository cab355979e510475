/** Where the crashes of each key go, by where each of its sightings goes. */
import { attachAll, type SeenSighting } from "@faultline/processor";
import type { KeyAnswer } from "@faultline/shared";
import { NEARLY_ALL } from "../limits.ts";

/**
 * One for every key. Callers of one native function stay together: telling them apart is offered to people, who know
 * whether it is one bug.
 */
export function answersOf(seen: readonly SeenSighting[]): readonly KeyAnswer[] {
  const keys = attachAll(seen, { splits: false });
  const crashes = new Map<string, Map<string, number>>();
  for (const [index, { sighting, times }] of seen.entries()) {
    const key = keys[index] ?? sighting.mid;
    const counts = crashes.get(sighting.mid) ?? new Map<string, number>();
    crashes.set(sighting.mid, counts.set(key, (counts.get(key) ?? 0) + times));
  }
  return [...crashes].map(([mid, counts]) => ({ mid, into: elsewhere(mid, counts) }));
}

function elsewhere(mid: string, counts: ReadonlyMap<string, number>): string | null {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const most = [...counts].find(([, count]) => count >= NEARLY_ALL * all)?.[0] ?? mid;
  return most === mid ? null : most;
}
