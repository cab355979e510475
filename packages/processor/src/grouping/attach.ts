/** Which key each crash is filed under, among other crashes. */
import { SightingCounts } from "./counts.ts";
import { Joiner } from "./joiner.ts";
import { type Sighting, stages } from "./sightings.ts";

/** A sighting, and how many crashes had it. */
export interface SeenSighting {
  readonly sighting: Sighting;
  readonly times: number;
}

export interface AttachOptions {
  /**
   * A native function that many Python contexts reach is taken for a mechanism, and its callers
   * are told apart: under keys that are no crash's own.
   */
  readonly splits?: boolean;
}

/** A key for each sighting, whatever their order; one that was seen often weighs as much as that. */
export function attachAll(
  seen: readonly SeenSighting[],
  { splits = true }: AttachOptions = {},
): readonly string[] {
  const counts = new SightingCounts();
  for (const linksOf of stages) {
    for (const { sighting, times } of seen) {
      for (const pair of linksOf(sighting, counts)) counts.add(pair, times);
    }
  }
  const joiner = new Joiner(counts, splits);
  return seen.map(({ sighting }) => joiner.keyOf(sighting));
}
