/** Keys that name a native culprit, and which of them may be one function seen with other names. */
import { ranked, Tally } from "./counts.ts";
import { MAX_COMPARED } from "./limits.ts";
import { partsOf } from "./named-parts.ts";
import { sameChecks } from "./same-checks.ts";
import type { SeenSighting, Sighting } from "./sightings.ts";

/** How many times as often the commoner key of a context must be seen to take one over that shares no function with it. */
const SAME_OBJECT = 3;
const OTHER_OBJECT = 4;

export interface NamedKey {
  readonly base: string;
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
  /** Keys of threads that native code made, by object. */
  readonly #ofThreads = new Tally();
  /** Functions of packages that a context called, by it and the key that it died under. */
  readonly #called = new Tally();
  readonly #mains = new Map<string, ReadonlyMap<string, string>>();
  /** For the keys of one bug the commonest. */
  readonly #same = new Map<string, string>();
  /** Main keys by context. */
  readonly #reached = new Tally();
  readonly #parts = new Map<string, ReadonlyMap<string, string | null>>();

  constructor(seen: readonly SeenSighting[], contexts: readonly (string | null)[]) {
    for (const [index, { sighting, times }] of seen.entries()) {
      if (!isNamed(sighting)) continue;
      this.#add(sighting);
      const context = contexts[index] ?? null;
      const { mid, evidence } = sighting;
      if (evidence.foreignThread)
        this.#ofThreads.add(`${evidence.base} ${evidence.object}`, mid, times);
      if (context === null) continue;
      this.#byContext.add(context, mid, times);
      if (evidence.called !== null) this.#called.add(`${context} ${mid}`, evidence.called, times);
    }
    this.#joinChecks();
    this.#joinThreads();
    for (const context of this.#byContext.keys()) this.#mains.set(context, this.#mainsOf(context));
    this.#findParts(seen, contexts);
  }

  #joinChecks(): void {
    const checks = sameChecks(this.#keys, this.#byContext, shareCaller);
    const groups = new Tally();
    for (const context of this.#byContext.keys()) {
      for (const [mid, times] of this.#byContext.of(context))
        groups.add(checks.headOf(mid), mid, times);
    }
    for (const head of groups.keys()) {
      const commonest = groups.firstOf(head) ?? head;
      for (const mid of groups.of(head).keys()) this.#same.set(mid, commonest);
    }
  }

  /**
   * In threads that native code made, where no Python function tells bugs apart: what lost the
   * innermost functions is of the commonest bug that was called through it.
   */
  #joinThreads(): void {
    for (const place of this.#ofThreads.keys()) {
      const mids = this.#ofThreads.commonestOf(place);
      for (const [mid, times] of mids) {
        const whole = mids.find(
          ([other, count]) => times * SAME_OBJECT <= count && this.#isCaller(mid, other),
        );
        if (whole !== undefined && !this.#same.has(mid)) this.#same.set(mid, this.sameAs(whole[0]));
      }
    }
  }

  #isCaller(mid: string, other: string): boolean {
    const [one, two] = [this.#keys.get(mid), this.#keys.get(other)];
    if (one === undefined || two === undefined) return false;
    return two.callers.has(one.culprit) && mayBothSay(one.saying, two.saying);
  }

  #findParts(seen: readonly SeenSighting[], contexts: readonly (string | null)[]): void {
    const reaching = new Tally();
    const ways = new Map<string, Tally>();
    for (const [index, { sighting, times }] of seen.entries()) {
      const context = contexts[index] ?? null;
      if (context === null || !isNamed(sighting)) continue;
      const main = this.mainOf(context, sighting.mid);
      this.#reached.add(context, main, times);
      reaching.add(main, context, times);
      if (!ways.has(main)) ways.set(main, new Tally());
      ways.get(main)?.add(wayOf(sighting), context, times);
    }
    for (const [main, itsWays] of ways) {
      const contextsOfWays = [...itsWays.keys()].map((way) => itsWays.of(way));
      const inExtension = this.#keys.get(main)?.inExtension === true;
      this.#parts.set(main, partsOf(reaching.of(main), contextsOfWays, inExtension));
    }
  }

  #add({ mid, evidence }: Sighting): void {
    let key = this.#keys.get(mid);
    if (key === undefined) {
      const [culprit = ""] = evidence.chain;
      const { base, saying, object, inExtension } = evidence;
      const recursion = evidence.native[0]?.startsWith("overflow ") === true;
      key = {
        base,
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
  #mainsOf(context: string): ReadonlyMap<string, string> {
    const before: (readonly [string, number])[] = [];
    const mains = new Map<string, string>();
    // those that say nothing last: two that say different things must not meet in one of them
    const inOrder = ranked(this.#byContext.of(context)).toSorted(
      ([one], [other]) => this.#isSilent(one) - this.#isSilent(other),
    );
    for (const [mid, times] of inOrder) {
      const main = before.find(([other, count]) =>
        this.#isVariant(context, mid, times, other, count),
      );
      mains.set(mid, main === undefined ? mid : (mains.get(main[0]) ?? mid));
      if (before.length < MAX_COMPARED) before.push([mid, times]);
    }
    return mains;
  }

  #isSilent(mid: string): number {
    return this.#keys.get(mid)?.saying === "" ? 1 : 0;
  }

  #isVariant(context: string, mid: string, times: number, other: string, count: number): boolean {
    const [one, two] = [this.#keys.get(mid), this.#keys.get(other)];
    if (one === undefined || two === undefined || !mayBothSay(one.saying, two.saying)) return false;
    if (onOneWay(one, two)) return true;
    if (one.recursion !== two.recursion) return false;
    const ratio = one.object === two.object ? SAME_OBJECT : OTHER_OBJECT;
    return times * ratio <= count && this.#mayBeCalledAlike(context, mid, other);
  }

  /** Not by two different functions of packages. */
  #mayBeCalledAlike(context: string, mid: string, other: string): boolean {
    const one = this.#called.of(`${context} ${mid}`);
    const two = this.#called.of(`${context} ${other}`);
    return one.size === 0 || two.size === 0 || [...one.keys()].some((name) => two.has(name));
  }

