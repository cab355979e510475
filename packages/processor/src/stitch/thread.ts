/** The native stack and the Python stack of one thread → one thread of the report. */
import type { Frame, Gap, NativeFrame, Thread } from "@faultline/shared";
import { counted, gap, keepGaps } from "../gaps.ts";
import { hex } from "../hex.ts";
import { MAX_GAPS_PER_THREAD } from "../limits.ts";
import type { Activation } from "../native/frames.ts";
import type { NativeThread } from "../native/native-crash.ts";
import { mergeStacks } from "./merge.ts";
import { type NativeStack, place } from "./place.ts";
import type { PythonSide } from "./python-side.ts";
import { Roles } from "./roles.ts";

/** `python`: null where Python does not know the thread. */
export function stitchThread(native: NativeThread, python: PythonSide | null): Thread {
  const { stack, stitch, gaps } = stitchStacks(native, python);
  return {
    id: native.id,
    ident: native.ident === null ? (python?.thread.ident ?? null) : hex(native.ident),
    name: native.name ?? python?.thread.name ?? null,
    crashed: native.crashed,
    stitch,
    garbageCollecting: isCollecting(native, python),
    stack,
    truncated: native.truncated || (python?.thread.truncated ?? false),
    gaps: keepGaps([...native.gaps, ...(python?.thread.gaps ?? []), ...gaps], MAX_GAPS_PER_THREAD),
  };
}

/** As faulthandler says it: of the thread that died. */
const isCollecting = ({ crashed }: NativeThread, python: PythonSide | null): boolean =>
  python !== null && (python.thread.garbageCollecting || (crashed && python.collecting));

export interface Stitched {
  /** Innermost first; machinery is marked. */
  readonly stack: readonly Frame[];
  readonly stitch: Thread["stitch"];
  readonly gaps: readonly Gap[];
}

export function stitchStacks(native: NativeStack, python: PythonSide | null): Stitched {
  const activations = withRoles(native.activations);
  const nativeFrames = activations.flatMap(({ frames }) => frames);
  if (python === null || python.frames.length === 0 || activations.length === 0) {
    return { stack: [...nativeFrames, ...(python?.frames ?? [])], stitch: "none", gaps: [] };
  }
  const { runs, certainty, why } = place({ ...native, activations }, python);
  if (certainty === "none") {
    const counts = `The native stack (${counted(nativeFrames.length, "frame")}) stands before the Python stack (${counted(python.frames.length, "frame")})`;
    const gaps = [
      gap("not-stitched", `${counts}: ${why ?? "nothing tells how they belong together."}`),
    ];
    return { stack: [...nativeFrames, ...python.frames], stitch: "none", gaps };
  }
  const stack = mergeStacks(activations, python.frames, runs);
  return {
    stack,
    stitch: certainty,
    gaps: why === null ? [] : [gap("stitch-approximate", why)],
  };
}

function withRoles(activations: readonly Activation[]): readonly Activation[] {
  const roles = new Roles();
  const marked = (frame: NativeFrame): NativeFrame => {
    const role = roles.of(frame);
    return role === frame.role ? frame : { ...frame, role };
  };
  return activations.map((activation) => ({
    ...activation,
    frames: activation.frames.map(marked),
  }));
}
