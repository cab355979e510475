/** Which key each crash is filed under, among other crashes. */
import { WithPython } from "./attach-python.ts";
import { WithoutPython } from "./attach-native.ts";
import { contextsOf } from "./contexts.ts";
import { withNames } from "./code-places.ts";
import { withoutInstalled } from "./installed.ts";
import { withMechanisms } from "./mechanisms.ts";
import { NamedKeys } from "./named-keys.ts";
import { Assertions } from "./shared-links.ts";
import type { SeenSighting } from "./sightings.ts";

export interface AttachOptions {
  /**
   * A native function that many Python contexts reach is taken for a mechanism, and its callers
   * are told apart: under keys that are no crash's own.
   */
  readonly splits?: boolean;
}

/**
 * A key for each sighting, whatever their order; one that was seen often weighs as much as that.
 *
 * A text knows Python functions, a dump native ones, and captures of both tell which go together.
 * So a crash whose own key names its bug badly goes where those went that share its context, or
 * its native functions. Nothing here overrides what a person did: it only answers which key a
 * crash is filed under.
 */
export function attachAll(
  seen: readonly SeenSighting[],
  { splits = true }: AttachOptions = {},
): readonly string[] {
  const ours = seen.filter(({ sighting }) => !sighting.pinned);
  const known = withNames(withoutInstalled(ours));
  const contexts = contextsOf(known);
  const free = withMechanisms(known, contexts, splits);
  const named = new NamedKeys(free, contexts);
  const assertions = new Assertions(free, named);
  const python = new WithPython(free, contexts, named, assertions, splits);
  const keys = free.map(({ sighting }, index) => python.keyOf(sighting, contexts[index] ?? null));
  const native = new WithoutPython(free, keys, named, assertions);
  const found = new Map(
    ours.map(
      (one, index) => [one, keys[index] ?? native.keyOf((free[index] ?? one).sighting)] as const,
    ),
  );
  return seen.map((one) => found.get(one) ?? one.sighting.mid);
}
