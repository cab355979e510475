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
  readonly loops: readonly number[];
  /** Nothing is missing at the outer end of the Python stack, and of the native one. */
  readonly pythonComplete: boolean;
  readonly nativeComplete: boolean;
}

/**
 * One to one where the numbers agree and nothing is missing. Else from the outermost on: what has
 * no partner is then an activation whose frame is not there yet, or no more. Where outer ends are
 * missing, from the innermost on.
 */
export function placeByCount({ runs, loops, pythonComplete, nativeComplete }: Counted): Placing {
  const complete = pythonComplete && nativeComplete;
  const shift = complete ? Math.max(0, loops.length - runs.length) : 0;
  const left = complete ? Math.max(0, runs.length - loops.length) : 0;
  const placed = runs.map((frames, index): Run => {
    const loop = index < left ? undefined : loops[index - left + shift];
    return { frames, at: loop ?? null };
  });
  if (complete && loops.length === runs.length) return exact(placed);
  const numbers = `${counted(loops.length, "activation")} of the eval loop and ${counted(runs.length, "run")} of Python frames`;
  return approximate(
    placed,
    complete
      ? `There are ${numbers}: they are paired from the outermost on.`
      : `There are ${numbers}, and outer ones are missing: they are paired from the innermost on.`,
  );
}
