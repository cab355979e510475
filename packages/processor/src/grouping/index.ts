/** Which group a crash belongs to, and why. */
import type { FrameGrouping, Grouping } from "@faultline/shared";

import { type Algorithm, currentGrouping } from "./algorithms.ts";
import { keyOf } from "./hash.ts";
import { type GroupInput, readCrash } from "./input.ts";
import { kindOf } from "./kind.ts";
import type { Sighting } from "./sightings.ts";
import { type Slot, slotsOf } from "./slots.ts";
import { titleOf } from "./title.ts";

export { type Algorithm, currentGrouping, groupings } from "./algorithms.ts";
export { attach, attachAll } from "./attach.ts";
export type { GroupInput } from "./input.ts";
export { type LinkPair, SightingCounts, type Sightings } from "./counts.ts";
export { type Sighting, stages } from "./sightings.ts";

export interface GroupedCrash {
  readonly grouping: Grouping;
  /** What `attach` joins this crash with others by. */
  readonly sighting: Sighting;
}

/**
 * The keys of one crash, a title, and the part that every frame of the crashing thread played.
 *
 * Pure and total: it never throws, whatever `input` holds, and takes time linear in the frames
 * (only the 512 nearest the crash enter keys). `group` equals `mid`: joining a crash with others
 * takes knowledge of them, and is `attach`.
 */
export const groupReport = (input: GroupInput, algorithm: Algorithm = currentGrouping): Grouping =>
  groupCrash(input, algorithm).grouping;

/** `groupReport`, with what joins this crash with others. */
export function groupCrash(
  input: GroupInput,
  algorithm: Algorithm = currentGrouping,
): GroupedCrash {
  const crash = readCrash(input);
  const kind = kindOf(crash);
  const slots = slotsOf(crash);
  const decision = algorithm.decide(crash, kind, slots);
  const coarse = keyOf(algorithm.id, "coarse", "", decision.coarse);
  const mid = keyOf(algorithm.id, "mid", coarse, decision.mid);
  const grouping: Grouping = {
    ruleset: algorithm.id,
    mode: decision.mode,
    confidence: decision.confidence,
    coarse,
    mid,
    fine: keyOf(algorithm.id, "fine", mid, decision.fine),
    link: decision.link === null ? null : keyOf(algorithm.id, "link", "", decision.link),
    group: mid,
    title: titleOf(crash.message, decision, slots.python),
    culprit: decision.culprit,
    frames: slots.all.map(explained),
  };
  return { grouping, sighting: { coarse, mid, evidence: decision.evidence } };
}

const explained = ({ index, role, token, usedIn, reason }: Slot): FrameGrouping => ({
  index,
  role,
  token,
  usedIn,
  reason,
});
