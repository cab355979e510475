/** Bugs of native code: an extension's, a library's, the program's. */
import { type Keys, fineTokens, linkOf, markFine, type Subject, tokensOf } from "./decision.ts";
import { shapeOf } from "./native-stack.ts";
import { mark, type NativeSlot } from "./slots.ts";

/**
 * Null where no foreign code was running, where it did as its caller said (a mechanism), and in
 * hangs, whose innermost frames change from dump to dump.
 */
export function ofNative(subject: Subject): Keys | null {
  const { native, kind } = subject;
  if (native.top === null || native.mechanism || kind.base === "hang") return null;
  if (kind.foreignBuild) return ofBuild(subject, native.top);
  return native.culprit === null
    ? withoutSymbols(subject, native.top)
    : ofFunction(subject, native.culprit);
}

function ofFunction(subject: Subject, culprit: NativeSlot): Keys {
  const { kind, evidence } = subject;
  const { object, inline, scanned } = culprit.frame;
  markFine(subject);
  markLink(subject, "which Python code called it");
  mark([culprit], ["coarse", "mid", "fine"], "names the group: the native function that died");
  return {
    mode: "native",
    confidence: inline || scanned ? "low" : "high",
    coarse: [kind.base, object.key],
    mid: [culprit.token ?? "", kind.assertion === null ? "" : (kind.message ?? "")],
    fine: fineTokens(subject),
    link: linkOf(subject),
    culprit: culprit.token,
    evidence: { ...evidence, named: true, saying: kind.assertion === null ? "" : evidence.saying },
  };
}

/** One build does not fit the processor; which of its functions met it first is chance. */
function ofBuild(subject: Subject, top: NativeSlot): Keys {
  markFine(subject);
  markLink(subject, "which Python code called it");
  mark(
    [top],
    ["coarse", "mid", "fine"],
    "names the group: its object was built for another processor",
  );
  return {
    mode: "native",
    confidence: "high",
    coarse: [subject.kind.base, top.frame.object.key],
    mid: [],
    fine: fineTokens(subject),
    link: linkOf(subject),
    culprit: top.token ?? top.frame.object.key,
    evidence: { ...subject.evidence, named: true, saying: "", chain: [] },
  };
}

/** Provisional: the object, and who called it, until symbols arrive. */
function withoutSymbols(subject: Subject, top: NativeSlot): Keys {
  const { kind, anchors, evidence } = subject;
  markFine(subject);
  const because = "names the group until symbols tell the function that died";
  mark(anchors?.mid ?? [], ["mid", "fine", "link"], because);
  mark([top], ["coarse", "mid", "fine"], because);
  return {
    mode: "native",
    confidence: "low",
    coarse: [kind.base, top.frame.object.key],
    mid: [
      "~unsym",
      ...(anchors === null ? [shapeOf(subject.native.region) ?? ""] : tokensOf(anchors.mid)),
    ],
    fine: fineTokens(subject),
    link: linkOf(subject),
    culprit: top.frame.object.key,
    evidence,
  };
}

const markLink = ({ anchors }: Subject, reason: string): void =>
  mark(anchors?.mid ?? [], ["fine", "link"], reason);
