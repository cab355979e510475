/**
 * Joins captures that know different halves of one bug.
 *
 * A text knows Python functions, a dump native ones, and captures of both tell which go together.
 * So a crash whose own key names its bug badly goes where the crashes went that share a link with
 * it, if they went one way: to one group, or to one several times as often as to the next.
 * Nothing here overrides what a person did: it only answers which key a crash is filed under.
 */
import { canonicalContext } from "./contexts.ts";
import { dominant, renamed, type Seen, type Sightings, together } from "./counts.ts";
import { keyOf } from "./hash.ts";
import { MIN_SIGHTINGS } from "./limits.ts";
import { links, PYTHON } from "./links.ts";
import { cyclesWithoutFile, type Sighting } from "./sightings.ts";

/** How many times as often as the next: for a context's culprit within one object, and beyond it. */
const SAME_OBJECT = 2;
const OTHER_OBJECT = 4;
/** For a text, of which nothing native is known; for a dump, of which nothing Python is. */
const BY_CONTEXT = 3;
const BY_NATIVE = 5;
/** No matter how often the next. */
const MOST = 1;
/** Contexts, each seen several times, from which a native function is a mechanism, not a bug. */
const MECHANISM_CONTEXTS = 5;
const MECHANISM_SIGHTINGS = 3;
/** Keys that may share a function before it says nothing of a death by chance. */
const MAX_USERS = 8;
const MIN_CHANCE = 3;

export class Joiner {
  readonly #seen: Sightings;
  readonly #splits: boolean;

  /** `splits`: a native function that many contexts reach is filed under each of them apart. */
  constructor(seen: Sightings, splits: boolean) {
    this.#seen = seen;
    this.#splits = splits;
  }

  /** The key that `sighting` is filed under. */
  keyOf(sighting: Sighting): string {
    const { evidence, mid } = sighting;
    if (sighting.pinned) return mid;
    if (evidence.cycle !== null) return this.#byCycle(sighting);
    const context = canonicalContext(evidence, this.#seen);
    if (context === null) return this.#withoutPython(sighting);
    const same = evidence.named ? this.#byAssertion(sighting, MIN_SIGHTINGS) : null;
    if (same !== null) return same;
    const main = this.#mainKey(context, sighting);
    if (main === PYTHON) return this.#openKey(context, sighting);
    if (main !== null) return this.#perContext(main, context);
    if (evidence.chance !== null) return this.#byChance(sighting, context);
    const asserted = this.#byAssertion(sighting, 1);
    if (asserted !== null) return asserted;
    return evidence.named ? this.#perContext(mid, context) : this.#openKey(context, sighting);
  }

  /** Contexts reach this key so many that it looks like a mechanism: callers may be told apart. */
  isMechanism(mid: string): boolean {
    const last = this.#seen.of(links.contexts(mid)).top[MECHANISM_CONTEXTS - 1];
    return last !== undefined && last[1] >= MECHANISM_SIGHTINGS;
  }

  #perContext(mid: string, context: string): string {
    return this.#splits && this.isMechanism(mid) ? keyOf("", "mid", mid, [context]) : mid;
  }

