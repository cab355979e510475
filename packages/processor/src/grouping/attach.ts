/**
 * Which key each crash is filed under, among other crashes: those of one run, held in memory, or
 * those of a service, whose counts lie in a database.
 */
import { type LinkPair, type Seen, SightingCounts, type Sightings } from "./counts.ts";
import { Joiner } from "./joiner.ts";
import { MAX_LINK_ROUNDS } from "./limits.ts";
import { type Sighting, stages } from "./sightings.ts";

/**
 * All crashes of one run, whatever their order. A native function that many Python contexts reach
 * is taken for a mechanism, and its callers are told apart.
 */
export function attachAll(sightings: readonly Sighting[]): readonly string[] {
  const seen = new SightingCounts();
  for (const linksOf of stages) {
    for (const sighting of sightings) {
      for (const pair of linksOf(sighting, seen)) seen.add(pair);
    }
  }
  const joiner = new Joiner(seen, true);
  return sightings.map((sighting) => joiner.keyOf(sighting));
}

export interface StoredAttachment {
  /** The key that the crash is filed under, before what a person did to that key. */
  readonly group: string;
  /** Its native function looks like a mechanism: offer to split the group by caller. */
  readonly offersSplit: boolean;
  /** Links and what they were seen with once more, by this crash: to be added to the counts. */
  readonly pairs: readonly LinkPair[];
}

/** What is stored of the links asked for; one that was never seen may be missing. */
export type StoredLinks = ReadonlyMap<string, Seen>;

/**
 * One crash among those of a service. Yields the texts of links, a few dozen in two to four
 * rounds, and wants the stored counts of each, with its `MAX_SEEN_VALUES` commonest values. The
 * crash's own pairs need not be among them.
 */
export function* attachStored(
  sighting: Sighting,
): Generator<readonly string[], StoredAttachment, StoredLinks> {
  const known = new Map<string, Seen>();
  for (let round = 0; round < MAX_LINK_ROUNDS; round++) {
    const missing = new Set<string>();
    const answer = answerFrom(sighting, {
      of: (link) => {
        if (!known.has(link)) missing.add(link);
        return known.get(link) ?? nothing;
      },
    });
    if (missing.size === 0) return answer;
    const stored = yield [...missing];
    for (const link of missing) known.set(link, stored.get(link) ?? nothing);
  }
  return answerFrom(sighting, { of: (link) => known.get(link) ?? nothing });
}

const nothing: Seen = { total: 0, distinct: 0, top: [] };

function answerFrom(sighting: Sighting, seen: Sightings): StoredAttachment {
  const joiner = new Joiner(seen, false);
  const group = joiner.keyOf(sighting);
  const pairs = stages.flatMap((linksOf) => [...linksOf(sighting, seen)]);
  return { group, offersSplit: joiner.isMechanism(group), pairs };
}
