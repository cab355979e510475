/**
 * What has been seen of crashes, as counts of links: the only thing `attach` knows of them.
 *
 * A link is a text that crashes share ("python:memory:media.thumbs:make_thumb"); each maps to what
 * it was seen with (a mid key, another link) and how often. A service stores sightings, a run of the
 * command keeps them in memory.
 */
import type { Evidence } from "./evidence.ts";
import { links, PYTHON } from "./links.ts";
import { canonicalContext, contextsOf } from "./contexts.ts";
import type { LinkPair, Sightings } from "./counts.ts";

/**
 * Of what a sighting looks like as JSON: to be raised with every change of it. Those of two versions
 * are not joined with each other.
 */
export const SIGHTING_VERSION = 1;

/** One crash: its keys and what it shares with others. Plain data: what became JSON and back is as good. */
export interface Sighting {
  readonly coarse: string;
  readonly mid: string;
  readonly evidence: Evidence;
  /** A person's rule chose the key: nothing moves the crash. */
  readonly pinned: boolean;
}

/**
 * What a crash adds to the counts, in the order in which it must be added: who calls whom tells
 * helpers apart, helpers make contexts, and contexts are counted under the commonest variant.
 */
export const stages = [callersOf, contextsSeen, linksOf] as const;

function* callersOf({ evidence: { own } }: Sighting): Generator<LinkPair> {
  for (let index = 0; index + 1 < own.length; index++) {
    yield [links.callers(own[index]!.token), own[index + 1]!.token];
  }
}

function* contextsSeen({ evidence, pinned }: Sighting, seen: Sightings): Generator<LinkPair> {
  if (pinned) return;
  const { own, forms, moved } = contextsOf(evidence, seen);
  if (own === null) return;
  for (const form of forms) yield [links.context(form), ""];
  for (const key of moved) yield [links.moved(key), own];
}

function* linksOf(sighting: Sighting, seen: Sightings): Generator<LinkPair> {
  const { coarse, mid, evidence, pinned } = sighting;
  if (pinned) return;
  const key = `${coarse} ${mid}`;
  const context = canonicalContext(evidence, seen);
  if (context !== null) {
    // Whether a function is a helper may turn out later: counts are kept under both its forms.
    const forms = new Set([context, ...contextsOf(evidence, seen).forms]);
    for (const form of forms) yield* contextLinks(form, sighting, key);
    if (evidence.named) yield [links.contexts(mid), context];
    for (const name of evidence.native) yield [links.native(evidence.base, name), context];
  }
  if (evidence.named && evidence.object !== null) {
    yield [links.object(evidence.base, evidence.object), key];
  }
  if (evidence.assertion !== null) {
    yield [links.assertion(evidence.named, evidence.assertion), key];
  }
  for (const names of cyclesWithoutFile(evidence.cycle ?? [])) yield [links.cycle(names), key];
  for (const { token } of evidence.own) {
    yield evidence.chance === null
      ? [links.users(token), mid]
      : [links.chance(evidence.chance, token), key];
  }
}

function* contextLinks(context: string, { evidence }: Sighting, key: string): Generator<LinkPair> {
  const { named, saying } = evidence;
  const link = named ? links.named : links.open;
  yield [link(context), key];
  yield [link(context, saying), key];
  if (named) return;
  const told = evidence.sawNative && evidence.object === null && evidence.chance === null;
  if (!told || evidence.base === "hang") return;
  yield [links.named(context), PYTHON];
  yield [links.named(context, saying), PYTHON];
}

/** An endless recursion, each time without the file of another function: what a move leaves. */
export function cyclesWithoutFile(cycle: readonly string[]): readonly string[] {
  if (cycle.length < 2) return [];
  return cycle.map((token) => {
    const name = token.slice(token.indexOf(":") + 1);
    const others = cycle.filter((other) => other !== token);
    return [name, ...others].join(" < ");
  });
}
