/** A dump's threads as the report shows them, and which of them is to blame. */
import type { Dump, TextThread } from "@faultline/faulthandler";
import type { Gap, PythonFrame, Thread } from "@faultline/shared";
import type { NativeStack } from "./c-stack.ts";
import { counted, gap, keepGaps } from "./gaps.ts";
import { MAX_GAPS_PER_THREAD } from "./limits.ts";
import { type Known, sidesOf } from "./stitch/python-side.ts";
import { stitchStacks } from "./stitch/thread.ts";

export interface ThreadsOfCrash {
  readonly threads: readonly Thread[];
  /** Index into `threads`, null when none can be blamed. */
  readonly crashingThread: number | null;
  readonly gaps: readonly Gap[];
}

type Listed = Pick<Dump, "threads" | "threadsTruncated" | "kind">;

/**
 * The thread that a dump blames: the one it marks "Current". A watchdog's dump marks none; there the
 * main thread, which CPython lists last, is what people mean by "it hangs".
 */
export function blamedThread(dump: Listed): number | null {
  const current = dump.threads.findIndex((thread) => thread.current);
  if (current >= 0) return current;
  return dump.kind === "timeout" && isMainListed(dump) ? dump.threads.length - 1 : null;
}

/** A thread started by `threading` ends in `_bootstrap`; when the last one does, the main thread is missing. */
function isMainListed({ threads, threadsTruncated }: Listed): boolean {
  const last = threads.at(-1);
  return last !== undefined && !threadsTruncated && last.frames.at(-1)?.name !== "_bootstrap";
}

/** `stacks`: the Python frames of each of the dump's threads. */
export function threadsOf(
  dump: Dump,
  stacks: readonly (readonly PythonFrame[])[],
  native: NativeStack | null,
  known: Known,
): ThreadsOfCrash {
  const blamed = blamedThread(dump);
  const died = dump.kind !== "timeout" && dump.kind !== "dump" && dump.kind !== "cstack";
  const onWindows = dump.kind === "windowsException";
  const threads = dump.threads.map((text, index) => {
    const alone = threadAlone(text, stacks[index] ?? []);
    const hasNative = index === blamed && text.current && native !== null;
    const thread = hasNative ? withNative(alone, native, known) : alone;
    const id = onWindows ? decimal(text.ident) : null;
    return { ...thread, id, crashed: died && index === blamed };
  });
  const gaps = gapsOf(dump, blamed, native);
  const unlisted =
    native !== null && native.frames.length > 0 && !dump.threads[blamed ?? -1]?.current;
  if (!unlisted) return { threads, crashingThread: blamed, gaps };
  threads.push({ ...withNative(nobody, native, known), crashed: died });
  return { threads, crashingThread: threads.length - 1, gaps };
}

/** `python`: its resolved frames. */
export function threadAlone(text: TextThread, python: readonly PythonFrame[]): Thread {
  return {
    ...nobody,
    ident: text.ident === null ? null : shortHex(text.ident),
    name: text.osName,
    garbageCollecting: text.garbageCollecting,
    stack: python,
    truncated: isCut(text),
    gaps: keepGaps(stackGaps(text), MAX_GAPS_PER_THREAD),
  };
}

/** A thread that Python does not know, or that a dump without a list of threads has. */
const nobody: Thread = {
  id: null,
  ident: null,
  name: null,
  crashed: false,
  stitch: "none",
  garbageCollecting: false,
  stack: [],
  truncated: false,
  gaps: [],
};

/** With the C stack that the text has of it. */
function withNative(alone: Thread, native: NativeStack, known: Known): Thread {
  const truncated = native.gaps.some(({ code }) => code === "c-stack-cut");
  const { activations } = native;
  const [side] = sidesOf([alone], known);
  const { stack, stitch, gaps } = stitchStacks(
    { activations, leftOutBefore: null, truncated },
    side!,
  );
  return {
    ...alone,
    stack,
    stitch,
    truncated: alone.truncated || truncated,
    gaps: keepGaps([...alone.gaps, ...native.gaps, ...gaps], MAX_GAPS_PER_THREAD),
  };
}

const isCut = (text: TextThread): boolean =>
  text.framesTruncated !== null || (text.stop !== null && text.stop !== "no Python frame");

function stackGaps(text: TextThread): Gap[] {
  const gaps: Gap[] = [];
  const shown = counted(text.frames.filter(({ helper }) => helper !== true).length, "frame");
  if (text.framesTruncated === "marked") {
    gaps.push(
      gap("frames-cut", `Older frames are missing: CPython prints 100, and ${shown} came.`),
    );
  }
  if (text.framesTruncated === "possible") {
    const detail = `Older frames may be missing: from 3.13 on CPython stops without a mark, and the last of the ${shown} is not where a thread starts.`;
    gaps.push(gap("frames-cut", detail));
  }
  if (text.stop !== null) gaps.push(stopGap(text.stop, shown));
  return gaps;
}

function stopGap(stop: string, shown: string): Gap {
  switch (stop) {
    case "no Python frame":
      return gap("no-python-frame", "The thread was running no Python code.");
    case "invalid frame":
      return gap(
        "cut-by-cpython",
        `CPython gave up after ${shown} (<invalid frame>): 3.14 and later do so below a class call that runs a Python __init__. All older frames are missing.`,
      );
    case "freed frame":
      return gap(
        "cut-by-cpython",
        `CPython gave up after ${shown}: the next frame was freed memory.`,
      );
    case "tstate is freed":
    case "freed thread state":
      return gap("freed-thread", "The thread's state was freed before its stack could be printed.");
    default:
      return gap("cut-by-cpython", `CPython stopped after ${shown}: <${stop}>.`);
  }
}

function gapsOf(dump: Dump, blamed: number | null, native: NativeStack | null): Gap[] {
  const gaps: Gap[] = [];
  if (dump.threadsTruncated) {
    const detail = `Threads are missing: CPython stopped after the ${dump.threads.length} listed (its limit is 100 unless max_threads is given).`;
    gaps.push(gap("threads-cut", detail));
  }
  if (blamed !== null && dump.kind === "timeout" && !dump.threads[blamed]!.current) {
    const detail = "A watchdog's dump marks no thread; the main thread, listed last, is taken.";
    gaps.push(gap("blame-assumed", detail));
  }
  if (blamed === null) gaps.push(notListed(dump, native));
  return gaps;
}

function notListed(dump: Dump, native: NativeStack | null): Gap {
  const own = native === null || native.frames.length === 0 ? "" : " Its C stack is shown.";
  if (dump.kind === "cstack") {
    return gap("thread-not-listed", "Only a C stack was printed: no thread is named.");
  }
  if (dump.kind === "timeout" && dump.threads.length > 0) {
    return gap(
      "thread-not-listed",
      "The main thread, which CPython lists last, is missing from the text.",
    );
  }
  const missing = dump.threadsTruncated ? "it is among those that were cut off, or " : "";
  const detail = `No thread of the ${dump.threads.length} listed is marked as current: ${missing}it is one that Python does not know (created by C code), or that part of the text is missing.${own}`;
  return gap("thread-not-listed", detail);
}

const shortHex = (ident: string): string => ident.replace(/^0x0+(?=[0-9a-f])/i, "0x");

/** On Windows the identifier that Python prints is the system's own thread id. */
const decimal = (ident: string | null): string | null => {
  const value = Number.parseInt(ident ?? "", 16);
  return Number.isSafeInteger(value) ? String(value) : null;
};