  /** The key that stands for `mid` in `context`. */
  mainOf(context: string, mid: string): string {
    return this.sameAs(this.#mains.get(context)?.get(mid) ?? mid);
  }

  /** The key that stands for `mid` wherever it was reached. */
  sameAs(mid: string): string {
    return this.#same.get(mid) ?? mid;
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

/** What led to the culprit: the function that called it. What dies at an import is no bug of later calls. */
const wayOf = ({ evidence: { importing, chain } }: Sighting): string =>
  importing && chain.length > 0 ? "import" : (chain[1] ?? "");

const isNamed = ({ evidence }: Sighting): boolean => evidence.named && evidence.cycle === null;

/** Not two different things. */
export const mayBothSay = (one: string, other: string): boolean =>
  one === "" || other === "" || one === other;

/** One's culprit called the other's, or takes part in its recursion. */
const onOneWay = (one: NamedKey, other: NamedKey): boolean =>
  (one.culprit === other.culprit && one.object === other.object) ||
  one.callers.has(other.culprit) ||
  other.callers.has(one.culprit) ||
  (one.recursion && other.recursion && shareOne(one.callers, other.callers));

/** Functions of one object that the same function called, or one of them the other. */
const shareCaller = (one: NamedKey, other: NamedKey): boolean =>
  one.object === other.object &&
  mayBothSay(one.saying, other.saying) &&
  (onOneWay(one, other) || shareOne(one.callers, other.callers));

const shareOne = (some: ReadonlySet<string>, others: ReadonlySet<string>): boolean =>
  [...some].some((name) => others.has(name));
