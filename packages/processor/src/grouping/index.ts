/** Which group a crash belongs to, and why. */
import type { FrameGrouping, Grouping } from "@faultline/shared";

import { type Algorithm, currentGrouping } from "./algorithms.ts";
import { keyOf } from "./hash.ts";
import { type GroupInput, readCrash } from "./input.ts";
import { kindOf } from "./kind.ts";
import { type Slot, slotsOf } from "./slots.ts";
import { titleOf } from "./title.ts";

export { type Algorithm, currentGrouping, groupings } from "./algorithms.ts";
export type { GroupInput } from "./input.ts";

/**
 * The keys of one crash, a title, and the part that every frame of the crashing thread played.
 *
 * Pure and total: it never throws, whatever `input` holds, and takes time linear in the frames
 * (only the 512 nearest the crash enter keys). `group` equals `mid`: attaching a crash to a group
 * by its link takes knowledge of other crashes.
 */
export function groupReport(input: GroupInput, algorithm: Algorithm = currentGrouping): Grouping {
  const crash = readCrash(input);
  const kind = kindOf(crash);
  const slots = slotsOf(crash);
  const decision = algorithm.decide(crash, kind, slots);
  const coarse = keyOf(algorithm.id, "coarse", "", decision.coarse);
  const mid = keyOf(algorithm.id, "mid", coarse, decision.mid);
  return {
    ruleset: algorithm.id,
    mode: decision.mode,
    confidence: decision.confidence,
    coarse,
    mid,
    fine: keyOf(algorithm.id, "fine", mid, decision.fine),
    link: decision.link === null ? null : keyOf(algorithm.id, "link", "", decision.link),
    group: mid,
    title: titleOf(kind, crash.message, decision, slots.python),
    culprit: decision.culprit,
    frames: slots.all.map(explained),
  };
}

const explained = ({ index, role, token, usedIn, reason }: Slot): FrameGrouping => ({
  index,
  role,
  token,
  usedIn,
  reason,
});
