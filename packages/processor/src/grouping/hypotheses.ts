/** What the crashes of a context may have died of, and how often each was seen. */
import { commonest, dominant, Tally } from "./counts.ts";
import { diedOf, objectDeath, PYTHON } from "./deaths.ts";
import type { Evidence } from "./evidence.ts";
import type { NamedKeys } from "./named-keys.ts";
import type { SeenSighting, Sighting } from "./sightings.ts";

/** How many times as likely as the next a hypothesis must be. */
const CLEARLY = 1.2;
const PREVAILS = 4;

/**
 * A hypothesis is what was died of (`diedOf`), of a key its context's main one; of an object that
 * died without a name the main key that passes it, if one does.
 */
export class Hypotheses {
  readonly #named: NamedKeys;
  readonly #byContext = new Tally();
  /** The same, for the stacks of a context that are alike in what they called and who called it. */
  readonly #narrow = new Tally();
  readonly #objects = new Map<string, string>();

  constructor(
    seen: readonly SeenSighting[],
    contexts: readonly (string | null)[],
    named: NamedKeys,
  ) {
    this.#named = named;
    for (const [index, { sighting, times }] of seen.entries()) {
      const context = contexts[index] ?? null;
      const hypothesis = context === null ? null : this.#of(context, sighting);
      if (context === null || hypothesis === null) continue;
      this.#byContext.add(context, hypothesis, times);
      for (const narrow of narrowed(context, sighting.evidence))
        this.#narrow.add(narrow, hypothesis, times);
    }
  }

  #of(context: string, sighting: Sighting): string | null {
    const { evidence, mid } = sighting;
    if (evidence.named) return this.#named.mainOf(context, mid);
    const died = diedOf(sighting);
    return died === null || evidence.object === null || evidence.chance !== null
      ? died
      : this.#ofObject(context, evidence.object);
  }

  #ofObject(context: string, object: string): string {
    const name = `${context} ${object}`;
    let found = this.#objects.get(name);
    if (found === undefined) {
      const passing = this.#named.of(context).filter(([mid]) => this.#named.passes(mid, object));
      found = commonest(passing) ?? objectDeath(object);
      this.#objects.set(name, found);
    }
    return found;
  }

  /** The interpreter dies in a context so much oftener than `mid` that this is taken to be of the same bug. */
  isOfPython(context: string, mid: string): boolean {
    const counts = this.#byContext.of(context);
    return (counts.get(PYTHON) ?? 0) >= PREVAILS * (counts.get(mid) ?? 0);
  }

  /** The likeliest for a capture that names no culprit; null where nothing is known. */
  bestOf(context: string, sighting: Sighting): string | null {
    const { evidence } = sighting;
    const died = diedOf(sighting);
    if (died === PYTHON) return PYTHON;
    if (died === null || evidence.object === null)
      return this.#likeliest(context, evidence, () => true);
    const { object } = evidence;
    const passing = (mid: string): boolean => this.#named.passes(mid, object);
    return this.#likeliest(context, evidence, passing) ?? objectDeath(object);
  }

  /**
   * What was seen in the same circumstances counts most, and more of it the more there is: each
   * narrower circle starts from the shares of the wider one, which weigh as much as one crash.
   */
  #likeliest(context: string, evidence: Evidence, fits: (mid: string) => boolean): string | null {
    let shares = sharesOf(
      this.#byContext
        .commonestOf(context)
        .filter(([mid]) => fits(mid) && this.#named.mayBeSaid(mid, evidence.saying)),
    );
    for (const narrow of narrowed(context, evidence)) {
      const counts = this.#narrow.of(narrow);
      shares = sharesOf(shares.map(([mid, share]) => [mid, (counts.get(mid) ?? 0) + share]));
    }
    return dominant(shares, CLEARLY);
  }
}

/** Wider first: by the function of a package that was called, and by the caller, too. */
function narrowed(context: string, { called, own }: Evidence): readonly string[] {
  const callee = `${context} > ${called ?? ""}`;
  return [callee, `${callee} < ${own[1]?.unit ?? ""}`];
}

function sharesOf(
  counts: readonly (readonly [string, number])[],
): readonly (readonly [string, number])[] {
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  return counts.map(([value, count]) => [value, count / total]);
}
