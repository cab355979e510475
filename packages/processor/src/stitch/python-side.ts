/** What is known of one Python thread before native frames join it. */
import type { EntryWay } from "@faultline/pyc";
import type { PythonFrame, Thread } from "@faultline/shared";
import { keepGaps } from "../gaps.ts";
import { hexValue } from "../hex.ts";
import { MAX_GAPS_PER_THREAD } from "../limits.ts";
import type { PythonRun } from "../python-memory/frames.ts";
import type { MemorySide } from "./memory-threads.ts";

export interface PythonSide {
  /** As the report would show it alone. */
  readonly thread: Thread;
  /** Its Python frames, innermost first. */
  readonly frames: readonly PythonFrame[];
  /** Their partition, where memory tells it; null where only the text is known. */
  readonly runs: readonly PythonRun[] | null;
  /** The system's own id, where Python keeps it. */
  readonly nativeId: string | null;
  /** Garbage was collected by its interpreter. */
  readonly collecting: boolean;
  /** Of CPython 3; null where it is not known. */
  readonly minor: number | null;
  /** How a frame's line can have called the next inner frame; none where that is not known. */
  readonly waysInto: (frame: PythonFrame) => readonly EntryWay[];
}

export interface Known {
  /** By pthread_self(). */
  readonly memory: ReadonlyMap<bigint, MemorySide>;
  readonly minor: number | null;
  readonly waysInto: PythonSide["waysInto"];
}

/** `threads`: as the text or memory alone tell them. */
export const sidesOf = (
  threads: readonly Thread[],
  { memory, minor, waysInto }: Known,
): readonly PythonSide[] =>
  threads.map((thread): PythonSide => {
    const added = memory.get(hexValue(thread.ident) ?? -1n);
    const frames = thread.stack.filter((frame) => frame.language === "python");
    const gaps = keepGaps([...thread.gaps, ...(added?.gaps ?? [])], MAX_GAPS_PER_THREAD);
    return {
      thread: { ...thread, truncated: thread.truncated || (added?.truncated ?? false), gaps },
      frames,
      runs: added?.runs ?? null,
      nativeId: added?.nativeId ?? null,
      collecting: added?.garbageCollecting ?? false,
      minor,
      waysInto,
    };
  });
