/**
 * By counting: each run of Python frames belongs to one activation of the eval loop. Up to 3.10
 * every frame is a run of its own.
 */
import { counted } from "../gaps.ts";
import { approximate, exact, type Placing, type Run } from "./placing.ts";

export interface Counted {
  /** Frames of each run, innermost first. */
  readonly runs: readonly number[];
  /** Indexes of the eval loop's activations, innermost first. */
  readonly inner: readonly number[];
  /** Likewise, behind those that are left out of the middle of the native stack. */
  readonly outer: readonly number[];
  /** Nothing is missing at the outer end of the Python stack; and nowhere of the native one. */
  readonly pythonComplete: boolean;
  readonly nativeComplete: boolean;
}

/**
 * One to one where the numbers agree. Else from the outermost on: what has no partner is then an
 * activation whose frame is not there yet, or no more. Where outer ends are missing, from the
 * innermost on.
 */
export function placeByCount(counts: Counted): Placing {
  const { runs, inner, outer, pythonComplete, nativeComplete } = counts;
  if (outer.length === 0 && pythonComplete && inner.length === runs.length) {
    return exact(runs.map((frames, index) => ({ frames, at: inner[index]! })));
  }
  const loops = `${counted(inner.length + outer.length, "activation")} of the eval loop`;
  const numbers = `There are ${loops} and ${counted(runs.length, "run")} of Python frames`;
  const complete = pythonComplete && nativeComplete;
  return approximate(
    complete ? fromOutermost(runs, inner) : fromBothEnds(counts),
    complete
      ? `${numbers}: they are paired from the outermost on.`
      : `${numbers}, and native or Python frames are missing: they are paired from the innermost on.`,
  );
}

function fromOutermost(runs: readonly number[], loops: readonly number[]): Run[] {
  const shift = loops.length - runs.length;
  return runs.map((frames, index) => ({ frames, at: loops[index + shift] ?? null }));
}

/** The outer ones, if there are any and no Python frames are missing, from the outermost on. */
function fromBothEnds({ runs, inner, outer, pythonComplete }: Counted): Run[] {
  const shift = outer.length - runs.length;
  return runs.map((frames, index) => {
    const fromEnd = pythonComplete ? outer[index + shift] : undefined;
    return { frames, at: inner[index] ?? fromEnd ?? null };
  });
}
