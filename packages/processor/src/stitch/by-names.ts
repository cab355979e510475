/**
 * By names alone: from 3.11 on an activation of the eval loop runs as many Python frames as called
 * one another directly. Where one ends is told by the Python frames' names, by what their callers'
 * lines can do, and by the native functions between the activations.
 */
import type { EntryWay } from "@faultline/pyc";
import type { PythonFrame } from "@faultline/shared";
import { counted } from "../gaps.ts";
import { MAX_ALIGNED_CELLS } from "../limits.ts";
import type { Activation } from "../native/frames.ts";
import { align, type Ends, type Rows } from "./align.ts";
import { bridgesOf, fitOf } from "./bridges.ts";
import { approximate, exact, type Placing, type Run } from "./placing.ts";
import type { PythonSide } from "./python-side.ts";
import { seamOf } from "./seams.ts";

/** `loops`: indexes of the eval loop's activations, at least one. */
export function placeByNames(
  activations: readonly Activation[],
  nativeComplete: boolean,
  python: PythonSide,
  loops: readonly number[],
  isRetry = false,
): Placing {
  const { frames, minor, waysInto, thread } = python;
  // Each activation runs a frame, so no more of them than frames are reached.
  const reached = thread.truncated ? loops.slice(0, frames.length) : loops;
  if (frames.length * (reached.length + 1) > MAX_ALIGNED_CELLS)
    return all(frames.length, loops, tooMany);
  const ways = frames.slice(1).map(waysInto);
  const rows = {
    seams: ways.map((into, seam) => seamOf(frames[seam]!, frames[seam + 1]!, into, minor)),
    activations: reached.length,
    framesComplete: !thread.truncated,
    activationsComplete: nativeComplete,
  };
  const possible = align({ ...rows, score: () => 0 });
  if (possible === null) {
    const [, ...older] = loops;
    return older.length === 0 || isRetry
      ? all(frames.length, loops, contradiction)
      : begun(placeByNames(activations, nativeComplete, python, older, true));
  }
  if (isOnlyOne(possible)) return exact(runsOf(possible, frames.length, loops));
  const best = align({ ...rows, score: scoreOf(activations, loops, frames, ways) }) ?? possible;
  const runs = runsOf(best, frames.length, loops);
  return approximate(runs, inferred(runs, frames.length));
}

/** Of recursion the same few bridges and frames are weighed again and again: once is enough. */
function scoreOf(
  activations: readonly Activation[],
  loops: readonly number[],
  frames: readonly PythonFrame[],
  ways: readonly (readonly EntryWay[])[],
): Rows["score"] {
  const bridges = bridgesOf(activations, loops);
  const callees = frames.map(({ function: name }) => name ?? "");
  const bridgeIds = numbered(bridges.map((names) => names.join(" ")));
  const seamIds = numbered(
    ways.map((into, seam) => `${callees[seam]} ${into.map(({ by }) => by).join(" ")}`),
  );
  const known: (number | undefined)[] = [];
  return (activation, seam) => {
    const id = bridgeIds[activation]! * ways.length + seamIds[seam]!;
    return (known[id] ??= fitOf(bridges[activation]!, callees[seam]!, ways[seam]!));
  };
}

/** For each text the index at which it stands first. */
function numbered(texts: readonly string[]): readonly number[] {
  const first = new Map<string, number>();
  return texts.map((text, index) => {
    const known = first.get(text);
    if (known === undefined) first.set(text, index);
    return known ?? index;
  });
}

const isOnlyOne = ({ first, last }: Ends): boolean =>
  first.every((frame, activation) => frame === last[activation]);

/** Frames of which it is certain stand with their activation, the others have no place of their own. */
function runsOf({ first, last }: Ends, count: number, loops: readonly number[]): Run[] {
  const runs: Run[] = [];
  const add = (frames: number, at: number | null): void => {
    if (frames > 0) runs.push({ frames, at });
  };
  let next = 0;
  for (const [activation, end] of first.entries()) {
    add(end + 1 - next, loops[activation] ?? null);
    next = Math.max(next, end + 1);
    const uncertain = last[activation]! + 1 - next;
    add(uncertain, null);
    next += Math.max(0, uncertain);
  }
  add(count - next, null);
  return runs;
}

/** Without the innermost activation of the eval loop, which may have no frame yet. */
function begun(placing: Placing): Placing {
  const why =
    placing.why ?? "The innermost activation of the eval loop is taken to have no frame yet.";
  return approximate(placing.runs, why);
}

/** The innermost frame is right in any case. */
const all = (frames: number, loops: readonly number[], why: string): Placing =>
  approximate([{ frames, at: loops[0]! }], why);

const tooMany = `All Python frames stand with the innermost activation of the eval loop: more are not told apart (limit MAX_ALIGNED_CELLS, ${MAX_ALIGNED_CELLS}).`;
const contradiction =
  "All Python frames stand with the innermost activation of the eval loop: their names and the native frames contradict each other.";

function inferred(runs: readonly Run[], count: number): string {
  const uncertain = runs.reduce((sum, { frames, at }) => sum + (at === null ? frames : 0), 0);
  const told =
    uncertain === 0
      ? "names tell which native frame runs which of them"
      : `names leave open which native frame runs ${uncertain} of them`;
  return `The text tells ${counted(count, "Python frame")}, not where C code called Python: ${told}.`;
}
