/** Crashes that nothing names well: by the best that is left, and honestly so. */
import { type Keys, type Subject } from "./decision.ts";
import { messageToken } from "./message.ts";
import { tellingSlots } from "./native-stack.ts";
import { mark, type NativeSlot } from "./slots.ts";

/** Native names of a wait that enter its key. */
const WAIT_NAMES = 8;

export function ofRest(subject: Subject): Keys {
  if (subject.python.length > 0) return ofPlumbing(subject);
  return ofRuntime(subject) ?? ofWait(subject) ?? ofNothing(subject);
}

/** Python frames, but none except plumbing and waits. */
function ofPlumbing({ kind, python, evidence }: Subject): Keys {
  const first = python.find(({ frame }) => frame.role === "plumbing") ?? python[0];
  const token = first?.token ?? "";
  const because = "names the group for want of a better frame";
  if (first !== undefined) mark([first], ["coarse", "mid", "fine", "link"], because);
  return {
    mode: "skipped",
    confidence: "low",
    coarse: [kind.base, "skipped", token],
    mid: [kind.message ?? ""],
    fine: [],
    link: [kind.base, token],
    culprit: first?.frame.label ?? null,
    evidence: { ...evidence, instead: [token] },
  };
}

/** Native frames without Python ones: what the interpreter or the system was at. */
function ofRuntime({ kind, native, evidence }: Subject): Keys | null {
  const [first] = native.culprit === null ? tellingSlots(native.region) : [native.culprit];
  if (first === undefined) return null;
  mark([first], ["coarse", "mid", "fine"], "names the group: the stack has no Python frame");
  return {
    mode: "runtime",
    confidence: "low",
    coarse: [kind.base, "rt", first.token ?? ""],
    mid: [kind.message ?? ""],
    fine: tellingSlots(native.region).map(({ token }) => token ?? ""),
    link: null,
    culprit: first.token,
    evidence,
  };
}

/** Nothing but waits and glue: the ways that led there tell some of them apart. */
function ofWait({ kind, native, evidence }: Subject): Keys | null {
  const telling = new Set(tellingSlots(native.all));
  const chain = native.all.filter((slot) => slot.role === "wait" || telling.has(slot));
  const named = firstOfEach(chain.filter(({ token }) => token !== null)).slice(0, WAIT_NAMES);
  const [first] = named.length > 0 ? named : native.all.filter(({ token }) => token !== null);
  if (first === undefined) return null;
  const because = "names the group for want of a better frame";
  mark(named, ["mid", "fine"], because);
  mark([first], ["coarse", "mid", "fine"], because);
  return {
    mode: "skipped",
    confidence: "low",
    coarse: [kind.base, "skipped", first.token ?? ""],
    mid: [kind.message ?? "", ...named.map(({ token }) => token ?? "")],
    fine: [],
    link: null,
    culprit: first.token,
    evidence,
  };
}

function firstOfEach(slots: readonly NativeSlot[]): readonly NativeSlot[] {
  const seen = new Set<string | null>();
  return slots.filter(({ token }) => !seen.has(token) && seen.add(token));
}

function ofNothing({ crash, kind, native, evidence }: Subject): Keys {
  const object = native.all.find(({ frame }) => frame.object.key !== "?")?.frame.object.key ?? null;
  const message = crash.message === null ? "" : messageToken(crash.message);
  return {
    mode: "empty",
    confidence: "low",
    coarse: [kind.base, "empty"],
    mid: object === null ? [message] : [message, object],
    fine: [],
    link: null,
    culprit: object,
    evidence,
  };
}
