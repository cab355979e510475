/**
 * Joins captures that know different halves of one bug.
 *
 * A text knows Python functions, a dump native ones, and captures of both tell which go together.
 * So a crash whose own key names its bug badly goes where the crashes went that share a link with
 * it, if they went one way: to one group, or to one several times as often as to the next.
 * Nothing here overrides what a person did: it only answers which key a crash is filed under.
 */
import { canonicalContext } from "./contexts.ts";
import { dominant, SightingCounts, type Sightings, together, total } from "./counts.ts";
import { keyOf } from "./hash.ts";
import { MIN_SIGHTINGS } from "./limits.ts";
import { links, PYTHON } from "./links.ts";
import { cyclesWithoutFile, type Sighting, stages } from "./sightings.ts";

/** How many times as often as the next: for a context's culprit within one object, and beyond it. */
const SAME_OBJECT = 2;
const MOST = 1;
const OTHER_OBJECT = 4;
/** For a text, of which nothing native is known; for a dump, of which nothing Python is. */
const BY_CONTEXT = 3;
const BY_NATIVE = 5;
/** Contexts, each seen several times, from which a native function is a mechanism, not a bug. */
const MECHANISM_CONTEXTS = 5;
const MECHANISM_SIGHTINGS = 3;
/** Keys that may share a function before it says nothing of a death by chance. */
const MAX_USERS = 8;
const MIN_CHANCE = 3;
/** Contexts of one native name that are looked at. */
const MAX_CONTEXTS = 64;

/** The key that `sighting` is filed under. */
export function attach(sighting: Sighting, seen: Sightings): string {
  const { evidence } = sighting;
  if (sighting.pinned) return sighting.mid;
  const context = canonicalContext(evidence, seen);
  if (evidence.cycle !== null) return byCycle(sighting, seen);
  if (context === null) return withoutPython(sighting, seen);
  const same = evidence.named ? byAssertion(sighting, seen, MIN_SIGHTINGS) : null;
  if (same !== null) return same;
  const main = mainKey(context, sighting, seen);
  if (main === PYTHON) return openKey(context, sighting, seen);
  if (main !== null) return perContext(main, context, seen);
  if (evidence.chance !== null) return byChance(sighting, context, seen);
  return (
    byAssertion(sighting, seen, 1) ??
    (evidence.named ? perContext(sighting.mid, context, seen) : openKey(context, sighting, seen))
  );
}

/** What crashes of `context` died in: a key, or `PYTHON`; null where they do not agree. */
function mainKey(context: string, sighting: Sighting, seen: Sightings): string | null {
  const named = heard(links.named, context, sighting, seen);
  return sighting.evidence.named ? mainOfNamed(named, sighting) : mainOfOpen(named, sighting);
}

/**
 * What crashes of `context` were seen with, as far as they may be of the same bug: those that said
 * the same or nothing.
 */
function heard(
  link: typeof links.named,
  context: string,
  { evidence: { saying } }: Sighting,
  seen: Sightings,
): ReadonlyMap<string, number> {
  if (saying === "") return seen.of(link(context));
  return together(seen.of(link(context, saying)), seen.of(link(context, "")));
}

function mainOfNamed(named: ReadonlyMap<string, number>, { coarse, mid }: Sighting): string | null {
  const wide = dominant(named, OTHER_OBJECT);
  if (wide !== null && enough(named)) return midOf(wide);
  const within = ofObject(named, coarse);
  const narrow = dominant(within, SAME_OBJECT);
  return narrow !== null && enough(within) ? midOf(narrow) : mid;
}

/** For a capture that names no culprit: that of the object which most die in. */
function mainOfOpen(
  named: ReadonlyMap<string, number>,
  { coarse, evidence }: Sighting,
): string | null {
  const wide = dominant(named, BY_CONTEXT);
  if (wide !== null) return midOf(wide);
  const objects = new Map<string, number>();
  for (const [key, count] of named) {
    const object = key === PYTHON ? PYTHON : key.slice(0, key.indexOf(" "));
    objects.set(object, (objects.get(object) ?? 0) + count);
  }
  const object =
    evidence.object !== null && objects.has(coarse) ? coarse : dominant(objects, BY_CONTEXT);
  if (object === null) return null;
  if (object === PYTHON) return PYTHON;
  const key = dominant(ofObject(named, object), MOST);
  return key === null ? null : midOf(key);
}

const ofObject = (
  named: ReadonlyMap<string, number>,
  coarse: string,
): ReadonlyMap<string, number> =>
  new Map([...named].filter(([key]) => key.startsWith(`${coarse} `)));

