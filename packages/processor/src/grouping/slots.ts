/**
 * One slot a frame: the part it plays, and where its token went. What a slot knows at the end is
 * what the user is shown, so every rule that passes a frame over says so here.
 */
import type { FrameGrouping } from "@faultline/shared";

import { type Crash, type CrashFrame, readFrame } from "./input.ts";
import { MAX_GROUPED_FRAMES } from "./limits.ts";
import { describeNative, type NativeFrame, nativeReasons } from "./native-frame.ts";
import { describePython, type PythonFrame, type PythonRole, pythonRoles } from "./python-frame.ts";

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
};

export function slotsOf(crash: Crash): Slots {
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
    if (frame.language === "native") {
      const slot = nativeSlot(index, frame);
      all.push(slot);
      native.push(slot);
      continue;
    }
    if (above < 0) above = native.length;
    all.push(pythonSlot(index, frame, seen, python));
  }
  const trusted = native.slice(0, above < 0 ? native.length : above);
  return { all, python, ...withoutScanned(native, trusted.length) };
}

function pythonSlot(
  index: number,
  frame: CrashFrame,
  seen: Set<string>,
  python: PythonSlot[],
): Slot {
  const described = describePython(frame);
  const { role, token } = described;
  if (token === null) return { index, role, token, reason: pythonRoles[role], usedIn: [] };
  const reason = reasonOf(role, seen.has(token));
  const slot = { index, role, token, reason, usedIn: [], frame: described };
  seen.add(token);
  python.push(slot);
  return slot;
}

function nativeSlot(index: number, frame: CrashFrame): NativeSlot {
  const described = describeNative(frame);
  const { role, token, rule } = described;
  const reason = rule?.because ?? nativeReasons[role];
  return { index, role, token, reason, usedIn: [], frame: described };
}

/** A scan's finds count only where nothing better was found above the first Python frame. */
function withoutScanned(
  native: readonly NativeSlot[],
  above: number,
): Pick<Slots, "native" | "above"> {
  for (const slot of native.slice(above)) slot.reason = reasons.below;
  const region = native.slice(0, above);
  if (!region.some(({ frame }) => !frame.scanned)) return { native, above };
  const kept = native.filter(({ frame }) => !frame.scanned);
  for (const slot of native) {
    if (!slot.frame.scanned) continue;
    slot.role = "scanned";
    slot.reason = reasons.scanned;
  }
  return { native: kept, above: region.filter(({ frame }) => !frame.scanned).length };
}

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
