/**
 * What the native frames of a crash say: where it happened, what ended the process, and what must
 * not be taken for its cause.
 *
 * Only the region between the crash and the first Python frame (or the first eval loop, in a stack
 * without Python frames) counts: below it lies how the interpreter got there.
 */
import type { Kind } from "./kind.ts";
import { MAX_ABORT_FRAMES, MAX_HANDLER_FRAMES } from "./limits.ts";
import { deliberateKinds } from "./rules/kinds.ts";
import type { NativeCause } from "./rules/native-roles.ts";
import type { NativeSlot, Slots } from "./slots.ts";

export interface NativeFacts {
  /** The frames that count, nearest the crash first. */
  readonly region: readonly NativeSlot[];
  /** All of them below the handler and the abort, for what repeats and for what waits. */
  readonly all: readonly NativeSlot[];
  /** What the frames say of an abort, or of a damaged heap. */
  readonly cause: NativeCause | null;
  readonly collector: boolean;
  readonly waits: boolean;
  /**
   * Foreign code called with its caller's own arguments (ctypes, cffi, numba), and died of them: what
   * ends itself by a check of its own did more than it was told.
   */
  readonly mechanism: boolean;
  /** First frame of an object that can be guilty, and the frame that names its bug. */
  readonly top: NativeSlot | null;
  readonly culprit: NativeSlot | null;
}

const reasons = {
  handler: "of the handler that reported the crash; the crash lies below",
  ended: "above the call that ended the process",
};

export function nativeFacts(slots: Slots, kind: Kind): NativeFacts {
  const above = slots.native.slice(0, slots.above);
  const died = belowHandler(above);
  const aborting = endsItself(kind) ? abortedAt(died) : -1;
  const all = died.slice(aborting + 1);
  const region = all.slice(0, regionEnd(all));
  const ending = died.slice(0, aborting + 1);
  const top = region.find(isForeign) ?? diedInGlue(region) ?? endedBy(ending);
  return {
    region,
    all,
    cause: causeOf(ending, region, kind),
    collector: region.some(({ role }) => role === "collector"),
    waits: region.slice(0, MAX_ABORT_FRAMES).some(({ role }) => role === "wait"),
    mechanism: kind.base !== "abort" && region.some(isMechanism),
    top,
    culprit: culpritOf(region, top),
  };
}

const isMechanism = ({ frame }: NativeSlot): boolean =>
  frame.rule?.mechanism === true || frame.object.mechanism;

/** An uncaught C++ exception ends a process on Windows under a code of its own. */
const endsItself = ({ base }: Kind): boolean =>
  deliberateKinds.has(base) || base.startsWith("other:");

/** An object of the program's or of a package's, in a frame that can be a crash's cause. */
export const isForeign = ({ frame, role }: NativeSlot): boolean =>
  role === "native" || (role === "unsymbolicated" && frame.object.origin === "foreign");

/**
 * A binder's function in which the crash lies itself: what it was to call was inlined into it. What libraries did for it
 * may lie above.
 */
function diedInGlue(region: readonly NativeSlot[]): NativeSlot | null {
  const first = region.find(({ role }) => role !== "helper" && role !== "system");
  const listed = first?.role === "glue" && first.frame.rule !== null;
  return listed && first.frame.object.origin === "foreign" ? first : null;
}

/** Foreign code that checked itself and ended the process: whose it is shows though what called it is lost. */
const endedBy = (ending: readonly NativeSlot[]): NativeSlot | null =>
  ending.findLast(({ frame }) => frame.object.origin === "foreign") ?? null;

/** Handlers raise the signal again, and report from inside: the crash is below the last of them. */
function belowHandler(frames: readonly NativeSlot[]): readonly NativeSlot[] {
  const last = frames.slice(0, MAX_HANDLER_FRAMES).findLastIndex(({ role }) => role === "cut");
  for (const slot of frames.slice(0, Math.max(last, 0))) slot.reason = reasons.handler;
  return frames.slice(last + 1);
}