const enough = (counts: ReadonlyMap<string, number>): boolean => total(counts) >= MIN_SIGHTINGS;
const midOf = (key: string): string => key.slice(key.indexOf(" ") + 1);

/** A native function that many contexts reach is a mechanism: its callers are apart. */
function perContext(mid: string, context: string, seen: Sightings): string {
  let many = 0;
  for (const count of seen.of(links.contexts(mid)).values())
    if (count >= MECHANISM_SIGHTINGS) many++;
  return many >= MECHANISM_CONTEXTS ? keyOf("", "mid", mid, [context]) : mid;
}

/** The commonest key of captures of `context` that name no native culprit. */
function openKey(context: string, sighting: Sighting, seen: Sightings): string {
  const key = dominant(heard(links.open, context, sighting, seen), 1);
  return key === null ? sighting.mid : midOf(key);
}

/** The commonest of the recursions that differ in the file of one function. */
function byCycle({ mid, evidence }: Sighting, seen: Sightings): string {
  let [best, most] = [mid, 0];
  for (const names of cyclesWithoutFile(evidence.cycle ?? [])) {
    for (const [key, count] of seen.of(links.cycle(names))) {
      const commoner = count > most || (count === most && midOf(key) < best);
      if (commoner) [best, most] = [midOf(key), count];
    }
  }
  return best;
}

/** Where captures of the same assertion went, those first that name who made it. */
function byAssertion({ evidence }: Sighting, seen: Sightings, least: number): string | null {
  const { assertion } = evidence;
  if (assertion === null) return null;
  for (const named of [true, false]) {
    const counts = seen.of(links.assertion(named, assertion));
    const key = total(counts) < least ? null : dominant(counts, SAME_OBJECT);
    if (key !== null) return midOf(key);
    if (evidence.named) break;
  }
  return null;
}

/** The function that most such deaths had on their stack, and little else had. */
function byChance(sighting: Sighting, context: string, seen: Sightings): string {
  const { base, chance, own } = sighting.evidence;
  let best: string | null = null;
  let most = MIN_CHANCE - 1;
  for (const { token } of own) {
    const count = total(seen.of(links.chance(chance ?? "", token)));
    if (count > most && seen.of(links.users(token)).size <= MAX_USERS)
      [best, most] = [token, count];
  }
  if (best === null) return openKey(context, sighting, seen);
  if (chance === "heap") return keyOf("", "mid", "heap", [best]);
  const alone = `${base}:${best}`;
  const key = dominant(seen.of(links.open(alone)), 1);
  return key === null ? keyOf("", "mid", chance ?? "", [best]) : midOf(key);
}

/** Native frames alone: where captures of both with the same native name went. */
function withoutPython(sighting: Sighting, seen: Sightings): string {
  const { evidence, mid } = sighting;
  for (const name of evidence.native) {
    const ratio = evidence.named ? SAME_OBJECT : BY_NATIVE;
    const key = throughContexts(seen.of(links.native(evidence.base, name)), sighting, ratio, seen);
    if (key !== null) return key;
    if (evidence.named) break;
  }
  const asserted = byAssertion(sighting, seen, 1);
  if (asserted !== null) return asserted;
  if (evidence.named || evidence.object === null) return mid;
  const key = dominant(seen.of(links.object(evidence.base, evidence.object)), BY_NATIVE);
  return key === null ? mid : midOf(key);
}

function throughContexts(
  contexts: ReadonlyMap<string, number>,
  sighting: Sighting,
  ratio: number,
  seen: Sightings,
): string | null {
  if (contexts.size === 0 || contexts.size > MAX_CONTEXTS) return null;
  const keys = new Map<string, number>();
  for (const [context, count] of contexts) {
    const main = mainKey(
      context,
      { ...sighting, evidence: { ...sighting.evidence, named: false } },
      seen,
    );
    const key =
      main === null || main === PYTHON
        ? openKey(context, sighting, seen)
        : perContext(main, context, seen);
    keys.set(key, (keys.get(key) ?? 0) + count);
  }
  return dominant(keys, ratio);
}

/** All crashes of one run: what each is filed under, whatever their order. */
export function attachAll(sightings: readonly Sighting[]): readonly string[] {
  const seen = new SightingCounts();
  for (const linksOf of stages) {
    for (const sighting of sightings) {
      for (const pair of linksOf(sighting, seen)) seen.add(pair);
    }
  }
  return sightings.map((sighting) => attach(sighting, seen));
}
