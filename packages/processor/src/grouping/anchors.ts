/**
 * Which Python frames name a bug: the innermost of the program, deep enough that a helper shared
 * by two bugs does not merge them, and no deeper, so that one bug reached on many ways stays one.
 */
import { isImport } from "./python-frame.ts";
import { finalizerName } from "./rules/helper-names.ts";
import { distinct, type PythonSlot } from "./slots.ts";

/** Frames of the program in `mid`; one more when the innermost has a helper's name. */
const DEPTH = 2;

/** Roles to fall back on where the program has no frame of its own, best first. */
const fallbacks = [["library"], ["wrapper"], ["entry"], ["stdlib"]] as const;

export interface Anchors {
  /** Part of `mid` and `link`, nearest the crash first; never empty. */
  readonly mid: readonly PythonSlot[];
  /** The one in `coarse`. */
  readonly coarse: PythonSlot;
  /** The body of a module that was being imported, whoever imported it. */
  readonly imported: boolean;
  /** Why these, for the frames' reasons. */
  readonly because: string;
  /** False where the key is the next best thing: no code of the program, or one helper's name. */
  readonly strong: boolean;
}

/**
 * Sets the slots aside that lie below a finalizer: `__del__` runs wherever a count falls to zero
 * or the collector starts, so its callers are chance. Returns the slots that remain.
 */
export function aboveFinalizer(slots: readonly PythonSlot[]): readonly PythonSlot[] {
  const last = slots.findIndex(({ frame }) => frame.name === finalizerName);
  if (last < 0) return slots;
  for (const slot of slots.slice(last + 1)) {
    slot.role = "incidental";
    slot.reason = "below a finalizer, which runs wherever an object happens to die";
  }
  return slots.slice(0, last + 1);
}

/**
 * Null when every frame is plumbing or a wait. With `hang`, an installed package that the program
 * was waiting in does not count: the next dump of the same wait shows another of its functions.
 */
export function findAnchors(slots: readonly PythonSlot[], hang: boolean): Anchors | null {
  return importedModule(slots) ?? ownCode(slots, hang) ?? foreignCode(slots);
}

/** The body of a module that was being imported: whoever imports it first dies of the same. */
function importedModule(slots: readonly PythonSlot[]): Anchors | null {
  const index = slots.findIndex(
    ({ frame }) => frame.role !== "wrapper" && frame.role !== "stdlib" && !isImport(frame),
  );
  const body = slots[index];
  const below = slots[index + 1];
  if (body?.frame.name !== "<module>" || below === undefined || !isImport(below.frame)) return null;
  const strong = body.frame.role === "entry";
  const because = "the module whose import was running";
  return { mid: [body], coarse: body, imported: true, strong, because };
}

function ownCode(slots: readonly PythonSlot[], hang: boolean): Anchors | null {
  const named = distinct(slots, "app", "helper");
  const [first] = named;
  if (first === undefined) return null;
  const regular = named.filter(({ frame }) => frame.role === "app");
  const helper = first.frame.role === "helper";
  const callers = (regular.length > 0 ? regular : named.slice(helper ? 1 : 0)).slice(0, DEPTH);
  const own = helper ? [first, ...callers] : callers;
  const called = hang || own.length >= DEPTH ? [] : calledLibrary(slots, first);
  const because = "among the innermost frames of the program";
  const mid = [...called, ...own];
  const strong = regular.length > 0 || mid.length > 1;
  return { mid, coarse: regular[0] ?? first, imported: false, strong, because };
}

/**
 * The innermost frame of a package that the program called. It counts where the program has too
 * few frames to tell bugs apart: a view over an ORM, a test harness. Elsewhere it would only
 * split a bug, for packages grow and lose such frames from release to release.
 */
function calledLibrary(slots: readonly PythonSlot[], caller: PythonSlot): readonly PythonSlot[] {
  return distinct(slots.slice(0, slots.indexOf(caller)), "library").slice(0, 1);
}

function foreignCode(slots: readonly PythonSlot[]): Anchors | null {
  for (const roles of fallbacks) {
    const mid = distinct(slots, ...roles).slice(0, DEPTH);
    const [coarse] = mid;
    if (coarse === undefined) continue;
    const because = "the stack has no function of the program";
    return { mid, coarse, imported: false, strong: false, because };
  }
  return null;
}
