/**
 * Deaths whose innermost frames are chance: a damaged heap shows wherever memory is asked for, the
 * collector meets a damaged object wherever it starts, a loop is dumped wherever it is just at.
 */
import { dominant, Tally } from "./counts.ts";
import type { Chance } from "./evidence.ts";
import type { NamedKeys } from "./named-keys.ts";
import type { SeenSighting, Sighting } from "./sightings.ts";

/** Deaths by chance that must have a function on their stack before it may stand for them, and their share of all that had it. */
const MIN_CHANCE = 3;
const MIN_CHANCE_SHARE = 0.4;
/** How often an object's code must have met the damage, and how many times as often as the next object's. */
const MIN_MET = 3;
const MET_RATIO = 3;
/** Dumps of a context that wait before a text of it is taken to wait, too. */
const MIN_WAITS = 2;

export class Chances {
  /** What died by chance, and what else died, by the functions on its stack. */
  readonly #chances = new Tally();
  readonly #others = new Tally();
  /** Keys of extensions' own functions in which the collector died, by context. */
  readonly #met = new Tally();
  /** Objects that met the damaged heap, by the functions on the stack; and keys of such deaths, by object. */
  readonly #heapObjects = new Tally();
  readonly #heapKeys = new Tally();
  readonly #waits = new Tally();
  readonly #loops = new Tally();

  constructor(
    seen: readonly SeenSighting[],
    contexts: readonly (string | null)[],
    named: NamedKeys,
  ) {
    for (const [index, { sighting, times }] of seen.entries()) {
      this.#count(sighting, times);
      const context = contexts[index] ?? null;
      if (context !== null) this.#countIn(context, sighting, times, named);
    }
  }

  #count({ mid, evidence: { chance, object, own } }: Sighting, times: number): void {
    for (const { unit } of own) {
      if (chance === null) this.#others.add(unit, mid, times);
      else this.#chances.add(`${chance} ${unit}`, mid, times);
    }
    if (chance !== "heap" || object === null) return;
    this.#heapKeys.add(object, mid, times);
    for (const { unit } of own) this.#heapObjects.add(unit, object, times);
  }

  #countIn(context: string, { mid, evidence }: Sighting, times: number, named: NamedKeys): void {
    if (evidence.named && evidence.collecting)
      this.#met.add(context, named.mainOf(context, mid), times);
    if (evidence.base === "hang" && evidence.sawNative)
      (evidence.chance === null ? this.#waits : this.#loops).add(context, mid, times);
  }

  /**
   * The chance that the frames of a capture tell. A text cannot tell a loop from a wait, but dumps
   * of its context can.
   */
  of({ evidence: { chance, sawNative } }: Sighting, context: string): Chance | null {
    const waits = this.#waits.total(context) >= MIN_WAITS && this.#loops.total(context) === 0;
    return chance === "busy" && !sawNative && waits ? null : chance;
  }

  /** The key of a death by `chance`; null where nothing stands for it. */
  keyOf(
    { mid, evidence: { base, own } }: Sighting,
    context: string,
    chance: Chance,
    openKeyOf: (context: string) => string | null,
  ): string | null {
    const met = chance === "collector" && this.#met.total(context) >= MIN_MET;
    if (met) return this.#met.firstOf(context);
    const best = this.#mostTelling(
      chance,
      own.map(({ unit }) => unit),
    );
    if (best === null) return null;
    const whole = chance === "heap" ? this.#heapKey(best) : openKeyOf(`${base}:${best}`);
    return whole ?? this.#chances.firstOf(`${chance} ${best}`) ?? mid;
  }

  /** The function that most such deaths had on their stack, and little else had. */
  #mostTelling(chance: Chance, units: readonly string[]): string | null {
    let best: string | null = null;
    let most = 0;
    for (const unit of units) {
      const count = this.#chances.total(`${chance} ${unit}`);
      const share = count / (count + this.#others.total(unit));
      if (count < MIN_CHANCE || share < MIN_CHANCE_SHARE || count * share <= most) continue;
      [best, most] = [unit, count * share];
    }
    return best;
  }

  /** An object that mostly met the damage is what did it, whatever called it. */
  #heapKey(unit: string): string | null {
    const objects = this.#heapObjects.of(unit);
    const object = dominant(objects, MET_RATIO);
    const often = object !== null && (objects.get(object) ?? 0) >= MIN_MET;
    return often ? this.#heapKeys.firstOf(object) : null;
  }
}
