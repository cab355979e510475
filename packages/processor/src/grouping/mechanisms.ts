/**
 * Functions that other crashes saw called by a mechanism (ctypes, cffi), which do as their caller
 * says: where the binder's names are lost they look like functions that somebody else's code called.
 */
import { Tally } from "./counts.ts";
import { keyOf } from "./hash.ts";
import { MIN_SIGHTINGS } from "./limits.ts";
import type { SeenSighting } from "./sightings.ts";

/**
 * The same sightings; what does elsewhere as it is told is no culprit. With `apart` its crashes
 * leave the key of the function, one for each context.
 */
export function withMechanisms(
  seen: readonly SeenSighting[],
  contexts: readonly (string | null)[],
  apart: boolean,
): readonly SeenSighting[] {
  const told = new Tally();
  for (const { sighting, times } of seen) {
    const { told: isTold, named, chain } = sighting.evidence;
    const [culprit] = chain;
    if (isTold && !named && culprit !== undefined) told.add(spelled(culprit), culprit, times);
  }
  return seen.map((one, index) => {
    const { evidence, mid } = one.sighting;
    const name = spelled(evidence.chain[0] ?? "");
    const culprit = told.firstOf(name);
    if (!evidence.named || evidence.foreignThread || evidence.cycle !== null) return one;
    if (culprit === null || told.total(name) < MIN_SIGHTINGS) return one;
    const object = culprit.slice(0, culprit.indexOf(":"));
    const native = [culprit, ...evidence.native.slice(1)];
    const context = contexts[index] ?? null;
    return {
      ...one,
      sighting: {
        ...one.sighting,
        mid: apart && context !== null ? keyOf("", "mid", mid, [context]) : mid,
        evidence: { ...evidence, named: false, told: true, object, native },
      },
    };
  });
}

/** Platforms differ in what separates the words of a library's name: `libpay_term.so`, `PayTerm.dll`. */
const spelled = (token: string): string =>
  token.replace(/^[^:]*/, (object) => object.replaceAll(/[_-]/g, ""));
