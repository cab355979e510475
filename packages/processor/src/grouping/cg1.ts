/**
 * `cg1`, the first algorithm: crashes by the Python frames of their stack.
 *
 * Three keys, each holding the one before: `coarse` (kind of death, one function), `mid` (what
 * groups are made of) and `fine` (the whole path). `link` holds the functions of `mid` without
 * what only some captures know (an abort's cause, its message).
 *
 * A mode decides which tokens go in:
 *
 *   overflow  the functions that take part in an endless recursion
 *   victim    the damage was done earlier (heap, garbage collector); the stack is where it showed
 *   python    the innermost functions of the program
 *   skipped   nothing but plumbing and waits
 *   runtime   no Python frame, a native one
 *   empty     no frame
 *
 * Not here: native frames beside Python frames (they have a role and a reason, and enter no key).
 */
import type { Grouping } from "@faultline/shared";

import { aboveFinalizer, type Anchors, findAnchors } from "./anchors.ts";
import { type Cycle, findCycle } from "./cycle.ts";
import type { Crash } from "./input.ts";
import type { Kind } from "./kind.ts";
import { messageToken } from "./message.ts";
import { objectOf } from "./native-frame.ts";
import { runtimeObjects } from "./rules/runtime-objects.ts";
import { distinct, type PythonSlot, type Slot, type Slots } from "./slots.ts";

export const CG1 = "cg1";

/** What is hashed, and what the user is told of it. */
export interface Decision {
  readonly mode: Grouping["mode"];
  readonly confidence: Grouping["confidence"];
  readonly coarse: readonly string[];
  readonly mid: readonly string[];
  readonly fine: readonly string[];
  readonly link: readonly string[] | null;
  /** "module:function" for people; null when no function can be named. */
  readonly culprit: string | null;
}

/** Chooses the tokens of `crash` and writes into `slots` what became of each frame. */
export function decide(crash: Crash, kind: Kind, slots: Slots): Decision {
  if (slots.python.length === 0) return withoutPython(crash, kind, slots);
  const cycle = mayOverflow.has(kind.refined)
    ? findCycle(slots.python.map(({ token }) => token))
    : null;
  if (cycle !== null) return overflow(cycle, slots.python);
  const reachable = aboveFinalizer(slots.python);
  const anchors = findAnchors(reachable, kind.base === "hang");
  if (anchors === null) return skipped(kind, slots.python);
  if (kind.refined === "heap-corruption") return victimOfHeap(kind, anchors, reachable);
  const finalizer = reachable.length < slots.python.length;
  if (crash.garbageCollecting && !finalizer && diesOfMemory.has(kind.base)) {
    return victimOfCollector(kind, anchors, reachable);
  }
  return python(kind, anchors, reachable);
}

/** Deaths that endless recursion can look like. */
const mayOverflow: ReadonlySet<string> = new Set(["memory", "stack-overflow", "unknown"]);
/** Deaths that a damaged object graph causes when the collector walks it. */
const diesOfMemory: ReadonlySet<string> = new Set(["memory", "abort", "trap", "unknown"]);

function python(kind: Kind, anchors: Anchors, slots: readonly PythonSlot[]): Decision {
  const tokens = tokensOf(anchors.mid);
  markFine(slots);
  mark(anchors.mid, ["mid", "fine", "link"], `names the group: ${anchors.because}`);
  mark([anchors.coarse], ["coarse", "mid", "fine", "link"], `names the group: ${anchors.because}`);
  return {
    mode: "python",
    confidence: anchors.strong ? "high" : "low",
    coarse: [kind.base, "py", anchors.coarse.token],
    mid: [kind.refined, kind.message ?? "", ...tokens],
    fine: fineTokens(slots),
    link: [kind.base, ...tokens],
    culprit: anchors.coarse.frame.label,
  };
}

