/**
 * Keys of functions that ended the process themselves, for one bug: a library that is used wrongly
 * gives up in whichever of its functions notices first.
 */
import { Tally } from "./counts.ts";
import type { NamedKey } from "./named-keys.ts";
import { Unions } from "./unions.ts";

/** Contexts that must have reached both, and their share of those that reached the rarer. */
const MIN_SHARED = 2;
const MIN_SHARE = 0.5;

/** `byContext`: keys by the contexts that reached them. */
export function sameChecks(
  keys: ReadonlyMap<string, NamedKey>,
  byContext: Tally,
  mayBeOne: (one: NamedKey, other: NamedKey) => boolean,
): Unions {
  const reached = new Tally();
  const shared = new Tally();
  for (const context of byContext.keys()) {
    const checks = byContext
      .commonestOf(context)
      .flatMap(([mid]) => (keys.get(mid)?.base === "abort" ? [mid] : []))
      .toSorted();
    for (const [index, one] of checks.entries()) {
      reached.add(one, context, 1);
      for (const other of checks.slice(index + 1)) shared.add(one, other, 1);
    }
  }
  const unions = new Unions();
  for (const one of shared.keys()) {
    for (const [other, count] of shared.of(one)) {
      const rarer = Math.min(reached.total(one), reached.total(other));
      if (count < MIN_SHARED || count < MIN_SHARE * rarer) continue;
      const [first, second] = [keys.get(one), keys.get(other)];
      if (first !== undefined && second !== undefined && mayBeOne(first, second))
        unions.join(one, other);
    }
  }
  return unions;
}
