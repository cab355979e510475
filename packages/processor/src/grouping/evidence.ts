/**
 * What a crash shares with other crashes of its bug, beside its own key: what `attachAll` goes by.
 *
 * Captures differ in what they see. A text knows Python frames, a dump native ones, and only
 * captures of both tell which belong together; releases add and move frames, and builds differ in
 * the names they keep. So a crash is described from several sides.
 */
import type { Anchors } from "./anchors.ts";
import type { Kind } from "./kind.ts";
import { MAX_CHAIN, MAX_EVIDENCE_FUNCTIONS } from "./limits.ts";
import type { NativeFacts } from "./native-stack.ts";
import { isForeign, shapeOf, tellingSlots } from "./native-stack.ts";
import { unitOf } from "./python-unit.ts";
import { distinct, type NativeSlot, type PythonSlot } from "./slots.ts";

export interface OwnFunction {
  /** `unitOf` its token. */
  readonly unit: string;
  /** A name that many classes share. */
  readonly helper: boolean;
}

/** Deaths whose innermost frames are chance: where the damage showed, what a loop was just at. */
export type Chance = "heap" | "collector" | "busy";

export interface Evidence {
  /** Class of the death; the same function dies of two things in two bugs. */
  readonly base: string;
  /** Python functions of the program, nearest the crash first, each once; empty without Python frames. */
  readonly own: readonly OwnFunction[];
  /** The function of an installed package, as `unit`, that the innermost of `own` called; null: none. */
  readonly called: string | null;
  /** What stands in for `own` where the program has no function: its packages, an imported module. */
  readonly instead: readonly string[];
  /** Native names, most telling first: the culprit, or what the interpreter was at. */
  readonly native: readonly string[];
  /** Where in the file of its build the foreign code that died lies, `module+0x1a2b`. */
  readonly site: string | null;
  /** Foreign functions from the culprit to its callers, at most `MAX_CHAIN`: the culprit first. */
  readonly chain: readonly string[];
  /** Foreign objects on the way from the crash to Python, nearest the crash first. */
  readonly objects: readonly string[];
  /** The mid key names a native culprit (or an object that is one). */
  readonly named: boolean;
  /** Native frames were captured. */
  readonly sawNative: boolean;
  /** Foreign code was called by a mechanism that does as its caller says: ctypes, cffi. */
  readonly told: boolean;
  /** A thread that native code made for itself: no Python code called what died. */
  readonly foreignThread: boolean;
  /** Foreign code died in what it asked the interpreter for. */
  readonly inInterpreter: boolean;
  /** The code that died is an extension module's own. */
  readonly inExtension: boolean;
  /** The object that died, where its names are unknown or do not matter. */
  readonly object: string | null;
  /** The words that tell bugs of one function apart; empty where none were heard. */
  readonly saying: string;
  /** A failed assertion, with the function or file that made it. */
  readonly assertion: string | null;
  /** Functions of an endless recursion through Python. */
  readonly cycle: readonly string[] | null;
  readonly chance: Chance | null;
  /** The garbage collector was at work, whatever it met. */
  readonly collecting: boolean;
  /** A module was being imported. */
  readonly importing: boolean;
}

export function evidenceOf(
  kind: Kind,
  python: readonly PythonSlot[],
  anchors: Anchors | null,
  native: NativeFacts,
): Evidence {
  const imported = anchors?.imported === true;
  const own = imported ? [] : ownFunctions(python);
  return {
    base: kind.base,
    own,
    called: calledPackage(python),
    instead: own.length === 0 ? (anchors?.mid.map(({ token }) => unitOf(token)) ?? []) : [],
    native: nativeNames(native, kind),
    site: native.top?.frame.site ?? null,
    chain: chainOf(native),
    objects: [...new Set(native.region.filter(isForeign).map(({ frame }) => frame.object.key))],
    named: false,
    sawNative: native.all.length > 0,
    told: native.mechanism,
    foreignThread: python.length === 0 && isForeignThread(native.all),
    inInterpreter: native.top !== null && isOfInterpreter(tellingSlots(native.region)[0]),
    inExtension: native.top?.frame.object.extension === true,
    object: native.top?.frame.object.key ?? null,
    saying: kind.message ?? "",
    assertion: assertionLink(kind),
    cycle: null,
    chance: null,
    collecting: native.collector,
    importing: imported,
  };
}

function ownFunctions(python: readonly PythonSlot[]): readonly OwnFunction[] {
  const units = new Map<string, boolean>();
  for (const { token, frame } of distinct(python, "app", "helper")) {
    const unit = unitOf(token);
    if (!units.has(unit)) units.set(unit, frame.role === "helper");
    if (units.size === MAX_EVIDENCE_FUNCTIONS) break;
  }
  return [...units].map(([unit, helper]) => ({ unit, helper }));
}

function calledPackage(python: readonly PythonSlot[]): string | null {
  const caller = python.findIndex(({ frame }) => frame.role === "app" || frame.role === "helper");
  const above = python.slice(0, Math.max(caller, 0));
  const called = above.findLast(({ frame }) => frame.role === "library");
  return called === undefined ? null : unitOf(called.token);
}

/**
 * The culprit, or without one the shape; then the two nearest names that tell anything, then the nearest.
 * Deaths that have none of these were in whatever the interpreter does for all: there, too, some die
 * in other functions than others. What waits is there by nature.
 */
function nativeNames({ culprit, top, region }: NativeFacts, { base }: Kind): readonly string[] {
  const shape = top === null ? "" : (shapeOf(region) ?? "");
  const telling = nearest(tellingSlots(region));
  const names = distinctNames(
    culprit === null ? [shape, ...telling] : [culprit.token ?? "", ...telling, shape],
  );
  if (names.length > 0 || base === "hang") return names;
  return distinctNames(nearest(region).map((name) => `at ${name}`));
}

/** The two nearest names in one, then the nearest. */
function nearest(slots: readonly NativeSlot[]): readonly string[] {
  const names = slots.flatMap(({ token }) => token ?? []).slice(0, 2);
  return [names.join(" < "), ...names.slice(0, 1)].filter((name) => name !== "");
}

const distinctNames = (names: readonly string[]): readonly string[] =>
  [...new Set(names)].filter((name) => name !== "");

const isOfInterpreter = (slot: NativeSlot | undefined): boolean =>
  slot?.frame.object.origin === "interpreter";

function chainOf({ culprit, region }: NativeFacts): readonly string[] {
  if (culprit === null) return [];
  const below = region.slice(region.indexOf(culprit) + 1).filter(({ role }) => role === "native");
  const chain = [culprit, ...below].flatMap(({ token }) => token ?? []);
  return [...new Set(chain)].slice(0, MAX_CHAIN);
}

/** What died lies above where a thread starts, and neither above Python code nor where the process does. */
function isForeignThread(all: readonly NativeSlot[]): boolean {
  const bases = all.filter(({ role }) => role === "base");
  const ofProcess = bases.some(({ frame }) => frame.rule?.process === true);
  return bases.length > 0 && !ofProcess && !all.some(({ role }) => role === "eval");
}

const assertionLink = ({ assertion }: Kind): string | null =>
  assertion?.place === null || assertion === null
    ? null
    : `${assertion.place}: ${assertion.expression}`;
