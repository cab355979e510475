/**
 * What crashes were seen to die of, in one word each, to be counted: the key that names a native culprit, or one of the
 * words below, none of which is a key.
 */
import type { Chance } from "./evidence.ts";
import type { Sighting } from "./sightings.ts";

/** Native code did as the Python code told it. */
export const PYTHON = "python";

/** Of an object, without more names, or of damage that showed by chance. */
export const objectDeath = (object: string): string => `object ${object}`;
export const chanceDeath = (chance: Chance): string => `chance ${chance}`;

/** Null for a capture that does not tell: without native frames, and hangs, which did not die. */
export function diedOf({ mid, evidence }: Sighting): string | null {
  const { sawNative, chance, base, named, object } = evidence;
  if (base === "hang") return null;
  if (chance !== null) return chanceDeath(chance);
  if (!sawNative) return null;
  if (named) return mid;
  return object === null ? PYTHON : objectDeath(object);
}

/** The chance that a death was, if it was one. */
export const chanceIn = (died: string | null): Chance | null =>
  chances.find((chance) => died === chanceDeath(chance)) ?? null;
const chances: readonly Chance[] = ["heap", "collector"];

/** What died is known, but not by a key. */
export const isWithoutKey = (died: string): boolean =>
  died === PYTHON || died.startsWith(objectDeath(""));
