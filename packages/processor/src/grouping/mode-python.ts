/** Bugs of the program's own Python code, and of its calls into what does as it is told. */
import { type Keys, fineTokens, linkOf, markFine, type Subject, tokensOf } from "./decision.ts";
import { mark } from "./slots.ts";

/** Null without a Python frame that can name anything. */
export function ofPython(subject: Subject): Keys | null {
  const { kind, anchors, native, evidence } = subject;
  if (anchors === null) return null;
  const because = `names the group: ${anchors.because}`;
  markFine(subject);
  mark(anchors.mid, ["mid", "fine", "link"], because);
  mark([anchors.coarse], ["coarse", "mid", "fine", "link"], because);
  const busy = kind.base === "hang" && !native.waits && subject.python[0]?.frame.role !== "wait";
  return {
    mode: "python",
    confidence: anchors.strong ? "high" : "low",
    coarse: [kind.base, "py", anchors.coarse.token],
    mid: [kind.message ?? "", ...tokensOf(anchors.mid)],
    fine: fineTokens(subject),
    link: linkOf(subject),
    culprit: anchors.coarse.frame.label,
    evidence: busy ? { ...evidence, chance: "busy" } : evidence,
  };
}
