/** A thread while its frames come in, and whether CPython may have left older ones out. */
import type { TextFrame, TextThread } from "./dump.ts";
import type { ThreadLine } from "./thread-line.ts";
import { isRoot } from "./version-hint.ts";

export interface OpenThread {
  readonly line: ThreadLine;
  readonly frames: TextFrame[];
  garbageCollecting: boolean;
  /** The text says that frames are missing. */
  marked: boolean;
  stop: string | null;
}

/** CPython prints no more frames of a thread than this; 3.13+ then stops without a word. */
const PRINTED_FRAMES = 100;

export function finishThread(thread: OpenThread): TextThread {
  const { line, frames, marked, stop } = thread;
  const possible = frames.length >= PRINTED_FRAMES && stop === null ? "possible" : null;
  return {
    current: line.current,
    ident: line.ident,
    osName: line.osName,
    ...(line.osNameRaw !== undefined && { osNameRaw: line.osNameRaw }),
    anonymous: line.anonymous,
    garbageCollecting: thread.garbageCollecting,
    frames,
    framesTruncated: marked ? "marked" : possible,
    stop,
  };
}

/**
 * 3.14+ counts the invisible frame of every call from C towards its 100, and each of those has a frame
 * above it that is printed: a list of 50 to 99 lines that ends in no root may be cut.
 */
export function withHiddenCut(thread: TextThread): TextThread {
  const { frames, framesTruncated, stop } = thread;
  if (framesTruncated !== null || stop !== null) return thread;
  const cut = frames.length >= PRINTED_FRAMES / 2 && !isRoot(frames.at(-1));
  return cut ? { ...thread, framesTruncated: "possible" } : thread;
}
