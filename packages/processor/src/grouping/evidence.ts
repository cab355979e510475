/**
 * What a crash shares with other crashes of its bug, beside its own key: what `attach` counts.
 *
 * Captures differ in what they see. A text knows Python frames, a dump native ones, and only
 * captures of both tell which belong together; releases add and move frames. So a crash is
 * described from three sides, and each is a link to crashes that know it, too.
 */
import type { Anchors } from "./anchors.ts";
import type { Kind } from "./kind.ts";
import { MAX_EVIDENCE_FUNCTIONS } from "./limits.ts";
import type { NativeFacts } from "./native-stack.ts";
import { shapeOf, tellingSlots } from "./native-stack.ts";
import { distinct, type PythonSlot } from "./slots.ts";

export interface OwnFunction {
  readonly token: string;
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
  /** What stands in for `own` where the program has no function: its packages, an imported module. */
  readonly instead: readonly string[];
  /** Native names, most telling first: the culprit, or what the interpreter was at. */
  readonly native: readonly string[];
  /** The mid key names a native culprit (or an object that is one). */
  readonly named: boolean;
  /** Native frames were captured. */
  readonly sawNative: boolean;
  /** The object that died, where its names are unknown or do not matter. */
  readonly object: string | null;
  /** The words that tell bugs of one function apart; empty where none were heard. */
  readonly saying: string;
  /** A failed assertion, with the function or file that made it. */
  readonly assertion: string | null;
  /** Functions of an endless recursion through Python. */
  readonly cycle: readonly string[] | null;
  readonly chance: Chance | null;
}

export function evidenceOf(
  kind: Kind,
  python: readonly PythonSlot[],
  anchors: Anchors | null,
  native: NativeFacts,
): Evidence {
  const own = distinct(python, "app", "helper").slice(0, MAX_EVIDENCE_FUNCTIONS);
  const imported = anchors?.imported === true;
  return {
    base: kind.base,
    own: imported
      ? []
      : own.map(({ token, frame }) => ({ token, helper: frame.role === "helper" })),
    instead: imported || own.length === 0 ? tokensOf(anchors) : [],
    native: nativeNames(native),
    named: false,
    sawNative: native.all.length > 0,
    object: native.top?.frame.object.key ?? null,
    saying: kind.message ?? "",
    assertion: assertionLink(kind),
    cycle: null,
    chance: null,
  };
}

const tokensOf = (anchors: Anchors | null): readonly string[] =>
  anchors?.mid.map(({ token }) => token) ?? [];

/** The culprit, else the place in its build and the shape; then the two nearest names that tell anything, then the nearest. */
function nativeNames({ culprit, top, region }: NativeFacts): readonly string[] {
  const telling = tellingSlots(region).map(({ token }) => token ?? "");
  const shape = top === null ? "" : (shapeOf(region) ?? "");
  const site = top?.frame.site ?? "";
  const best = culprit === null ? [site, shape] : [culprit.token ?? ""];
  const names = [...best, telling.slice(0, 2).join(" < "), telling[0] ?? "", shape, site];
  return [...new Set(names)].filter((name) => name !== "");
}

const assertionLink = ({ assertion }: Kind): string | null =>
  assertion?.place === null || assertion === null
    ? null
    : `${assertion.place}: ${assertion.expression}`;
