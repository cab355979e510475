/** Python threads read from memory, as faulthandler would print them, and more exactly. */
import type { TextThread } from "@faultline/faulthandler";
import type { Gap } from "@faultline/shared";
import { counted, gap } from "../gaps.ts";
import { hex } from "../hex.ts";
import type { KnownFrame } from "../python/known-frame.ts";
import type { NativeCrash } from "../native/native-crash.ts";
import type { MemoryFrame, PythonRun } from "../python-memory/frames.ts";
import type { MemoryThread } from "../python-memory/threads.ts";

/** What memory adds to a thread whose frames it tells. */
export interface MemorySide {
  /** Null where its frames are not those that memory tells. */
  readonly runs: readonly PythonRun[] | null;
  /** The system's own id, decimal; null before 3.11. */
  readonly nativeId: string | null;
  readonly garbageCollecting: boolean;
  readonly truncated: boolean;
  readonly gaps: readonly Gap[];
}

export interface ThreadsInMemory {
  readonly threads: readonly TextThread[];
  /** By pthread_self(). */
  readonly sides: ReadonlyMap<bigint, MemorySide>;
}

/** Every thread that Python knows; the one that died is marked as current. */
export function threadsInMemory({ python, threads }: NativeCrash): ThreadsInMemory {
  const died = threads.find(({ crashed }) => crashed);
  const known = python?.threads ?? [];
  const isCurrent = ({ ident, nativeId }: MemoryThread): boolean =>
    died !== undefined && (ident === died.ident || String(nativeId) === died.id);
  return {
    threads: known.map((thread) => ({ ...threadOfMemory(thread), current: isCurrent(thread) })),
    sides: new Map(known.map((thread) => [thread.ident, sideOfMemory(thread)])),
  };
}

export const sideOfMemory = (memory: MemoryThread): MemorySide => ({
  runs: memory.runs,
  nativeId: memory.nativeId === null ? null : String(memory.nativeId),
  garbageCollecting: memory.garbageCollecting,
  truncated: memory.cut !== null,
  gaps: memoryGaps(memory),
});

export function threadOfMemory(thread: MemoryThread): TextThread {
  return {
    current: false,
    ident: hex(thread.ident),
    osName: null,
    anonymous: false,
    garbageCollecting: false,
    frames: thread.frames.map(frameOfMemory),
    framesTruncated: null,
    stop: thread.frames.length === 0 && thread.cut === null ? "no Python frame" : null,
  };
}

export function frameOfMemory(frame: MemoryFrame): KnownFrame {
  const { name, file, helper, position, qualname, firstLine } = frame;
  const printed = { file, line: position.line, name, memory: { qualname, firstLine, position } };
  return helper ? { ...printed, helper } : printed;
}

/** What is missing of it. */
function memoryGaps({ cut, frames }: MemoryThread): Gap[] {
  if (cut === null) return [];
  const detail = `Older Python frames than the ${counted(frames.length, "frame")} read from memory are missing: ${cut}.`;
  return [gap("python-memory-cut", detail)];
}
