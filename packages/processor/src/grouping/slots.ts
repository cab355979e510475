/**
 * One slot a frame: the part it plays, and where its token went. What a slot knows at the end is
 * what the user is shown, so every rule that passes a frame over says so here.
 */
import type { FrameGrouping } from "@faultline/shared";

import { type Crash, type CrashFrame, readFrame } from "./input.ts";
import { MAX_GROUPED_FRAMES, MAX_HANDLER_FRAMES } from "./limits.ts";
import { describeNative, type NativeFrame, nativeReasons } from "./native-frame.ts";
import type { NativeRole } from "./native-role.ts";
import { describePython, type PythonFrame, type PythonRole, pythonRoles } from "./python-frame.ts";
import type { RuleBook, Verdict } from "./rule-book.ts";

export interface Slot {
  readonly index: number;
  role: string;
  readonly token: string | null;
  reason: string;
  usedIn: FrameGrouping["usedIn"];
}

/** A Python frame with a token. */
export interface PythonSlot extends Slot {
  readonly token: string;
  readonly frame: PythonFrame;
}

export interface NativeSlot extends Slot {
  readonly frame: NativeFrame;
}

export interface Slots {
  /** Every frame of the stack. */
  readonly all: readonly Slot[];
  /** The Python frames that have a token, nearest the crash first. */
  readonly python: readonly PythonSlot[];
  /** The native frames, those found by a scan only where there are no others. */
  readonly native: readonly NativeSlot[];
  /** How many of `native` lie above the first Python frame. */
  readonly above: number;
}

const reasons = {
  beyond: `older than the first ${MAX_GROUPED_FRAMES} frames; not looked at`,
  repeated: "same function as a frame nearer the crash; recursion counts once",
  unused: "code of the program, further from the crash than the key looks",
  scanned: "found by scanning the stack, which also finds what no call left there",
  below: "below the first Python frame: how the interpreter got there",
  setAside: "above a frame that a rule of the project cuts at, or names the culprit",
};

export function slotsOf(crash: Crash, book: RuleBook | null): Slots {
  const all: Slot[] = [];
  const python: PythonSlot[] = [];
  const native: NativeSlot[] = [];
  const seen = new Set<string>();
  let above = -1;
  for (const [index, value] of crash.stack.entries()) {
    if (index >= MAX_GROUPED_FRAMES) {
      all.push({ index, role: "beyond", token: null, reason: reasons.beyond, usedIn: [] });
      continue;
    }
    const frame = readFrame(value);
    const ofNative = frame.language === "native" ? nativeSlot(index, frame, book) : null;
    const { slot, verdict } = ofNative ?? pythonSlot(index, frame, seen, book);
    if (verdict?.action === "cut" || verdict?.action === "culprit") {
      for (const set of [...python, ...native]) set.reason = reasons.setAside;
      [python.length, native.length, above] = [0, 0, -1];
    }
    all.push(slot);
    if (ofNative === null && above < 0) above = native.length;
    if (verdict?.action === "cut") continue;
    if (ofNative !== null) native.push(ofNative.slot);
    else if (isPython(slot)) python.push(slot);
  }
  return { all, python, ...withoutScanned(native, above) };
}

const isPython = (slot: Slot): slot is PythonSlot => "frame" in slot && slot.token !== null;

/** A slot, and what a rule of the project says of its frame. */
interface Judged<T extends Slot> {
  readonly slot: T;
  readonly verdict: Verdict | null;
}

function pythonSlot(
  index: number,
  frame: CrashFrame,
  seen: Set<string>,
  book: RuleBook | null,
): Judged<Slot | PythonSlot> {
  const found = describePython(frame);
  const verdict = book?.python(frame, found) ?? null;
  const described = verdict === null ? found : pythonAsTold(frame, found, verdict);
  const { role, token } = described;
  if (token === null) {
    return { slot: { index, role, token, reason: pythonRoles[role], usedIn: [] }, verdict };
  }
  const reason = verdict?.reason ?? reasonOf(role, seen.has(token));
  seen.add(token);
  return { slot: { index, role, token, reason, usedIn: [], frame: described }, verdict };
}

