/** Keys that name a native culprit, and which of them may be one function seen with other names. */
import { ranked, Tally } from "./counts.ts";
import { MAX_COMPARED } from "./limits.ts";
import { partsOf } from "./named-parts.ts";
import type { SeenSighting, Sighting } from "./sightings.ts";

/** How many times as often the commoner key of a context must be seen to take one over that shares no function with it. */
const SAME_OBJECT = 2;
const OTHER_OBJECT = 4;

interface NamedKey {
  readonly culprit: string;
  readonly saying: string;
  readonly object: string | null;
  readonly recursion: boolean;
  inExtension: boolean;
  /** Functions that called the culprit. */
  readonly callers: Set<string>;
  /** Foreign objects on the way to it. */
  readonly objects: Set<string>;
}

export class NamedKeys {
  readonly #keys = new Map<string, NamedKey>();
  readonly #byContext = new Tally();
  readonly #mains = new Map<string, ReadonlyMap<string, string>>();
  /** Main keys by context. */
  readonly #reached = new Tally();
  readonly #parts = new Map<string, ReadonlyMap<string, string | null>>();

  constructor(seen: readonly SeenSighting[], contexts: readonly (string | null)[]) {
    const ways = new Map<string, Tally>();
    for (const [index, one] of seen.entries()) {
      const { mid, evidence } = one.sighting;
      if (!evidence.named || evidence.cycle !== null) continue;
      this.#add(one.sighting);
      const context = contexts[index] ?? null;
      if (context === null) continue;
      this.#byContext.add(context, mid, one.times);
      if (!ways.has(mid)) ways.set(mid, new Tally());
      ways.get(mid)?.add(evidence.chain[1] ?? "", context, one.times);
    }
    const reaching = new Tally();
    for (const context of this.#byContext.keys()) {
      const counts = this.#byContext.of(context);
      const mains = this.#mainsOf(counts);
      this.#mains.set(context, mains);
      for (const [mid, times] of counts) {
        const main = mains.get(mid) ?? mid;
        this.#reached.add(context, main, times);
        reaching.add(main, context, times);
      }
    }
    for (const main of reaching.keys()) {
      const known = ways.get(main);
      const itsWays = [...(known?.keys() ?? [])].map((way) => known?.of(way) ?? new Map());
      this.#parts.set(
        main,
        partsOf(reaching.of(main), itsWays, this.#keys.get(main)?.inExtension === true),
      );
    }
  }

  #add({ mid, evidence }: Sighting): void {
    let key = this.#keys.get(mid);
    if (key === undefined) {
      const [culprit = ""] = evidence.chain;
      const { saying, object, inExtension } = evidence;
      const recursion = evidence.native[0]?.startsWith("overflow ") === true;
      key = {
        culprit,
        saying,
        object,
        recursion,
        inExtension,
        callers: new Set(),
        objects: new Set(),
      };
      this.#keys.set(mid, key);
    }
    key.inExtension ||= evidence.inExtension;
    for (const caller of evidence.chain.slice(1)) key.callers.add(caller);
    for (const object of evidence.objects) key.objects.add(object);
  }

  /**
   * For each key of a context, the commonest that may be the same function: walks lose the
   * innermost frames, builds differ in what they inline and in the names they keep.
   */
  #mainsOf(counts: ReadonlyMap<string, number>): ReadonlyMap<string, string> {
    const before: (readonly [string, number])[] = [];
    const mains = new Map<string, string>();
    // those that say nothing last: two that say different things must not meet in one of them
    const inOrder = ranked(counts).toSorted(
      ([one], [other]) => this.#isSilent(one) - this.#isSilent(other),
    );
    for (const [mid, times] of inOrder) {
      const main = before.find(([other, count]) => this.#isVariant(mid, times, other, count));
      mains.set(mid, main === undefined ? mid : (mains.get(main[0]) ?? mid));
      if (before.length < MAX_COMPARED) before.push([mid, times]);
    }
    return mains;
  }

  #isSilent(mid: string): number {
    return this.#keys.get(mid)?.saying === "" ? 1 : 0;
  }

  #isVariant(mid: string, times: number, other: string, count: number): boolean {
    const [one, two] = [this.#keys.get(mid), this.#keys.get(other)];
    if (one === undefined || two === undefined || !mayBothSay(one.saying, two.saying)) return false;
    const ratio = one.object === two.object ? SAME_OBJECT : OTHER_OBJECT;
    return onOneWay(one, two) || times * ratio <= count;
  }

  /** The key that stands for `mid` in `context`. */
  mainOf(context: string, mid: string): string {
    return this.#mains.get(context)?.get(mid) ?? mid;
  }

  /** The commonest main keys of a context, and how often they were seen. */
  of(context: string): readonly (readonly [string, number])[] {
    return this.#reached.commonestOf(context);
  }

  /** A capture that says `saying` may be of this key's bug. */
  mayBeSaid(mid: string, saying: string): boolean {
    return mayBothSay(this.#keys.get(mid)?.saying ?? "", saying);
  }

  /** Code of `object` was on the way to this key's culprit. */
  passes(mid: string, object: string): boolean {
    const key = this.#keys.get(mid);
    return key?.object === object || key?.objects.has(object) === true;
  }

  /** The context that stands for the part of a main key's crashes in which `context` is; null: the main part. */
  partOf(mid: string, context: string): string | null {
    return this.#parts.get(mid)?.get(context) ?? null;
  }
}

/** Not two different things. */
const mayBothSay = (one: string, other: string): boolean =>
  one === "" || other === "" || one === other;

/** One's culprit called the other's, or takes part in its recursion. */
const onOneWay = (one: NamedKey, other: NamedKey): boolean =>
  (one.culprit === other.culprit && one.object === other.object) ||
  one.callers.has(other.culprit) ||
  other.callers.has(one.culprit) ||
  (one.recursion && other.recursion && [...one.callers].some((name) => other.callers.has(name)));
