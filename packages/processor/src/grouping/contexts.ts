/**
 * The Python side of a crash as a key that survives releases: its `context`.
 *
 * It is the innermost function of the program, with its callers only where it is a helper that
 * more others call. A file that moved, or a function that releases put above it, leads to the
 * commoner context, as far as both were seen to die of the same.
 */
import { ranked, Tally } from "./counts.ts";
import { diedOf, PYTHON } from "./deaths.ts";
import type { Evidence, OwnFunction } from "./evidence.ts";
import { MIN_SIGHTINGS } from "./limits.ts";
import { isMechanism } from "./named-parts.ts";
import type { SeenSighting } from "./sightings.ts";

/**
 * A function that more others call is a helper, whatever its name: its caller tells bugs apart. It may have more of them
 * where it was seen to die in one object, most of the times it was.
 */
const MAX_CALLERS = 4;
const MAX_CALLERS_OF_ONE = 12;
const ONE = 0.7;
const MIN_DEATHS = 3;
/** Contexts that differ in one file; with more, the function's name is only a popular one. */
const MAX_FILES = 8;
/** Frames at the top of the stack that a variant may lack. */
const MAX_ADDED = 2;

/** The context of each sighting; null for those without Python frames, and for recursions. */
export function contextsOf(seen: readonly SeenSighting[]): readonly (string | null)[] {
  const functions = new Functions(seen);
  const plain = seen.map(({ sighting: { evidence } }) => functions.contextOf(evidence));
  const settled = withoutMoves(seen, plain);
  return withoutAdditions(seen, settled, functions);
}

/** Who calls whom, who is innermost, and what was seen below them. */
class Functions {
  readonly #callers = new Tally();
  readonly #innermost = new Map<string, number>();
  /** Objects that died below a function; whether foreign code was called by a mechanism. */
  readonly #objects = new Tally();
  readonly #told = new Tally();
  readonly #shared = new Map<string, boolean>();

  constructor(seen: readonly SeenSighting[]) {
    for (const { sighting, times } of seen) {
      const { own, told, sawNative, object } = sighting.evidence;
      for (const [index, { unit }] of own.entries()) {
        const caller = own[index + 1];
        if (caller !== undefined) this.#callers.add(unit, caller.unit, times);
      }
      const first = own[0]?.unit;
      if (first === undefined) continue;
      this.#innermost.set(first, (this.#innermost.get(first) ?? 0) + times);
      if (!sawNative) continue;
      this.#objects.add(first, object ?? PYTHON, times);
      this.#told.add(first, String(told), times);
    }
  }

  /** `own`: the functions of the program, some of the innermost left out. */
  contextOf({ base, instead, own: all }: Evidence, own = all): string | null {
    const [first] = own;
    if (first !== undefined) return keyOf(base, this.#named(first, own));
    return instead.length === 0 ? null : keyOf(base, instead);
  }

  #named(first: OwnFunction, own: readonly OwnFunction[]): readonly string[] {
    const known = (this.#innermost.get(first.unit) ?? 0) >= MIN_SIGHTINGS;
    if (!first.helper && known && !this.#isShared(first.unit)) return [first.unit];
    return own.slice(0, first.helper ? 3 : 2).map(({ unit }) => unit);
  }

  /** Many call it; or several do to have foreign code called, which is a mechanism for them. */
  #isShared(unit: string): boolean {
    const known = this.#shared.get(unit);
    if (known !== undefined) return known;
    const shared = this.#hasManyCallers(unit);
    this.#shared.set(unit, shared);
    return shared;
  }

  #hasManyCallers(unit: string): boolean {
    const callers = this.#callers.of(unit);
    if (callers.size > (this.#diesOfOne(unit) ? MAX_CALLERS_OF_ONE : MAX_CALLERS)) return true;
    return this.#told.firstOf(unit) === "true" && isMechanism(callers.values());
  }

  #diesOfOne(unit: string): boolean {
    const deaths = this.#objects.total(unit);
    const [first] = this.#objects.commonestOf(unit);
    return deaths >= MIN_DEATHS && first !== undefined && first[1] >= ONE * deaths;
  }
}

const keyOf = (base: string, units: readonly string[]): string => `${base}:${units.join(" < ")}`;

function sizesOf(
  seen: readonly SeenSighting[],
  contexts: readonly (string | null)[],
): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const [index, context] of contexts.entries()) {
    if (context !== null) sizes.set(context, (sizes.get(context) ?? 0) + (seen[index]?.times ?? 0));
  }
  return sizes;
}

/** The commonest context of the same functions in a file of another name. */
function withoutMoves(
  seen: readonly SeenSighting[],
  contexts: readonly (string | null)[],
): readonly (string | null)[] {
  const sizes = sizesOf(seen, contexts);
  const moved = new Tally();
  for (const [index, { sighting, times }] of seen.entries()) {
    const context = contexts[index] ?? null;
    if (context === null) continue;
    for (const key of movedKeys(sighting.evidence)) moved.add(key, context, times);
  }
  return seen.map(({ sighting }, index) => {
    const own = contexts[index] ?? null;
    if (own === null) return null;
    const others = movedKeys(sighting.evidence)
      .map((key) => moved.of(key))
      .filter(({ size }) => size <= MAX_FILES)
      .flatMap((contextsOfKey) => [...contextsOfKey.keys()])
      .map((other) => [other, sizes.get(other) ?? 0] as const);
    const [most] = ranked(others);
    return most !== undefined && most[1] > leastOf(sizes, own) ? most[0] : own;
  });
}

/** With the file of the innermost function, or of its caller, left out. */
function movedKeys({ base, own }: Evidence): readonly string[] {
  const [first, second] = own;
  if (first === undefined || second === undefined) return [];
  return [`${base}:${nameOf(first)} < ${second.unit}`, `${base}:${first.unit} < ${nameOf(second)}`];
}

const nameOf = ({ unit }: OwnFunction): string => unit.slice(unit.indexOf(":") + 1);

/** The commoner context of a stack that lacks the innermost functions, unless that died of something else. */
function withoutAdditions(
  seen: readonly SeenSighting[],
  contexts: readonly (string | null)[],
  functions: Functions,
): readonly (string | null)[] {
  const sizes = sizesOf(seen, contexts);
  const died = new Tally();
  for (const [index, { sighting, times }] of seen.entries()) {
    const context = contexts[index] ?? null;
    const what = diedOf(sighting);
    if (context !== null && what !== null) died.add(context, what, times);
  }
  const agree = (one: string, other: string): boolean => {
    const [mine, theirs] = [died.firstOf(one), died.firstOf(other)];
    return mine === null || theirs === null || mine === theirs;
  };
  return seen.map(({ sighting: { evidence } }, index) => {
    const own = contexts[index] ?? null;
    if (own === null) return null;
    for (let added = 1; added <= MAX_ADDED && added < evidence.own.length; added++) {
      const variant = functions.contextOf(evidence, evidence.own.slice(added));
      if (variant === null || (sizes.get(variant) ?? 0) <= leastOf(sizes, own)) continue;
      if (agree(own, variant)) return variant;
    }
    return own;
  });
}

/** A context is left for one that was seen more often, and several times. */
const leastOf = (sizes: ReadonlyMap<string, number>, own: string): number =>
  Math.max(sizes.get(own) ?? 0, MIN_SIGHTINGS - 1);
