/** What an algorithm makes of a crash. */
import type { Grouping } from "@faultline/shared";

import type { Anchors } from "./anchors.ts";
import type { Evidence } from "./evidence.ts";
import type { Crash } from "./input.ts";
import type { Kind } from "./kind.ts";
import type { NativeFacts } from "./native-stack.ts";
import type { NativeSlot, PythonSlot } from "./slots.ts";
import { distinct } from "./slots.ts";

/** What an algorithm answers with. */
export interface Decision extends Keys {
  /** The death, as the whole stack tells it. */
  readonly kind: Kind;
  /** The Python function of the program that called into native code; null without one. */
  readonly caller: string | null;
}

/** What is hashed, and what the user is told of it. */
export interface Keys {
  readonly mode: Grouping["mode"];
  readonly confidence: Grouping["confidence"];
  readonly coarse: readonly string[];
  readonly mid: readonly string[];
  readonly fine: readonly string[];
  readonly link: readonly string[] | null;
  /** "module:function" or "object:function" for people; null when no function can be named. */
  readonly culprit: string | null;
  readonly evidence: Evidence;
}

/** A crash read, sorted and ready to be decided. */
export interface Subject {
  readonly crash: Crash;
  /** With the cause that the native frames show. */
  readonly kind: Kind;
  readonly native: NativeFacts;
  /** The Python frames that count. */
  readonly python: readonly PythonSlot[];
  /** A finalizer was running; what lies below it was set aside. */
  readonly belowFinalizer: boolean;
  readonly anchors: Anchors | null;
  readonly evidence: Evidence;
}

export const tokensOf = (slots: readonly PythonSlot[]): readonly string[] =>
  slots.map(({ token }) => token);

const inFine = ["app", "helper", "wrapper", "library", "stdlib"] as const;

/** The whole path: native code of somebody's own, then every Python function but plumbing and waits. */
export function fineTokens({ native, python }: Subject): readonly string[] {
  const own = fineNative(native).map(({ token }) => token ?? "");
  return [...own, ...tokensOf(distinct(python, ...inFine))];
}

function fineNative({ region }: NativeFacts): readonly NativeSlot[] {
  const seen = new Set<string | null>([null]);
  return region.filter(({ role, token }) => {
    if ((role !== "native" && role !== "helper") || seen.has(token)) return false;
    seen.add(token);
    return true;
  });
}

/** Marks what `fineTokens` takes; modes mark their own frames over it. */
export function markFine({ native, python }: Subject): void {
  for (const slot of fineNative(native)) slot.usedIn = ["fine"];
  for (const slot of distinct(python, ...inFine)) slot.usedIn = ["fine"];
}

/** The Python anchor under the class of the death; null without Python frames. */
export const linkOf = ({ kind, anchors }: Subject): readonly string[] | null =>
  anchors === null ? null : [kind.base, ...tokensOf(anchors.mid)];
