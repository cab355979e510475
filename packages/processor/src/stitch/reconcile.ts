/**
 * The text and the memory of one crash: which of them tells a thread's Python frames.
 *
 * Memory tells more, and is of the moment that the native stacks are of: threads go on while
 * faulthandler prints. But of the thread that died the text was printed first, by the interpreter
 * itself; where memory disagrees with it, memory is what was damaged.
 */
import type { Dump, TextFrame, TextThread } from "@faultline/faulthandler";
import type { Gap } from "@faultline/shared";
import type { TextCrash } from "../crashes.ts";
import { counted, gap } from "../gaps.ts";
import { hex, hexValue } from "../hex.ts";
import type { NativeCrash } from "../native/native-crash.ts";
import type { KnownFrame } from "../python/known-frame.ts";
import type { FrameList } from "../python-memory/frames.ts";
import type { MemoryThread } from "../python-memory/threads.ts";
import { frameOfMemory, type MemorySide, sideOfMemory, threadOfMemory } from "./memory-threads.ts";

export interface Reconciled {
  /** The crash with frames of memory where these are believed, and threads that only memory has. */
  readonly crash: TextCrash;
  /** By pthread_self(). */
  readonly sides: ReadonlyMap<bigint, MemorySide>;
}

export function reconcile(crash: TextCrash, native: NativeCrash): Reconciled {
  const sides = new Map<bigint, MemorySide>();
  const left = new Map((native.python?.threads ?? []).map((thread) => [thread.ident, thread]));
  const died = native.threads.find(({ crashed }) => crashed)?.ident ?? null;
  const threads = crash.dump.threads.map((printed): TextThread => {
    const text = named(printed, died);
    const ident = hexValue(text.ident);
    const memory = ident === null ? undefined : left.get(ident);
    if (ident === null || memory === undefined) return text;
    left.delete(ident);
    const believed = believe(text, memory, text.current || ident === died);
    sides.set(ident, believed.side);
    return believed.thread;
  });
  for (const [ident, memory] of left) sides.set(ident, sideOfMemory(memory));
  const dump: Dump = {
    ...crash.dump,
    // A watchdog's dump lists the main thread last.
    threads: [...[...left.values()].map(threadOfMemory), ...threads],
    threadsTruncated: crash.dump.threadsTruncated && native.python?.complete !== true,
  };
  return { crash: { ...crash, dump }, sides };
}

/** `faulthandler.enable(all_threads=False)` prints the thread that died, and does not name it. */
const named = (text: TextThread, died: bigint | null): TextThread =>
  text.ident === null && text.current && died !== null ? { ...text, ident: hex(died) } : text;

function believe(
  text: TextThread,
  memory: MemoryThread,
  died: boolean,
): { thread: TextThread; side: MemorySide } {
  const side = sideOfMemory(memory);
  const lists = memory.parts.length > 0 ? memory.parts : [memory];
  const differences = lists.map((list) => differenceOf(text, list));
  const difference = differences.includes(null) ? null : differences[0]!;
  if (difference !== null && died) {
    const gaps = [disagreement(difference, died)];
    return { thread: text, side: { ...side, runs: null, truncated: false, gaps } };
  }
  if (difference !== null) {
    const gaps = [...side.gaps, disagreement(difference, died)];
    return inMemoryOnly(text, memory, { ...side, gaps });
  }
  return memory.parts.length > 0 ? inMemoryOnly(text, memory, side) : joined(text, memory, side);
}

function inMemoryOnly(
  text: TextThread,
  memory: MemoryThread,
  side: MemorySide,
): { thread: TextThread; side: MemorySide } {
  const { frames, framesTruncated, stop } = threadOfMemory(memory);
  return { thread: { ...text, frames, framesTruncated, stop }, side };
}

/** The same frames, as far as either has them: memory's, then those that only the text has. */
function joined(
  text: TextThread,
  memory: MemoryThread,
  side: MemorySide,
): { thread: TextThread; side: MemorySide } {
  const printed = text.frames.filter(({ helper }) => helper !== true);
  let next = 0;
  const frames = memory.frames.map((frame): KnownFrame => {
    const same = frame.helper ? undefined : printed[next++];
    const known = frameOfMemory(frame);
    return same === undefined
      ? known
      : {
          ...known,
          file: known.file ?? same.file,
          line: known.line ?? same.line,
          name: known.name ?? same.name,
        };
  });
  const rest = printed.slice(next);
  if (rest.length === 0) {
    const { stop } = threadOfMemory(memory);
    return { thread: { ...text, frames, framesTruncated: null, stop }, side };
  }
  const detail = `The ${counted(rest.length, "outermost Python frame")} ${rest.length === 1 ? "is" : "are"} as printed: in memory ${memory.cut}.`;
  return {
    thread: { ...text, frames: [...frames, ...rest] },
    side: {
      ...side,
      runs: [...memory.runs, { frames: rest.length, anchor: null }],
      truncated: false,
      gaps: [gap("python-memory-cut", detail)],
    },
  };
}

/** The first frame, from the innermost on, that they tell differently, in words; null when none is. */
function differenceOf(text: TextThread, { frames, cut }: FrameList): string | null {
  const inText = text.frames.filter(({ helper }) => helper !== true);
  const inMemory = frames.filter(({ helper }) => !helper);
  const common = Math.min(inText.length, inMemory.length);
  for (let index = 0; index < common; index++) {
    const { name, position } = inMemory[index]!;
    if (!isSame(inText[index]!, name, position.line))
      return `frame ${index} is ${words(inText[index]!.name, inText[index]!.line)} in the text, ${words(name, position.line)} in memory`;
  }
  const isCut = text.framesTruncated !== null || text.stop !== null;
  if (inText.length > inMemory.length && cut === null)
    return `the text has ${inText.length} frames, memory ${inMemory.length}`;
  if (inText.length < inMemory.length && !isCut)
    return `the text has ${inText.length} frames, memory ${inMemory.length}`;
  return null;
}

const words = (name: string | null, line: number | null): string =>
  `${name ?? "???"} (line ${line ?? "???"})`;

/** What either does not know, or the text has in part, is no difference. */
function isSame(text: TextFrame, name: string | null, line: number | null): boolean {
  if (text.damaged === true) return true;
  const sameLine = text.line === null || line === null || text.line === line;
  if (text.name === null || name === null) return sameLine;
  const sameName = text.nameTruncated === true ? name.startsWith(text.name) : text.name === name;
  return sameLine && sameName;
}

function disagreement(difference: string, died: boolean): Gap {
  const believed = died
    ? "the text is shown, which the interpreter printed when it died"
    : "memory is shown, which is of the same moment as the native stack";
  return gap(
    "python-disagrees",
    `Text and memory tell different Python frames: ${difference}; ${believed}.`,
  );
}
