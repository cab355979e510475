/** Joins crashes whose Python functions are known: by their context. */
import { Chances } from "./chances.ts";
import { samePlaces } from "./code-places.ts";
import { Tally } from "./counts.ts";
import { chanceIn, diedOf, isWithoutKey, PYTHON } from "./deaths.ts";
import { keyOf } from "./hash.ts";
import { Hypotheses } from "./hypotheses.ts";
import { MIN_SIGHTINGS } from "./limits.ts";
import type { NamedKeys } from "./named-keys.ts";
import { type Assertions, Recursions } from "./shared-links.ts";
import type { SeenSighting, Sighting } from "./sightings.ts";
import type { Unions } from "./unions.ts";

export class WithPython {
  readonly #named: NamedKeys;
  readonly #assertions: Assertions;
  readonly #splits: boolean;
  readonly #hypotheses: Hypotheses;
  readonly #recursions: Recursions;
  readonly #chances: Chances;
  readonly #deaths: Unions;
  /** Keys of captures that name no culprit: by context, and by what they died of in it. */
  readonly #open = new Tally();

  constructor(
    seen: readonly SeenSighting[],
    contexts: readonly (string | null)[],
    named: NamedKeys,
    assertions: Assertions,
    splits: boolean,
  ) {
    this.#splits = splits;
    this.#named = named;
    this.#assertions = assertions;
    this.#hypotheses = new Hypotheses(seen, contexts, named);
    this.#recursions = new Recursions(seen);
    this.#chances = new Chances(seen, contexts, named);
    this.#deaths = samePlaces(seen, contexts);
    for (const [index, one] of seen.entries()) {
      const context = contexts[index] ?? null;
      if (context !== null && !one.sighting.evidence.named) this.#add(one, context);
    }
  }

  #add({ sighting, times }: SeenSighting, context: string): void {
    const { mid, evidence } = sighting;
    this.#open.add(context, mid, times);
    const died = evidence.sawNative ? diedOf(sighting) : PYTHON;
    if (died !== null) this.#open.add(this.#deaths.headOf(`${context} ${died}`), mid, times);
  }

  /** The key that a crash is filed under; null for one without Python functions. */
  keyOf(sighting: Sighting, context: string | null): string | null {
    const { evidence } = sighting;
    if (evidence.cycle !== null) return this.#recursions.keyOf(sighting);
    if (context === null) return null;
    return evidence.named ? this.#ofNamed(sighting, context) : this.#ofOpen(sighting, context);
  }

  #ofNamed(sighting: Sighting, context: string): string {
    const asserted = this.#assertions.keyOf(sighting, MIN_SIGHTINGS);
    if (asserted !== null) return asserted;
    const main = this.#named.mainOf(context, sighting.mid);
    const askedOnly = sighting.evidence.inInterpreter && this.#hypotheses.isOfPython(context, main);
    const python = askedOnly ? this.#open.firstOf(`${context} ${PYTHON}`) : null;
    return python ?? this.#perContext(main, context);
  }

  #ofOpen(sighting: Sighting, context: string): string {
    const { mid } = sighting;
    const best = this.#hypotheses.bestOf(context, sighting);
    const chance = this.#chances.of(sighting, context) ?? chanceIn(best);
    const openKeyOf = (one: string): string | null => this.#open.firstOf(one);
    if (chance !== null)
      return this.#chances.keyOf(sighting, context, chance, openKeyOf) ?? openKeyOf(context) ?? mid;
    if (best !== null && !isWithoutKey(best)) return this.#perContext(best, context);
    if (best !== null) return openKeyOf(this.#deaths.headOf(`${context} ${best}`)) ?? mid;
    return this.#assertions.keyOf(sighting, 1) ?? openKeyOf(context) ?? mid;
  }

  #perContext(mid: string, context: string): string {
    const part = this.#splits ? this.#named.partOf(mid, context) : null;
    return part === null ? mid : keyOf("", "mid", mid, [part]);
  }
}
