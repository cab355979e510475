/** Interpreters → thread states → frames. */
import { MAX_PYTHON_FRAMES, MAX_PYTHON_INTERPRETERS, MAX_PYTHON_THREADS } from "../limits.ts";
import { type FrameList, readFrames, type Reading } from "./frames.ts";

/** One thread of the system. */
export interface MemoryThread extends FrameList {
  /** What `threading.get_ident()` gives and faulthandler prints: pthread_self(). */
  readonly ident: bigint;
  /** The system's own id; null before 3.11. */
  readonly nativeId: bigint | null;
  /** The garbage collector of the thread's interpreter was running; false where that is not known. */
  readonly garbageCollecting: boolean;
  /** Of each interpreter that it runs, where these are several: faulthandler prints but one. */
  readonly parts: readonly FrameList[];
}

export interface ThreadList {
  readonly threads: readonly MemoryThread[];
  /** Why threads are missing; null when none are. */
  readonly cut: string | null;
}

/** Every thread state of every interpreter, the main interpreter's last, as CPython lists them. */
export function readThreads(reading: Reading, runtime: bigint): ThreadList {
  const { memory, layout } = reading;
  const threads: MemoryThread[] = [];
  let frames = 0;
  const head = memory.word(runtime + BigInt(layout.runtime.interpreters)) ?? 0n;
  const interpreters = interpretersFrom(reading, head);
  let cut = interpreters.cut;
  for (const interpreter of interpreters.found) {
    const collecting = isCollecting(reading, runtime, interpreter);
    const first = memory.word(interpreter + BigInt(layout.interpreter.threads)) ?? 0n;
    const left = MAX_PYTHON_THREADS - threads.length;
    const states = chain(reading, first, layout.thread.next, left, "MAX_PYTHON_THREADS");
    cut ??= states.cut;
    for (const state of states.found) {
      if (frames >= MAX_PYTHON_FRAMES)
        return { threads: oneEach(threads), cut: "limit MAX_PYTHON_FRAMES" };
      const thread = readThread(reading, state, collecting);
      frames += thread.frames.length;
      threads.push(thread);
    }
  }
  return { threads: oneEach(threads), cut };
}

/**
 * A thread has a state in each interpreter that it runs, one called by the other: their frames are
 * one stack, the innermost of them where the stack is.
 */
function oneEach(states: readonly MemoryThread[]): MemoryThread[] {
  const byIdent = Map.groupBy(states, ({ ident }) => ident);
  return [...byIdent.values()].map((own): MemoryThread => {
    const [first, ...others] = own.filter(({ frames }) => frames.length > 0);
    if (first === undefined || others.length === 0) return first ?? own[0]!;
    const parts = [first, ...others].toSorted(byPlace);
    return {
      ...parts[0]!,
      garbageCollecting: own.some((state) => state.garbageCollecting),
      frames: parts.flatMap(({ frames }) => frames),
      runs: parts.flatMap(({ runs }) => runs),
      cut: parts.find(({ cut }) => cut !== null)?.cut ?? null,
      parts,
    };
  });
}

/** Stacks grow down: the innermost activation lies lowest. */
function byPlace(one: FrameList, other: FrameList): number {
  const [left, right] = [one, other].map(({ runs }) => runs[0]?.anchor ?? null);
  if (left === null || right === null || left === undefined || right === undefined) return 0;
  return left < right ? -1 : Number(left > right);
}

/** Whether `runtime` leads to an interpreter with a thread that belongs to it: the layout fits. */
export function fits(reading: Reading, runtime: bigint): boolean {
  const { memory, layout } = reading;
  const head = memory.word(runtime + BigInt(layout.runtime.interpreters)) ?? 0n;
  return interpretersFrom(reading, head).found.some((interpreter) => {
    const thread = memory.word(interpreter + BigInt(layout.interpreter.threads)) ?? 0n;
    return thread !== 0n && memory.word(thread + BigInt(layout.thread.interpreter)) === interpreter;
  });
}

const interpretersFrom = (reading: Reading, head: bigint): ReturnType<typeof chain> =>
  chain(
    reading,
    head,
    reading.layout.interpreter.next,
    MAX_PYTHON_INTERPRETERS,
    "MAX_PYTHON_INTERPRETERS",
  );

function chain(
  { memory }: Reading,
  first: bigint,
  next: number,
  limit: number,
  limitName: string,
): { found: readonly bigint[]; cut: string | null } {
  const found = new Set<bigint>();
  let at = first;
  while (at !== 0n) {
    if (found.has(at)) return { found: [...found], cut: "the list runs in a circle" };
    if (found.size >= limit) return { found: [...found], cut: `limit ${limitName}` };
    found.add(at);
    const following = memory.word(at + BigInt(next));
    if (following === null) return { found: [...found], cut: "the list leads out of the dump" };
    at = following;
  }
  return { found: [...found], cut: null };
}

function readThread(reading: Reading, state: bigint, garbageCollecting: boolean): MemoryThread {
  const { memory, layout } = reading;
  const { ident, nativeId, top } = layout.thread;
  const pointer = memory.word(state + BigInt(top));
  const cframe = layout.cframe === null ? null : pointer;
  const frame =
    cframe === null || layout.cframe === null
      ? pointer
      : memory.word(cframe + BigInt(layout.cframe.frame));
  const list = readFrames(reading, frame ?? 0n, layout.minor === 11 ? cframe : null);
  return {
    ident: memory.word(state + BigInt(ident)) ?? 0n,
    nativeId: nativeId === null ? null : memory.word(state + BigInt(nativeId)),
    garbageCollecting,
    parts: [],
    ...list,
    cut: frame === null ? "its innermost frame is not in the dump" : list.cut,
  };
}

function isCollecting({ memory, layout }: Reading, runtime: bigint, interpreter: bigint): boolean {
  const { collecting } = layout.interpreter;
  if (collecting !== null) return memory.int(interpreter + BigInt(collecting)) === 1;
  const shared = layout.runtime.collecting;
  return shared !== null && memory.int(runtime + BigInt(shared)) === 1;
}
