/**
 * By address: from 3.11 on an activation of the eval loop has a local variable that its innermost
 * Python frames lead to (`_PyCFrame`, a shim), so it lies in that activation's C frame. Needs no
 * symbols.
 */
import type { Activation } from "../native/frames.ts";
import type { PythonRun } from "../python-memory/frames.ts";
import type { NativeStack } from "./place.ts";
import type { Run } from "./placing.ts";

/** Each run at the activation that holds its anchor; null where none does, or not in order. */
export function placeByAddress(
  { activations, leftOutBefore }: Pick<NativeStack, "activations" | "leftOutBefore">,
  runs: readonly PythonRun[],
): readonly Run[] {
  const byStack = [...activations.keys()].toSorted((one, other) =>
    compare(activations[one]!.sp, activations[other]!.sp),
  );
  let innermost = -1;
  return runs.map(({ frames, anchor }) => {
    const at = anchor === null ? null : holder(activations, byStack, anchor);
    if (at === null || at <= innermost || at + 1 === leftOutBefore) return { frames, at: null };
    innermost = at;
    return { frames, at };
  });
}

/**
 * The activation with sp ≤ `address` < sp of its caller. `byStack`: all of them by their sp; a
 * signal handler's own stack may lie anywhere.
 */
function holder(
  activations: readonly Activation[],
  byStack: readonly number[],
  address: bigint,
): number | null {
  let low = 0;
  let high = byStack.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (activations[byStack[middle]!]!.sp <= address) low = middle + 1;
    else high = middle;
  }
  const found = byStack[low - 1];
  const caller = found === undefined ? undefined : activations[found + 1];
  return found !== undefined && caller !== undefined && address < caller.sp ? found : null;
}

const compare = (one: bigint, other: bigint): number => (one < other ? -1 : Number(one > other));
