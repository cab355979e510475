/** Joins crashes whose Python functions are known: by their context. */
import { Tally } from "./counts.ts";
import { chanceIn, diedOf, isWithoutKey, PYTHON } from "./deaths.ts";
import type { Chance } from "./evidence.ts";
import { keyOf } from "./hash.ts";
import { Hypotheses } from "./hypotheses.ts";
import { MIN_SIGHTINGS } from "./limits.ts";
import { NamedKeys } from "./named-keys.ts";
import { type Assertions, Recursions } from "./shared-links.ts";
import type { SeenSighting, Sighting } from "./sightings.ts";

/** Deaths by chance that must have a function on their stack before it may stand for them, and their share of all that had it. */
const MIN_CHANCE = 3;
const MIN_CHANCE_SHARE = 0.3;

export class WithPython {
  readonly #named: NamedKeys;
  readonly #assertions: Assertions;
  readonly #splits: boolean;
  readonly #hypotheses: Hypotheses;
  readonly #recursions: Recursions;
  /** Keys of captures that name no culprit: by context, and by what they died of in it. */
  readonly #open = new Tally();
  /** Of deaths by chance: by what they had on their stack. Of others: keys by the same. */
  readonly #chances = new Tally();
  readonly #users = new Tally();
  readonly #victims = new Tally();

  constructor(
    seen: readonly SeenSighting[],
    contexts: readonly (string | null)[],
    assertions: Assertions,
    splits: boolean,
  ) {
    this.#splits = splits;
    this.#named = new NamedKeys(seen, contexts);
    this.#assertions = assertions;
    this.#hypotheses = new Hypotheses(seen, contexts, this.#named);
    this.#recursions = new Recursions(seen);
    for (const [index, one] of seen.entries()) this.#add(one, contexts[index] ?? null);
  }

  #add({ sighting, times }: SeenSighting, context: string | null): void {
    const { evidence, mid } = sighting;
    const { named, sawNative, chance, own } = evidence;
    for (const { unit } of own) {
      if (chance === null) this.#users.add(unit, mid, times);
      else this.#chances.add(`${chance} ${unit}`, mid, times);
    }
    if (chance === "collector") this.#victims.add(evidence.base, mid, times);
    if (context === null || named) return;
    this.#open.add(context, mid, times);
    const died = sawNative ? diedOf(sighting) : PYTHON;
    if (died !== null) this.#open.add(`${context} ${died}`, mid, times);
  }

  /** The key that a crash is filed under; null for one without Python functions. */
  keyOf(sighting: Sighting, context: string | null): string | null {
    const { evidence } = sighting;
    if (evidence.cycle !== null) return this.#recursions.keyOf(sighting);
    if (context === null) return evidence.chance === "collector" ? this.#anyVictim(sighting) : null;
    return evidence.named ? this.#ofNamed(sighting, context) : this.#ofOpen(sighting, context);
  }

  #ofNamed(sighting: Sighting, context: string): string {
    const asserted = this.#assertions.keyOf(sighting, MIN_SIGHTINGS);
    return asserted ?? this.#perContext(this.#named.mainOf(context, sighting.mid), context);
  }

  #ofOpen(sighting: Sighting, context: string): string {
    const { mid, evidence } = sighting;
    const best = this.#hypotheses.bestOf(context, sighting);
    const chance = evidence.chance ?? chanceIn(best);
    if (chance !== null) return this.#byChance(sighting, context, chance);
    if (best !== null && !isWithoutKey(best)) return this.#perContext(best, context);
    if (best !== null) return this.#open.firstOf(`${context} ${best}`) ?? mid;
    return this.#assertions.keyOf(sighting, 1) ?? this.#openKey(sighting, context);
  }

  #perContext(mid: string, context: string): string {
    const part = this.#splits ? this.#named.partOf(mid, context) : null;
    return part === null ? mid : keyOf("", "mid", mid, [part]);
  }

  #openKey({ mid }: Sighting, context: string): string {
    return this.#open.firstOf(context) ?? mid;
  }

  /** By the function that most such deaths had on their stack, and little else had. */
  #byChance(sighting: Sighting, context: string, chance: Chance): string {
    const { base, own } = sighting.evidence;
    let best: string | null = null;
    let most = 0;
    for (const { unit } of own) {
      const count = this.#chances.total(`${chance} ${unit}`);
      const share = count / (count + this.#users.total(unit));
      if (count < MIN_CHANCE || share < MIN_CHANCE_SHARE || count * share <= most) continue;
      [best, most] = [unit, count * share];
    }
    if (best === null && chance === "collector") return this.#anyVictim(sighting);
    if (best === null) return this.#openKey(sighting, context);
    const alone = chance === "heap" ? null : this.#open.firstOf(`${base}:${best}`);
    return alone ?? this.#chances.firstOf(`${chance} ${best}`) ?? sighting.mid;
  }

  /**
   * The collector starts wherever memory is asked for: a function that it met a damaged object in is as innocent as any
   * other, and a group of its own would only accuse it.
   */
  #anyVictim({ mid, evidence }: Sighting): string {
    return this.#victims.firstOf(evidence.base) ?? mid;
  }
}
