/** Deaths of damage that was done earlier: the stack shows who met it, not who did it. */
import { type Keys, fineTokens, linkOf, markFine, type Subject, tokensOf } from "./decision.ts";
import { mark } from "./slots.ts";

/** Null for other deaths, and where an extension's own code met the collector. */
export function ofVictim(subject: Subject): Keys | null {
  if (subject.kind.refined === "heap-corruption") return ofHeap(subject);
  const collecting =
    subject.native.collector || (subject.crash.garbageCollecting && !subject.belowFinalizer);
  if (!collecting || !meetsDamage.has(subject.kind.base) || subject.native.top !== null)
    return null;
  return ofCollector(subject);
}

/** What the collector dies of when it walks a damaged object graph. */
const meetsDamage: ReadonlySet<string> = new Set(["memory", "abort", "trap", "unknown"]);

/** By the object whose code met the damage, which often is the one that did it; else by Python. */
function ofHeap(subject: Subject): Keys {
  const { native, anchors, evidence } = subject;
  const reason = "where the damaged heap was noticed, not where it was damaged";
  const object = native.top?.frame.object.key ?? null;
  markFine(subject);
  mark(anchors?.mid ?? [], ["fine", "link"], reason);
  const by =
    object ?? anchors?.coarse.token ?? native.region.find(({ token }) => token)?.token ?? "";
  const first = object === null ? anchors?.coarse : native.top;
  const link = object === null && anchors !== null;
  mark(
    first ? [first] : [],
    ["coarse", "mid", "fine", ...(link ? (["link"] as const) : [])],
    reason,
  );
  return {
    mode: "victim",
    confidence: "low",
    coarse: ["heap", by],
    mid: [],
    fine: fineTokens(subject),
    link: linkOf(subject),
    culprit: anchors?.coarse.frame.label ?? (by === "" ? null : by),
    evidence: { ...evidence, object: object === null ? null : `heap ${object}`, chance: "heap" },
  };
}

/** The collector starts at any allocation, so what was running counts for little. */
function ofCollector(subject: Subject): Keys {
  const { kind, anchors, evidence } = subject;
  const reason = "was running when the garbage collector met a damaged object";
  markFine(subject);
  mark(anchors?.mid ?? [], ["mid", "fine", "link"], reason);
  return {
    mode: "victim",
    confidence: "low",
    coarse: [kind.base, "gc"],
    mid: [kind.message ?? "", ...tokensOf(anchors?.mid ?? [])],
    fine: fineTokens(subject),
    link: linkOf(subject),
    culprit: null,
    evidence: { ...evidence, chance: "collector" },
  };
}
