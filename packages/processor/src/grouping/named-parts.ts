/**
 * One native function in which several bugs die: its callers tell them apart. A mechanism has as
 * many as it has contexts; any other function those whose ways to it have nothing in common.
 */
import { ranked, Tally } from "./counts.ts";
import { Unions } from "./unions.ts";

/** How often the contexts of a part must have been seen together before it stands by itself. */
const MIN_PART = 3;
/** What so many contexts reach, each several times, is a mechanism rather than a bug. */
const MECHANISM_CALLERS = 5;
const MECHANISM_TIMES = 3;

/** `times`: how often each of its callers was seen. */
export function isMechanism(times: Iterable<number>): boolean {
  let callers = 0;
  for (const count of times) if (count >= MECHANISM_TIMES) callers++;
  return callers >= MECHANISM_CALLERS;
}

/**
 * For each context in `reaching` (with how often it was seen) the one that stands for its part of
 * the function; null for the main part, which is the commonest. `ways`: contexts by the native
 * function that called this one.
 */
export function partsOf(
  reaching: ReadonlyMap<string, number>,
  ways: readonly ReadonlyMap<string, number>[],
  inExtension: boolean,
): ReadonlyMap<string, string | null> {
  if (!inExtension && isMechanism(reaching.values()))
    return new Map([...reaching.keys()].map((context) => [context, context]));
  const heads = unionsOf(ways);
  const parts = new Tally();
  for (const [context, times] of reaching) parts.add(heads.headOf(context), context, times);
  const nameOf = (head: string): string => parts.firstOf(head) ?? head;
  const [main] = ranked(
    [...parts.keys()].map((head) => [nameOf(head), parts.total(head)] as const),
  );
  return new Map(
    [...reaching.keys()].map((context) => {
      const head = heads.headOf(context);
      const isPart = nameOf(head) !== main?.[0] && parts.total(head) >= MIN_PART;
      return [context, isPart ? nameOf(head) : null];
    }),
  );
}

/** Contexts that share a way, directly or over others, have one head. */
function unionsOf(ways: readonly ReadonlyMap<string, number>[]): Unions {
  const unions = new Unions();
  for (const contexts of ways) {
    const [first, ...others] = [...contexts.keys()];
    for (const other of others) unions.join(first ?? other, other);
  }
  return unions;
}