/** Index of the outermost frame that ends the process; whatever is above it is part of the end. */
function abortedAt(frames: readonly NativeSlot[]): number {
  const last = frames.slice(0, MAX_ABORT_FRAMES).findLastIndex(({ role }) => role === "abort");
  for (const slot of frames.slice(0, Math.max(last, 0))) {
    if (slot.role !== "abort") slot.reason = reasons.ended;
  }
  return last;
}

/**
 * The first eval loop, or where the thread starts. A start with Python or foreign code below it is none: where a library
 * keeps no names but its exports, a copy in `memmove` is called after the nearest, which may be `clone`.
 */
function regionEnd(frames: readonly NativeSlot[]): number {
  const inner = frames.findLastIndex((slot) => slot.role === "eval" || isForeign(slot));
  const end = frames.findIndex(
    ({ role }, index) => role === "eval" || (role === "base" && index > inner),
  );
  return end < 0 ? frames.length : end;
}

/** The most telling of the causes: an assertion's own frames lie inside those of a terminate. */
function causeOf(
  ending: readonly NativeSlot[],
  region: readonly NativeSlot[],
  kind: Kind,
): NativeCause | null {
  const causes = ending.flatMap(({ frame }) => frame.rule?.cause ?? []);
  if (causes.includes("assertion")) return "assertion";
  if (kind.base === "hang") return null;
  return damagedHeap(region) ? "heap corruption" : (causes[0] ?? null);
}

/** An allocator's own checks, before any code that could have called it wrongly. */
function damagedHeap(region: readonly NativeSlot[]): boolean {
  const code = region.findIndex((slot) => isForeign(slot) || slot.role === "interpreter");
  const inner = code < 0 ? region : region.slice(0, code);
  return inner.some(({ frame }) => frame.rule?.cause === "heap corruption");
}

function culpritOf(region: readonly NativeSlot[], top: NativeSlot | null): NativeSlot | null {
  if (top === null || top.role === "abort") return null;
  return top.role === "glue" ? top : culpritFrom(region, top);
}

/**
 * The first named function of the run of frames that starts at `top`, a function that was inlined
 * only where there is no other: captures differ in knowing of those. A name that follows frames of
 * the interpreter or of another object is that of a caller.
 */
function culpritFrom(region: readonly NativeSlot[], top: NativeSlot): NativeSlot | null {
  let inlined: NativeSlot | null = null;
  for (const slot of region.slice(region.indexOf(top))) {
    const { frame, role } = slot;
    const theirs = role === "native" || role === "unsymbolicated";
    if (
      theirs ? frame.object.key !== top.frame.object.key : frame.object.origin === "interpreter"
    ) {
      break;
    }
    if (role !== "native") continue;
    if (!frame.inline) return slot;
    inlined ??= slot;
  }
  return inlined;
}

/**
 * The foreign frames of a region by their objects alone, `vxblas*3 < index*2`: what a capture
 * without names has in common with others of its bug. Inlined calls have no frame there.
 */
export function shapeOf(region: readonly NativeSlot[]): string | null {
  const runs: { object: string; length: number }[] = [];
  for (const slot of region) {
    if (slot.frame.object.origin !== "foreign" || slot.frame.inline) continue;
    const { key } = slot.frame.object;
    const last = runs.at(-1);
    if (last?.object === key) last.length++;
    else runs.push({ object: key, length: 1 });
  }
  if (runs.length === 0) return null;
  return runs.map(({ object, length }) => `${object}*${length}`).join(" < ");
}

/** Tokens of `slots` that tell what was running where no code of somebody's own was. */
export function tellingSlots(slots: readonly NativeSlot[]): readonly NativeSlot[] {
  const seen = new Set<string>();
  return slots.filter(({ role, token, frame }) => {
    const telling =
      role === "native" ||
      role === "interpreter" ||
      role === "system" ||
      frame.rule?.telling === true ||
      frame.rule?.mechanism === true;
    if (!telling || token === null || seen.has(token)) return false;
    seen.add(token);
    return true;
  });
}
