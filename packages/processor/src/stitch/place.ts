/** The surest way that the version of Python, the memory and the symbols allow. */
import { counted as number } from "../gaps.ts";
import type { Activation } from "../native/frames.ts";
import type { PythonRun } from "../python-memory/frames.ts";
import { placeByAddress } from "./by-address.ts";
import { placeByCount } from "./by-count.ts";
import { placeByNames } from "./by-names.ts";
import { evalLoops } from "./eval-loops.ts";
import { approximate, exact, type Placing, type Run, unplaced } from "./placing.ts";
import type { PythonSide } from "./python-side.ts";

/** What stitching reads of a native stack; NativeThread fits. */
export interface NativeStack {
  /** Innermost first. */
  readonly activations: readonly Activation[];
  /** Index of the first activation behind those that are left out of the middle. */
  readonly leftOutBefore: number | null;
  /** Older ones are missing, or may be. */
  readonly truncated: boolean;
}

/** Up to this version an activation of the eval loop runs one frame. */
const LAST_MINOR_WITH_ONE_FRAME = 10;

export function place(native: NativeStack, python: PythonSide): Placing {
  const { runs, frames, minor } = python;
  const byAddress = runs === null ? null : addressed(native, runs);
  if (byAddress !== null) return byAddress;
  const { activations, leftOutBefore } = native;
  const loops = evalLoops(activations);
  if (loops.length === 0) return unplaced(frames.length, noLoops);
  const inner = leftOutBefore === null ? loops : loops.filter((index) => index < leftOutBefore);
  const nativeComplete = inner === loops && isWhole(native, loops);
  const oneEach = minor !== null && minor <= LAST_MINOR_WITH_ONE_FRAME;
  if (!oneEach && runs === null)
    return placeByNames(activations, nativeComplete, python, inner.length > 0 ? inner : loops);
  const counted = oneEach ? frames.map(() => 1) : (runs ?? []).map((run) => run.frames);
  return placeByCount({
    runs: counted,
    inner,
    outer: loops.slice(inner.length),
    pythonComplete: !python.thread.truncated,
    nativeComplete,
  });
}

const noLoops =
  "no native frame is known to run Python code, for the symbols of the interpreter are missing, or the stack was cut.";

/** Nothing that runs Python can be missing where the stack shows how Python was started. */
function isWhole({ activations, truncated }: NativeStack, loops: readonly number[]): boolean {
  const outermost = loops.at(-1) ?? 0;
  const started = activations
    .slice(outermost + 1)
    .some(({ frames }) => frames.some(({ role }) => role === "start"));
  return started || !truncated;
}

/** Null where not one run is found by its address. */
function addressed(native: NativeStack, runs: readonly PythonRun[]): Placing | null {
  const placed = placeByAddress(native, runs);
  const missing = placed.filter(({ at, frames }) => at === null && frames > 0).length;
  if (placed.every(({ at }) => at === null)) return null;
  if (missing > 0) {
    const why = `Of ${number(placed.length, "run")} of Python frames ${missing} lie in no activation of the native stack: they stand beside their neighbours.`;
    return approximate(placed, why);
  }
  if (placed.some((run) => isScanned(native.activations, run))) {
    const why =
      "Native frames that run Python were found by scanning the stack: Python frames may belong to their neighbours.";
    return approximate(placed, why);
  }
  return exact(placed);
}

/** The bounds of the activation are not certain. */
function isScanned(activations: readonly Activation[], { at }: Run): boolean {
  if (at === null) return false;
  const bounds = [activations[at], activations[at + 1]];
  return bounds.some((bound) => bound?.frames.at(-1)?.foundBy === "scan");
}