function pythonAsTold(frame: CrashFrame, found: PythonFrame, { action }: Verdict): PythonFrame {
  switch (action) {
    case "skip":
    case "cut":
      return { ...found, role: "plumbing" };
    case "prefix":
      return { ...found, role: "wrapper" };
    case "app":
    case "culprit":
      return { ...describePython({ ...frame, inApp: true }), role: "app" };
    case "notapp":
      return describePython({ ...frame, inApp: false });
  }
}

function nativeSlot(index: number, frame: CrashFrame, book: RuleBook | null): Judged<NativeSlot> {
  const found = describeNative(frame);
  const verdict = book?.native(frame, found) ?? null;
  const role = verdict === null ? found.role : nativeRoleTold[verdict.action];
  const described = verdict === null ? found : { ...found, role, rule: null };
  const reason = verdict?.reason ?? found.rule?.because ?? nativeReasons[role];
  return {
    slot: { index, role, token: found.token, reason, usedIn: [], frame: described },
    verdict,
  };
}

const nativeRoleTold = {
  skip: "glue",
  cut: "cut",
  prefix: "helper",
  app: "native",
  culprit: "native",
  notapp: "system",
} as const satisfies Record<Verdict["action"], NativeRole>;

/**
 * A scan's finds count only where nothing better was found between the crash (or the handler that reported it) and the
 * code that called it: walks lose their way below a signal's frame, and find it again further down. `abovePython`: how
 * many of `native` lie above the first Python frame; negative: there is none.
 */
function withoutScanned(
  native: readonly NativeSlot[],
  abovePython: number,
): Pick<Slots, "native" | "above"> {
  const withPython = abovePython >= 0;
  const above = withPython ? abovePython : native.length;
  for (const slot of native.slice(above)) slot.reason = reasons.below;
  const start = native.slice(0, MAX_HANDLER_FRAMES).findLastIndex(({ role }) => role === "cut") + 1;
  // a Python frame tells where its caller begins, and what a scan took for an eval loop above it is none
  const isEval = ({ role, frame }: NativeSlot): boolean =>
    role === "eval" && !(frame.scanned && withPython);
  const found = native.findIndex((slot, index) => index >= start && isEval(slot));
  const end = found < 0 ? above : Math.min(found, above);
  const better = isFoundWithout(native.slice(start, end));
  const kept = native.map(
    ({ frame, role }, index) => !frame.scanned || (!better && index < end && role !== "eval"),
  );
  for (const [index, slot] of native.entries()) {
    if (kept[index] === true) continue;
    slot.role = "scanned";
    slot.reason = reasons.scanned;
  }
  return {
    native: native.filter((_, index) => kept[index]),
    above: kept.slice(0, above).filter(Boolean).length,
  };
}

/** Foreign code is there that no scan found, or the interpreter's own is nearer the crash than all that a scan did. */
function isFoundWithout(region: readonly NativeSlot[]): boolean {
  const own = region.filter(({ frame }) => !frame.scanned);
  if (own.some((slot) => ofForeign(slot))) return true;
  const named = region.findIndex(
    ({ role, token, frame }) => !frame.scanned && token !== null && victims.has(role),
  );
  const scanned = region.findIndex((slot) => slot.frame.scanned && ofForeign(slot));
  return named >= 0 && (scanned < 0 || named < scanned);
}

const ofForeign = ({ role, frame }: NativeSlot): boolean =>
  (role === "native" || role === "unsymbolicated") && frame.object.origin === "foreign";
const victims: ReadonlySet<string> = new Set(["interpreter", "collector", "dealloc"]);

function reasonOf(role: PythonRole, repeated: boolean): string {
  if (repeated && role !== "plumbing" && role !== "wait") return reasons.repeated;
  return role === "app" ? reasons.unused : pythonRoles[role];
}

/** Slots with one of `roles`, the first of each token: recursion counts once. */
export function distinct(
  slots: readonly PythonSlot[],
  ...roles: readonly PythonRole[]
): PythonSlot[] {
  const seen = new Set<string>();
  return slots.filter((slot) => {
    if (!roles.includes(slot.frame.role) || seen.has(slot.token)) return false;
    seen.add(slot.token);
    return true;
  });
}

/** Writes into `slots` which keys their tokens are part of, and why. */
export function mark(slots: readonly Slot[], usedIn: Slot["usedIn"], reason: string): void {
  for (const slot of slots) {
    slot.usedIn = usedIn;
    slot.reason = reason;
  }
}
