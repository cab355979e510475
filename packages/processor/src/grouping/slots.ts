/**
 * One slot a frame: the part it plays, and where its token went. What a slot knows at the end is
 * what the user is shown, so every rule that passes a frame over says so here.
 */
import type { FrameGrouping } from "@faultline/shared";

import { type Crash, readFrame } from "./input.ts";
import { MAX_GROUPED_FRAMES } from "./limits.ts";
import { nativeToken } from "./native-frame.ts";
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

export interface Slots {
  /** Every frame of the stack. */
  readonly all: readonly Slot[];
  /** The Python frames that have a token, nearest the crash first. */
  readonly python: readonly PythonSlot[];
}

const reasons = {
  beyond: `older than the first ${MAX_GROUPED_FRAMES} frames; not looked at`,
  machinery: "machinery of the interpreter or the system",
  native: "native; a bug is named by Python frames, and by one native frame where there are none",
  repeated: "same function as a frame nearer the crash; recursion counts once",
  unused: "code of the program, further from the crash than the key looks",
};

export function slotsOf(crash: Crash): Slots {
  const all: Slot[] = [];
  const python: PythonSlot[] = [];
  const seen = new Set<string>();
  for (const [index, value] of crash.stack.entries()) {
    if (index >= MAX_GROUPED_FRAMES) {
      all.push({ index, role: "beyond", token: null, reason: reasons.beyond, usedIn: [] });
      continue;
    }
    const frame = readFrame(value);
    if (frame.language === "native") {
      const token = nativeToken(frame);
      const reason = frame.role === null ? reasons.native : reasons.machinery;
      all.push({ index, role: frame.role ?? "native", token, reason, usedIn: [] });
      continue;
    }
    const described = describePython(frame);
    const { role, token } = described;
    if (token === null) {
      all.push({ index, role, token, reason: pythonRoles[role], usedIn: [] });
      continue;
    }
    const slot = {
      index,
      role,
      token,
      reason: reasonOf(role, seen.has(token)),
      usedIn: [],
      frame: described,
    };
    seen.add(token);
    all.push(slot);
    python.push(slot);
  }
  return { all, python };
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
