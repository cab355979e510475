/** The Python stack and the native stack of one thread → one thread of the report. */
import type { Gap, Thread } from "@faultline/shared";
import { counted, gap, keepGaps } from "./gaps.ts";
import { hex } from "./hex.ts";
import { MAX_GAPS_PER_THREAD } from "./limits.ts";
import type { NativeThread } from "./native/native-crash.ts";

/** `python`: what the text tells of the same thread; null when it does not list it. */
export function stitchThread(native: NativeThread, python: Thread | null): Thread {
  const frames = native.activations.flatMap((activation) => activation.frames);
  const pythonFrames = python?.stack.filter(({ language }) => language === "python") ?? [];
  const gaps = [...native.gaps, ...(python?.gaps ?? [])];
  return {
    id: native.id,
    ident: native.ident === null ? (python?.ident ?? null) : hex(native.ident),
    name: native.name ?? python?.name ?? null,
    crashed: native.crashed,
    stitch: "none",
    garbageCollecting: python?.garbageCollecting ?? false,
    stack: [...frames, ...pythonFrames],
    truncated: native.truncated || (python?.truncated ?? false),
    gaps: keepGaps(
      [...gaps, ...notStitched(frames.length, pythonFrames.length)],
      MAX_GAPS_PER_THREAD,
    ),
  };
}

function notStitched(native: number, python: number): Gap[] {
  if (native === 0 || python === 0) return [];
  const detail = `The native stack (${counted(native, "frame")}) stands before the Python stack (${counted(python, "frame")}).`;
  return [gap("not-stitched", detail)];
}
