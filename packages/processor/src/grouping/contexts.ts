/**
 * The Python side of a crash as a key that survives releases: `context`.
 *
 * It is what an anchor is (the innermost functions of the program), told apart from its variants:
 * one function suffices where few others call it; a wrapper that some releases have, or a file
 * that moved, leads to the context without it, if that is the more common one.
 */
import type { Sightings } from "./counts.ts";
import type { Evidence, OwnFunction } from "./evidence.ts";
import { MIN_SIGHTINGS } from "./limits.ts";
import { links } from "./links.ts";

/** A function that more others call is a helper, whatever its name: its caller tells bugs apart. */
const MAX_CALLERS = 3;
/** Contexts that differ in one file; with more, the function's name is only a popular one. */
const MAX_FILES = 8;
/** Frames at the top of the stack that a variant may lack. */
const MAX_ADDED = 2;

export interface Contexts {
  /** As this stack has it; null without Python frames. */
  readonly own: string | null;
  /** The same, its innermost function alone and with its caller: one of them is `own`. */
  readonly forms: readonly string[];
  /** What it may be a variant of. */
  readonly variants: readonly string[];
  /** Keys that it shares with the same functions in a file of another name. */
  readonly moved: readonly string[];
}

const none: Contexts = { own: null, forms: [], variants: [], moved: [] };

export function contextsOf(evidence: Evidence, seen: Sightings): Contexts {
  const { base, own, instead } = evidence;
  if (own.length === 0) {
    const only = keyOf(base, instead);
    return instead.length === 0 ? none : { ...none, own: only, forms: [only] };
  }
  const key = (functions: readonly OwnFunction[]): string => keyOf(base, named(functions, seen));
  const variants: string[] = [];
  for (let added = 1; added <= MAX_ADDED && added < own.length; added++) {
    variants.push(key(own.slice(added)));
  }
  for (let skipped = 2; skipped <= MAX_ADDED + 1 && skipped < own.length; skipped++) {
    variants.push(key([own[0]!, own[skipped]!]));
  }
  const forms = [...new Set([[own[0]!.token], withCallers(own)].map((form) => keyOf(base, form)))];
  return { own: key(own), forms, variants, moved: movedKeys(base, own) };
}

/** The tokens that make the context: the innermost function, with callers where it is a helper. */
function named(own: readonly OwnFunction[], seen: Sightings): readonly string[] {
  const [first] = own;
  if (first === undefined) return [];
  const few = seen.of(links.callers(first.token));
  if (!first.helper && few.distinct <= MAX_CALLERS && few.total >= MIN_SIGHTINGS) {
    return [first.token];
  }
  return withCallers(own);
}

const withCallers = (own: readonly OwnFunction[]): readonly string[] =>
  own.slice(0, own[0]?.helper === true ? 3 : 2).map(({ token }) => token);

const keyOf = (base: string, tokens: readonly string[]): string => `${base}:${tokens.join(" < ")}`;

/** With the file of the innermost function, or of its caller, left out. */
function movedKeys(base: string, own: readonly OwnFunction[]): readonly string[] {
  const [first, second] = own;
  if (first === undefined || second === undefined) return [];
  return [
    `${base}:${nameOf(first)} < ${second.token}`,
    `${base}:${first.token} < ${nameOf(second)}`,
  ];
}

const nameOf = ({ token }: OwnFunction): string => token.slice(token.indexOf(":") + 1);

/** The context that `evidence` belongs to: its own, or the commoner one that it is a variant of. */
export function canonicalContext(evidence: Evidence, seen: Sightings): string | null {
  const { own, variants, moved } = contextsOf(evidence, seen);
  if (own === null) return null;
  const mine = Math.max(seenIn(own, seen), MIN_SIGHTINGS - 1);
  const commoner = variants.find((variant) => seenIn(variant, seen) > mine);
  return commoner ?? commonest(own, moved, mine, seen);
}

const seenIn = (context: string, seen: Sightings): number => seen.of(links.context(context)).total;

/** Among the contexts that share a key of `moved` with `own`. */
function commonest(own: string, moved: readonly string[], mine: number, seen: Sightings): string {
  let [best, most] = [own, mine];
  for (const key of moved) {
    const others = seen.of(links.moved(key));
    if (others.distinct > MAX_FILES) continue;
    for (const [other] of others.top) {
      const count = seenIn(other, seen);
      if (count > most) [best, most] = [other, count];
    }
  }
  return best;
}