/** The same set whatever the depth and the point of the cycle at which the stack ran out. */
function overflow(cycle: Cycle, slots: readonly PythonSlot[]): Decision {
  const turning = slots.filter(({ token }) => cycle.tokens.has(token));
  const firsts = distinctTokens(turning);
  const own = firsts.filter(({ frame }) => frame.role === "app" || frame.role === "helper");
  const members = (own.length > 0 ? own : firsts).toSorted((a, b) => (a.token < b.token ? -1 : 1));
  for (const slot of turning) slot.role = "cycle";
  mark(turning, [], "takes part in the endless recursion");
  mark(members, ["mid", "fine", "link"], "names the group: a function of the endless recursion");
  mark(
    members.slice(0, 1),
    ["coarse", "mid", "fine", "link"],
    "names the group: a function of the endless recursion",
  );
  const tokens = tokensOf(members);
  return {
    mode: "overflow",
    confidence: cycle.regular ? "high" : "low",
    coarse: ["overflow", ...tokens.slice(0, 1)],
    mid: tokens,
    fine: [],
    link: ["overflow", ...tokens],
    culprit: members[0]?.frame.label ?? null,
  };
}

function victimOfHeap(kind: Kind, anchors: Anchors, slots: readonly PythonSlot[]): Decision {
  const reason = "where the damaged heap was noticed, not where it was damaged";
  markFine(slots);
  mark(anchors.mid, ["fine", "link"], reason);
  mark([anchors.coarse], ["coarse", "mid", "fine", "link"], reason);
  return {
    mode: "victim",
    confidence: "low",
    coarse: ["heap", anchors.coarse.token],
    mid: [],
    fine: fineTokens(slots),
    link: [kind.base, ...tokensOf(anchors.mid)],
    culprit: anchors.coarse.frame.label,
  };
}

/** The collector starts at any allocation: the stack below it says nothing about the bug. */
function victimOfCollector(kind: Kind, anchors: Anchors, slots: readonly PythonSlot[]): Decision {
  const reason = "was running when the garbage collector met a damaged object";
  markFine(slots);
  mark(anchors.mid, ["fine", "link"], reason);
  return {
    mode: "victim",
    confidence: "low",
    coarse: [kind.base, "gc"],
    mid: [kind.refined, kind.message ?? ""],
    fine: fineTokens(slots),
    link: [kind.base, ...tokensOf(anchors.mid)],
    culprit: null,
  };
}

function skipped(kind: Kind, slots: readonly PythonSlot[]): Decision {
  const first = slots.find(({ frame }) => frame.role === "plumbing") ?? slots[0];
  const token = first?.token ?? "";
  if (first !== undefined) {
    mark([first], ["coarse", "mid", "fine", "link"], "names the group for want of a better frame");
  }
  return {
    mode: "skipped",
    confidence: "low",
    coarse: [kind.base, "skipped", token],
    mid: [kind.refined, kind.message ?? ""],
    fine: [],
    link: [kind.base, token],
    culprit: first?.frame.label ?? null,
  };
}

function withoutPython(crash: Crash, kind: Kind, slots: Slots): Decision {
  const natives = slots.all.filter(({ role, token }) => role === "native" && token !== null);
  const first =
    natives.find((slot) => isForeign(slot)) ??
    natives.find(({ token }) => token?.endsWith(":?") === false) ??
    natives[0];
  const token = first?.token ?? null;
  if (first !== undefined) {
    mark([first], ["coarse", "mid", "fine"], "names the group: the stack has no Python frame");
  }
  const message = crash.message === null ? "" : messageToken(crash.message);
  return {
    mode: token === null ? "empty" : "runtime",
    confidence: "low",
    coarse: token === null ? [kind.base, "empty"] : [kind.base, "rt", token],
    mid: [kind.refined, token === null ? message : (kind.message ?? "")],
    fine: [],
    link: null,
    culprit: token,
  };
}

/** Outside the libraries that every process has. */
const isForeign = ({ token }: Slot): boolean =>
  token !== null && !token.startsWith("?:") && !runtimeObjects.has(objectOf(token));

const inFine = ["app", "helper", "wrapper", "library", "stdlib"] as const;

const fineTokens = (slots: readonly PythonSlot[]): readonly string[] =>
  tokensOf(distinct(slots, ...inFine));

const tokensOf = (slots: readonly PythonSlot[]): readonly string[] =>
  slots.map(({ token }) => token);

function distinctTokens(slots: readonly PythonSlot[]): readonly PythonSlot[] {
  return [...new Map(slots.toReversed().map((slot) => [slot.token, slot])).values()];
}

function markFine(slots: readonly PythonSlot[]): void {
  for (const slot of distinct(slots, ...inFine)) slot.usedIn = ["fine"];
}

function mark(slots: readonly Slot[], usedIn: Slot["usedIn"], reason: string): void {
  for (const slot of slots) {
    slot.usedIn = usedIn;
    slot.reason = reason;
  }
}
