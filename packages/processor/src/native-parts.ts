/** What a minidump tells; with the text of the same crash, see join.ts. */
import type { CrashMetadata, Gap, PythonInfo, Thread } from "@faultline/shared";
import { gap } from "./gaps.ts";
import { hexValue } from "./hex.ts";
import type { NativeCrash, NativeThread } from "./native/native-crash.ts";
import { type Evidence, nothingKnown, type ReportParts } from "./parts.ts";
import { minorOf, pythonOfModules, pythonSaid } from "./platform.ts";
import { FrameResolver } from "./python/frame-resolver.ts";
import { threadsInMemory } from "./stitch/memory-threads.ts";
import { type PythonSide, sidesOf } from "./stitch/python-side.ts";
import { stitchThread } from "./stitch/thread.ts";
import { threadAlone } from "./threads.ts";

/** A minidump without a text: its Python frames are those of memory. */
export function nativeParts(native: NativeCrash, evidence: Evidence): ReportParts {
  const { metadata, release, gaps } = evidence;
  const parts = nativeOnly(native, metadata);
  const resolver = new FrameResolver(release, parts.python?.version ?? null);
  const { threads, sides } = threadsInMemory(native);
  const stacks = resolver.stacks(
    threads,
    threads.findIndex(({ current }) => current),
  );
  const alone = threads.map((thread, index) => threadAlone(thread, stacks[index] ?? []));
  const known = { memory: sides, minor: minorOf(parts.python), waysInto: () => [] };
  return {
    ...parts,
    ...joinThreads(native, sidesOf(alone, known), null),
    gaps: [...parts.gaps, ...gaps, ...resolver.gaps(metadata.release)],
  };
}

/** All but its threads. */
export function nativeOnly(native: NativeCrash, metadata: CrashMetadata): ReportParts {
  const { threads: _threads, python: _python, ...told } = native;
  return { ...nothingKnown, ...told, python: pythonOf(native, metadata) };
}

/** What the process says itself, else the client, else the names of its files. */
function pythonOf({ python, modules }: NativeCrash, metadata: CrashMetadata): PythonInfo | null {
  const version = python?.version ?? null;
  if (version !== null) return { version, evidence: "memory" };
  return pythonSaid(metadata) ?? pythonOfModules(modules.map(({ name }) => name));
}

/**
 * The dump's threads, each with its Python side, then those that only Python knows. `blamed`: the
 * thread that the text blames.
 */
export function joinThreads(
  native: NativeCrash,
  sides: readonly PythonSide[],
  blamed: Thread | null,
): Pick<ReportParts, "threads" | "crashingThread"> {
  const known = new Sides(sides);
  const pairs = native.threads.map((thread) => [thread, known.take(thread, blamed)] as const);
  const matched = pairs.some(([, side]) => side !== null);
  const threads = pairs.map(([thread, side]) => {
    const gaps = side === null && thread.crashed ? whyUnknown(native, thread, matched) : [];
    return stitchThread({ ...thread, gaps: [...thread.gaps, ...gaps] }, side);
  });
  const crashed = native.threads.findIndex((thread) => thread.crashed);
  const index = crashed >= 0 ? crashed : indexOf(native, hexValue(blamed?.ident ?? null));
  return {
    threads: [...threads, ...known.left],
    crashingThread: index >= 0 ? index : null,
  };
}

const indexOf = ({ threads }: NativeCrash, ident: bigint | null): number =>
  ident === null ? -1 : threads.findIndex((thread) => thread.ident === ident);

/** Python sides by what both sides tell of a thread: pthread_self(), and the system's own id. */
class Sides {
  readonly #left: Set<PythonSide>;
  readonly #byIdent: ReadonlyMap<bigint | null, PythonSide>;
  readonly #byId: ReadonlyMap<string | null, PythonSide>;

  constructor(sides: readonly PythonSide[]) {
    this.#left = new Set(sides);
    this.#byIdent = new Map(sides.map((side) => [hexValue(side.thread.ident), side]));
    this.#byId = new Map(sides.map((side) => [side.nativeId ?? side.thread.id, side]));
  }

  /**
   * Windows has one id for both. Where nothing is told, the thread that died is the one that the
   * text blames.
   */
  take({ id, ident, crashed }: NativeThread, blamed: Thread | null): PythonSide | null {
    const asBlamed = ident === null && crashed ? hexValue(blamed?.ident ?? null) : null;
    const found =
      this.#byIdent.get(ident ?? BigInt(id)) ??
      this.#byId.get(id) ??
      (asBlamed === null ? undefined : this.#byIdent.get(asBlamed));
    if (found === undefined || !this.#left.delete(found)) return null;
    return found;
  }

  /** Threads that were not taken. */
  get left(): readonly Thread[] {
    return [...this.#left].map(({ thread, nativeId }) => ({
      ...thread,
      id: thread.id ?? nativeId,
    }));
  }
}

/** Memory lists all threads that Python knows; the one that died is none of them, or cannot be told. */
function whyUnknown({ python }: NativeCrash, { ident }: NativeThread, matched: boolean): Gap[] {
  if (python === null || !python.complete) return [];
  return [ident !== null || matched ? unknownToPython : notMatched];
}

const unknownToPython = gap(
  "no-python-state",
  "Python does not know this thread: it was made by C code and runs no Python code.",
);

const notMatched = gap(
  "no-python-state",
  "Which of Python's threads this is cannot be told: the dump and Python name their threads by different ids.",
);
