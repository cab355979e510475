/** What joins crashes whatever else was captured: a failed assertion, an endless recursion. */
import { commonest, Tally } from "./counts.ts";
import type { NamedKeys } from "./named-keys.ts";
import type { SeenSighting } from "./sightings.ts";

type Sighting = SeenSighting["sighting"];

/** Keys by failed assertion: of captures that name a native culprit, and of those that do not. */
export class Assertions {
  readonly #named = new Tally();
  readonly #open = new Tally();

  constructor(seen: readonly SeenSighting[], keys: NamedKeys) {
    for (const { sighting, times } of seen) {
      const { assertion, named } = sighting.evidence;
      if (assertion !== null)
        (named ? this.#named : this.#open).add(assertion, keys.sameAs(sighting.mid), times);
    }
  }

  /** Where captures of the same assertion went, those first that name who made it; null with fewer than `least`. */
  keyOf({ evidence: { assertion, named } }: Sighting, least: number): string | null {
    if (assertion === null) return null;
    const sides = named ? [this.#named] : [this.#named, this.#open];
    const side = sides.find((one) => one.total(assertion) >= least);
    return side?.firstOf(assertion) ?? null;
  }
}

/** Keys by the functions of a recursion. */
export class Recursions {
  readonly #keys = new Tally();

  constructor(seen: readonly SeenSighting[]) {
    for (const { sighting, times } of seen) {
      for (const names of namesOf(sighting)) this.#keys.add(names, sighting.mid, times);
    }
  }

  /** The commonest of the recursions that differ in the file of one function. */
  keyOf(sighting: Sighting): string {
    const counts = namesOf(sighting).flatMap((names) => this.#keys.commonestOf(names).slice(0, 1));
    return commonest(counts) ?? sighting.mid;
  }
}

/** A recursion's functions, and the same each time without the file of another: what a move leaves. */
function namesOf({ evidence: { cycle } }: Sighting): readonly string[] {
  if (cycle === null) return [];
  const sorted = cycle.toSorted();
  const whole = sorted.join(" < ");
  if (sorted.length < 2) return [whole];
  const moved = sorted.map((unit) =>
    [unit.slice(unit.indexOf(":") + 1), ...sorted.filter((other) => other !== unit)].join(" < "),
  );
  return [whole, ...moved];
}
