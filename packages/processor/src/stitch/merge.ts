/** Native activations and placed Python frames → one stack, innermost first. */
import type { Frame, PythonFrame } from "@faultline/shared";
import type { Activation } from "../native/frames.ts";
import type { Run } from "./placing.ts";

/**
 * The Python frames of a run stand where the activation that runs them does: before its function,
 * as an inlined call would, and behind what was inlined into it, which they called.
 *
 * Runs without a place stand with the run that they called, or that called them; older ones than
 * any that has a place, at the outer end.
 */
export function mergeStacks(
  activations: readonly Activation[],
  python: readonly PythonFrame[],
  runs: readonly Run[],
): Frame[] {
  const byActivation = new Map<number, PythonFrame[]>();
  const rest: PythonFrame[] = [];
  const outermost = runs.findLastIndex(({ at }) => at !== null);
  let place = runs.find(({ at }) => at !== null)?.at ?? null;
  let next = 0;
  for (const [index, { frames, at }] of runs.entries()) {
    const own = python.slice(next, (next += frames));
    place = at ?? place;
    if (place === null || index > outermost) rest.push(...own);
    else if (byActivation.get(place)?.push(...own) === undefined) byActivation.set(place, own);
  }
  const stack: Frame[] = [];
  for (const [index, { frames }] of activations.entries()) {
    stack.push(...frames.slice(0, -1), ...(byActivation.get(index) ?? []), ...frames.slice(-1));
  }
  return [...stack, ...rest];
}
