/** Joins crashes of which only native frames are known: by their functions, objects and places. */
import { placesOf } from "./code-places.ts";
import { dominant, Tally } from "./counts.ts";
import type { Assertions } from "./shared-links.ts";
import type { SeenSighting, Sighting } from "./sightings.ts";

/** How many times as often as the next, where nothing names the culprit. */
const UNNAMED = 3;

export class WithoutPython {
  readonly #assertions: Assertions;
  /** Keys that captures of both are filed under, by their native names. */
  readonly #names = new Tally();
  /** Keys of captures that name a culprit, by its object. */
  readonly #objects = new Tally();
  /** The same two of threads that native code made for itself, which Python code cannot cause. */
  readonly #threadNames = new Tally();
  readonly #threadObjects = new Tally();

  /** `keys`: of those whose Python functions are known. */
  constructor(
    seen: readonly SeenSighting[],
    keys: readonly (string | null)[],
    assertions: Assertions,
  ) {
    this.#assertions = assertions;
    for (const [index, { sighting, times }] of seen.entries()) {
      const { base, native, named, object, foreignThread } = sighting.evidence;
      const key = keys[index] ?? null;
      const places = placesOf(sighting.evidence);
      const names = [...native, ...places].map((name) => `${base}:${name}`);
      if (key !== null) for (const name of names) this.#names.add(name, key, times);
      if (!named) continue;
      const place = `${base}:${object}`;
      this.#objects.add(place, key ?? sighting.mid, times);
      if (!foreignThread) continue;
      this.#threadObjects.add(place, sighting.mid, times);
      for (const name of names) this.#threadNames.add(name, sighting.mid, times);
    }
  }

  /** The key that a crash is filed under. */
  keyOf(sighting: Sighting): string {
    const { mid, evidence } = sighting;
    if (evidence.foreignThread && !evidence.named)
      return this.#byNames(sighting, this.#threadNames, this.#threadObjects) ?? mid;
    if (!evidence.named) {
      const known = this.#byNames(sighting, this.#names, null);
      const asserted = known ?? this.#assertions.keyOf(sighting, 1);
      return asserted ?? (evidence.told ? null : this.#byObject(sighting, this.#objects)) ?? mid;
    }
    const [culprit = ""] = evidence.native;
    const known = this.#names.firstOf(`${evidence.base}:${culprit}`);
    return known ?? this.#assertions.keyOf(sighting, 1) ?? mid;
  }

  /** By the first of its places and names that clearly leads to one key, else by its object. */
  #byNames(sighting: Sighting, names: Tally, objects: Tally | null): string | null {
    const { base, native } = sighting.evidence;
    for (const name of [...placesOf(sighting.evidence), ...native]) {
      const key = dominant(names.commonestOf(`${base}:${name}`), UNNAMED);
      if (key !== null) return key;
    }
    return objects === null ? null : this.#byObject(sighting, objects);
  }

  #byObject({ evidence: { base, object } }: Sighting, objects: Tally): string | null {
    return object === null ? null : dominant(objects.commonestOf(`${base}:${object}`), UNNAMED);
  }
}
