/** Joins crashes of which only native frames are known: by their functions, objects and places. */
import { placesOf } from "./code-places.ts";
import { dominant, Tally } from "./counts.ts";
import type { NamedKeys } from "./named-keys.ts";
import type { Assertions } from "./shared-links.ts";
import type { SeenSighting, Sighting } from "./sightings.ts";

/** How many times as often as the next, where nothing names the culprit. */
const UNNAMED = 3;

export class WithoutPython {
  readonly #named: NamedKeys;
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
    named: NamedKeys,
    assertions: Assertions,
  ) {
    this.#named = named;
    this.#assertions = assertions;
    for (const [index, { sighting, times }] of seen.entries()) {
      const { evidence } = sighting;
      const { base, native, object, foreignThread } = evidence;
      const key = keys[index] ?? null;
      const places = placesOf(evidence);
      const names = [...native, ...places].map((name) => `${base}:${name}`);
      if (key !== null) for (const name of names) this.#names.add(name, key, times);
      if (!evidence.named) continue;
      const place = `${base}:${object}`;
      const own = named.sameAs(sighting.mid);
      this.#objects.add(place, key ?? own, times);
      if (!foreignThread) continue;
      this.#threadObjects.add(place, own, times);
      for (const name of names) this.#threadNames.add(name, own, times);
    }
  }

  /** The key that a crash is filed under. */
  keyOf(sighting: Sighting): string {
    const { named } = sighting.evidence;
    const found = named ? this.#ofNamed(sighting) : this.#ofNameless(sighting);
    return found ?? this.#named.sameAs(sighting.mid);
  }

  #ofNamed(sighting: Sighting): string | null {
    const { base, native, foreignThread } = sighting.evidence;
    const known = foreignThread ? null : this.#names.firstOf(`${base}:${native[0] ?? ""}`);
    return known ?? this.#assertions.keyOf(sighting, 1);
  }

  /** By places, names and words; then by the object, unless that does as it is told. */
  #ofNameless(sighting: Sighting): string | null {
    if (sighting.evidence.foreignThread)
      return (
        this.#byNames(sighting, this.#threadNames) ?? this.#byObject(sighting, this.#threadObjects)
      );
    const known = this.#byNames(sighting, this.#names) ?? this.#assertions.keyOf(sighting, 1);
    return known ?? (sighting.evidence.told ? null : this.#byObject(sighting, this.#objects));
  }

  /** By the first of its places and names that clearly leads to one key. */
  #byNames({ evidence }: Sighting, names: Tally): string | null {
    for (const name of [...placesOf(evidence), ...evidence.native]) {
      const key = dominant(names.commonestOf(`${evidence.base}:${name}`), UNNAMED);
      if (key !== null) return key;
    }
    return null;
  }

  #byObject({ evidence: { base, object } }: Sighting, objects: Tally): string | null {
    return object === null ? null : dominant(objects.commonestOf(`${base}:${object}`), UNNAMED);
  }
}