  /** What crashes of `context` died in: a key, or `PYTHON`; null where they do not agree. */
  #mainKey(context: string, sighting: Sighting): string | null {
    const named = this.#heard(links.named, context, sighting);
    return sighting.evidence.named ? mainOfNamed(named, sighting) : mainOfOpen(named, sighting);
  }

  /**
   * What crashes of `context` were seen with, as far as they may be of the same bug: those that
   * said the same or nothing.
   */
  #heard(link: typeof links.named, context: string, { evidence: { saying } }: Sighting): Seen {
    if (saying === "") return this.#seen.of(link(context));
    return together(this.#seen.of(link(context, saying)), this.#seen.of(link(context, "")));
  }

  /** The commonest key of captures of `context` that name no native culprit. */
  #openKey(context: string, sighting: Sighting): string {
    const key = dominant(this.#heard(links.open, context, sighting), MOST);
    return key === null ? sighting.mid : midOf(key);
  }

  /** The commonest of the recursions that differ in the file of one function. */
  #byCycle({ mid, evidence }: Sighting): string {
    let [best, most] = [mid, 0];
    for (const names of cyclesWithoutFile(evidence.cycle ?? [])) {
      const [key, count] = this.#seen.of(links.cycle(names)).top[0] ?? [mid, 0];
      const commoner = count > most || (count === most && midOf(key) < best);
      if (commoner) [best, most] = [midOf(key), count];
    }
    return best;
  }

  /** Where captures of the same assertion went, those first that name who made it. */
  #byAssertion({ evidence }: Sighting, least: number): string | null {
    const { assertion } = evidence;
    if (assertion === null) return null;
    for (const named of [true, false]) {
      const counts = this.#seen.of(links.assertion(named, assertion));
      const key = counts.total < least ? null : dominant(counts, SAME_OBJECT);
      if (key !== null) return midOf(key);
      if (evidence.named) break;
    }
    return null;
  }

  /** By the function that most such deaths had on their stack, and little else had. */
  #byChance(sighting: Sighting, context: string): string {
    const { base, chance, own } = sighting.evidence;
    let best: string | null = null;
    let most = MIN_CHANCE - 1;
    for (const { token } of own) {
      const count = this.#seen.of(links.chance(chance ?? "", token)).total;
      const special = this.#seen.of(links.users(token)).distinct <= MAX_USERS;
      if (count > most && special) [best, most] = [token, count];
    }
    if (best === null) return this.#openKey(context, sighting);
    const alone =
      chance === "heap" ? null : dominant(this.#seen.of(links.open(`${base}:${best}`)), MOST);
    const key = alone ?? dominant(this.#seen.of(links.chance(chance ?? "", best)), MOST);
    return key === null ? sighting.mid : midOf(key);
  }

  /** Native frames alone: where captures of both with the same native name went. */
  #withoutPython(sighting: Sighting): string {
    const { evidence, mid } = sighting;
    for (const name of evidence.native) {
      const key = this.#throughContexts(name, sighting);
      if (key !== null) return key;
      if (evidence.named) break;
    }
    const asserted = this.#byAssertion(sighting, 1);
    if (asserted !== null) return asserted;
    if (evidence.named || evidence.object === null) return mid;
    const key = dominant(this.#seen.of(links.object(evidence.base, evidence.object)), BY_NATIVE);
    return key === null ? mid : midOf(key);
  }

  #throughContexts(name: string, sighting: Sighting): string | null {
    const { base, named } = sighting.evidence;
    const contexts = this.#seen.of(links.native(base, name));
    if (contexts.distinct > contexts.top.length) return null;
    const nameless = { ...sighting, evidence: { ...sighting.evidence, named: false } };
    const keys = renamed(contexts, (context) => {
      const main = this.#mainKey(context, nameless);
      return main === null || main === PYTHON
        ? this.#openKey(context, sighting)
        : this.#perContext(main, context);
    });
    return dominant(keys, named ? SAME_OBJECT : BY_NATIVE);
  }
}

function mainOfNamed(named: Seen, { coarse, mid }: Sighting): string | null {
  const wide = dominant(named, OTHER_OBJECT);
  if (wide !== null && named.total >= MIN_SIGHTINGS) return midOf(wide);
  const within = ofObject(named, coarse);
  const narrow = dominant(within, SAME_OBJECT);
  return narrow !== null && within.total >= MIN_SIGHTINGS ? midOf(narrow) : mid;
}

/** For a capture that names no culprit: that of the object which most die in. */
function mainOfOpen(named: Seen, { coarse, evidence }: Sighting): string | null {
  const wide = dominant(named, BY_CONTEXT);
  if (wide !== null) return midOf(wide);
  const objects = renamed(named, objectOf);
  const mine = evidence.object !== null && objects.top.some(([object]) => object === coarse);
  const object = mine ? coarse : dominant(objects, BY_CONTEXT);
  if (object === null || object === PYTHON) return object;
  const key = dominant(ofObject(named, object), SAME_OBJECT);
  return key === null ? null : midOf(key);
}

const ofObject = (named: Seen, coarse: string): Seen =>
  renamed(named, (key) => (objectOf(key) === coarse ? key : null));

const objectOf = (key: string): string => key.slice(0, key.indexOf(" ")) || key;
const midOf = (key: string): string => key.slice(key.indexOf(" ") + 1);
