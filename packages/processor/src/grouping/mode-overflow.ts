/** Endless recursion: the set of functions that take part, at whatever depth and point it died. */
import {
  type Cycle,
  findCycle,
  MIN_NATIVE_TURNS,
  MIN_UNNAMED_TURNS,
  MIN_UNSURE_TURNS,
} from "./cycle.ts";
import { type Keys, linkOf, type Subject, tokensOf } from "./decision.ts";
import type { Kind } from "./kind.ts";
import { isForeign } from "./native-stack.ts";
import { accessKinds } from "./rules/kinds.ts";
import { unitOf } from "./python-unit.ts";
import { mark, type NativeSlot, type Slot, type Slots } from "./slots.ts";

const because = "names the group: a function of the endless recursion";
const inNative = ["mid", "fine"] as const;
const inPython = ["mid", "fine", "link"] as const;

/** Null where nothing recurses without end, or where the process died of something else. */
export function ofOverflow(subject: Subject, slots: Slots): Keys | null {
  if (!isOfAccess(subject.kind)) return null;
  const cycle = findCycle(slots.python.map(({ token }) => token));
  if (cycle !== null) return ofPythonCycle(subject, cycle, slots);
  return ofNativeCycle(subject) ?? ofInterpreterCycle(subject);
}

/** Endless recursion dies wherever the stack ends: in an allocator, too, which then looks like a damaged heap. */
const isOfAccess = ({ base, refined }: Kind): boolean =>
  accessKinds.has(refined) || (base === "memory" && refined === "heap-corruption");

function ofPythonCycle(subject: Subject, cycle: Cycle, slots: Slots): Keys {
  const turning = slots.python.filter(({ token }) => cycle.tokens.has(token));
  const firsts = firstOfEach(turning);
  const own = firsts.filter(({ frame }) => frame.role === "app" || frame.role === "helper");
  const members = own.length > 0 ? own : firsts;
  const tokens = tokensOf(named(turning, members, inPython));
  const { evidence } = subject;
  return {
    ...recursion(tokens, cycle.regular),
    link: ["overflow", ...tokens],
    culprit: members.find(({ token }) => token === tokens[0])?.frame.label ?? null,
    evidence: {
      ...evidence,
      own: [],
      instead: [],
      native: protocolNames(findProtocol(slots.native)?.map(({ token }) => token ?? "") ?? []),
      named: true,
      cycle: [...new Set(tokens.map(unitOf))],
    },
  };
}

/** Recursion inside one library: named by its functions; by the object where names are missing. */
function ofNativeCycle(subject: Subject): Keys | null {
  const foreign = subject.native.all.filter((slot) => isForeign(slot) && !slot.frame.inline);
  const withName = foreign.filter(({ token }) => token !== null);
  const cycle = findCycle(withName.map(({ token }) => token ?? ""));
  if (cycle !== null) {
    const turning = withName.filter(({ token }) => cycle.tokens.has(token ?? ""));
    return native(subject, turning, cycle.regular);
  }
  const objects = findCycle(
    foreign.map(({ frame }) => frame.object.key),
    MIN_UNNAMED_TURNS,
  );
  if (objects === null || withName.length > foreign.length / 2) return null;
  return native(
    subject,
    foreign.filter(({ frame }) => objects.tokens.has(frame.object.key)),
    null,
  );
}

/** `regular` null: without names. */
function native(subject: Subject, turning: readonly NativeSlot[], regular: boolean | null): Keys {
  const members = named(turning, firstOfEach(turning), inNative);
  const object = turning[0]?.frame.object.key ?? "?";
  const tokens = members.flatMap(({ token }) => token ?? []);
  const unnamed = regular === null ? ["~unsym", ...(linkOf(subject) ?? [])] : [];
  return {
    ...recursion([], regular === true),
    coarse: ["overflow", object],
    mid: regular === null ? unnamed : tokens,
    link: linkOf(subject),
    culprit: regular === null ? object : (tokens[0] ?? object),
    evidence: {
      ...subject.evidence,
      native: protocolNames(tokens),
      chain: tokens,
      named: regular !== null,
      object: `overflow ${object}`,
    },
  };
}

/** Python recursing through C, seen without its frames: all that shows is the protocol it went by. */
function ofInterpreterCycle(subject: Subject): Keys | null {
  if (subject.python.length > 0) return null;
  const turning = findProtocol(subject.native.all);
  if (turning === null) return null;
  const tokens = named(turning, firstOfEach(turning), inNative).flatMap(({ token }) => token ?? []);
  return {
    ...recursion(tokens, false),
    link: null,
    culprit: tokens[0] ?? null,
    evidence: { ...subject.evidence, native: protocolNames(tokens) },
  };
}

/**
 * The frames that tell by which of CPython's protocols a recursion went from C to Python and back.
 * Where the interpreter keeps no names but its exports, its loop goes by the nearest of them: one
 * name again and again may be a deep call.
 */
function findProtocol(slots: readonly NativeSlot[]): readonly NativeSlot[] | null {
  const telling = slots.filter(
    ({ frame: { rule } }) => rule?.telling === true && rule.bounded !== true,
  );
  const tokens = telling.map(({ token }) => token ?? "");
  const cycle = findCycle(tokens, MIN_NATIVE_TURNS);
  if (cycle === null) return null;
  const turning = telling.filter(({ token }) => cycle.tokens.has(token ?? ""));
  return cycle.tokens.size > 1 || turning.length >= MIN_UNSURE_TURNS ? turning : null;
}

/** What captures of one recursion share: all of its functions, else one of them. */
function protocolNames(tokens: readonly string[]): readonly string[] {
  const names = [...new Set(tokens)].toSorted();
  return [...new Set([names.join(" < "), ...names])]
    .filter((name) => name !== "")
    .map((name) => `overflow ${name}`);
}

const recursion = (tokens: readonly string[], regular: boolean) =>
  ({
    mode: "overflow",
    confidence: regular ? "high" : "low",
    coarse: ["overflow", ...tokens.slice(0, 1)],
    mid: tokens,
    fine: [],
  }) as const;

/** Marks the frames of a recursion; its members by name, so that no start of the cycle is special. */
function named<T extends Slot>(
  turning: readonly T[],
  members: readonly T[],
  levels: typeof inNative | typeof inPython,
): readonly T[] {
  const sorted = members.toSorted((a, b) => ((a.token ?? "") < (b.token ?? "") ? -1 : 1));
  for (const slot of turning) slot.role = "cycle";
  mark(turning, [], "takes part in the endless recursion");
  mark(sorted, levels, because);
  mark(sorted.slice(0, 1), ["coarse", ...levels], because);
  return sorted;
}

function firstOfEach<T extends Slot>(slots: readonly T[]): readonly T[] {
  return [...new Map(slots.toReversed().map((slot) => [slot.token, slot])).values()];
}
