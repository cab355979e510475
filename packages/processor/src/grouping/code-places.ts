/**
 * Where in the file of one build code lies: what tells stripped functions apart, and says which
 * function it is wherever another host has the names of the same build.
 */
import { Tally } from "./counts.ts";
import { diedOf } from "./deaths.ts";
import type { Evidence } from "./evidence.ts";
import type { SeenSighting } from "./sightings.ts";
import { mayBothSay } from "./named-keys.ts";
import { Unions } from "./unions.ts";

/** Bytes: instructions that lie this near each other are of one function, and die of one bug. */
const NEAR = 64;

/**
 * The place itself, `module+0x1a2b`, then the two stretches of `NEAR` bytes that it lies in: they
 * overlap by half, so that no two places near each other are parted by a border.
 */
export function placesOf({ site }: Evidence): readonly string[] {
  if (site === null) return [];
  const [, module, digits] = /^(.*)\+0x([0-9a-f]{1,13})$/i.exec(site) ?? [];
  if (module === undefined || digits === undefined) return [site];
  const offset = Number.parseInt(digits, 16);
  const first = Math.floor(offset / NEAR);
  const second = Math.floor((offset + NEAR / 2) / NEAR);
  return [site, `${module} near ${first}`, `${module} near ${second - 1}.5`];
}

/** What a key that names a culprit says of the code, whichever of its crashes is asked. */
interface NamedCode {
  readonly coarse: string;
  readonly culprit: string;
  readonly object: string | null;
  readonly saying: string;
  inExtension: boolean;
  /** No crash of it had Python functions above it. */
  onlyThreads: boolean;
}

/** The same sightings; those without names of code that others could name get its key. */
export function withNames(seen: readonly SeenSighting[]): readonly SeenSighting[] {
  const keys = new Map<string, NamedCode>();
  const byPlace = new Tally();
  for (const { sighting, times } of seen) {
    const { evidence, coarse, mid } = sighting;
    const [culprit] = evidence.chain;
    if (!evidence.named || evidence.cycle !== null || culprit === undefined) continue;
    const { base, object, saying, inExtension, foreignThread } = evidence;
    for (const place of placesOf(evidence)) byPlace.add(`${base} ${place}`, mid, times);
    const known = keys.get(mid);
    if (known === undefined)
      keys.set(mid, { coarse, culprit, object, saying, inExtension, onlyThreads: foreignThread });
    else {
      known.inExtension ||= inExtension;
      known.onlyThreads &&= foreignThread;
    }
  }
  return seen.map((one) => {
    const { evidence } = one.sighting;
    if (!isNameless(evidence)) return one;
    for (const place of placesOf(evidence)) {
      const [first, second] = byPlace.commonestOf(`${evidence.base} ${place}`);
      const mid = second === undefined ? (first?.[0] ?? "") : "";
      const code = keys.get(mid);
      if (code !== undefined && mayBeOf(evidence, code)) return namedAs(one, mid, code);
    }
    return one;
  });
}

const mayBeOf = ({ own, saying }: Evidence, code: NamedCode): boolean =>
  !(code.onlyThreads && own.length > 0) && mayBothSay(saying, code.saying);

function namedAs(
  one: SeenSighting,
  mid: string,
  { coarse, culprit, object, saying, inExtension }: NamedCode,
): SeenSighting {
  const { sighting } = one;
  const names = { native: [culprit, ...sighting.evidence.native], chain: [culprit] };
  const evidence = { ...sighting.evidence, ...names, named: true, object, saying, inExtension };
  return { ...one, sighting: { ...sighting, coarse, mid, evidence } };
}

/** Code of somebody's died, and the capture has no name of it. */
const isNameless = ({ named, told, chance, cycle, base, object }: Evidence): boolean =>
  !named && !told && chance === null && cycle === null && base !== "hang" && object !== null;

/** Contexts in which the same nameless code died, by its places. */
export function samePlaces(
  seen: readonly SeenSighting[],
  contexts: readonly (string | null)[],
): Unions {
  const deaths = new Unions();
  const known = new Map<string, string>();
  for (const [index, { sighting }] of seen.entries()) {
    const context = contexts[index] ?? null;
    const died = diedOf(sighting);
    if (context === null || died === null || !isNameless(sighting.evidence)) continue;
    const death = `${context} ${died}`;
    for (const place of placesOf(sighting.evidence)) {
      const here = `${sighting.evidence.base} ${place}`;
      deaths.join(known.get(here) ?? death, death);
      known.set(here, death);
    }
  }
  return deaths;
}
