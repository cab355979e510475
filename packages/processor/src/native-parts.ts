/** What a minidump tells; with the text of the same crash, see join.ts. */
import type { CrashMetadata, PythonInfo, Thread } from "@faultline/shared";
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
  const left = new Set(sides);
  const threads = native.threads.map((thread) => {
    const side = sideOf(thread, sides) ?? sideOfBlamed(thread, sides, blamed);
    if (side !== null) left.delete(side);
    return isUnknown(native, thread, side)
      ? stitchThread({ ...thread, gaps: [...thread.gaps, unknownToPython] }, null)
      : stitchThread(thread, side);
  });
  const crashed = native.threads.findIndex((thread) => thread.crashed);
  const index = crashed >= 0 ? crashed : indexOf(native, hexValue(blamed?.ident ?? null));
  return {
    threads: [...threads, ...[...left].map(({ thread }) => thread)],
    crashingThread: index >= 0 ? index : null,
  };
}

/** By pthread_self() or by the system's own id: what both sides tell. */
const sideOf = ({ id, ident }: NativeThread, sides: readonly PythonSide[]): PythonSide | null =>
  sides.find(({ thread }) => ident !== null && hexValue(thread.ident) === ident) ??
  sides.find(({ thread, nativeId }) => (nativeId ?? thread.id) === id) ??
  null;

/** Where the dump does not tell pthread_self(), the thread that died is the one that the text blames. */
const sideOfBlamed = (
  { ident, crashed }: NativeThread,
  sides: readonly PythonSide[],
  blamed: Thread | null,
): PythonSide | null =>
  ident === null && crashed && blamed !== null
    ? (sides.find(({ thread }) => thread.ident === blamed.ident) ?? null)
    : null;

const indexOf = ({ threads }: NativeCrash, ident: bigint | null): number =>
  ident === null ? -1 : threads.findIndex((thread) => thread.ident === ident);

/** Memory lists all threads that Python knows; the one that died is none of them. */
const isUnknown = (
  { python }: NativeCrash,
  { crashed }: NativeThread,
  side: PythonSide | null,
): boolean => side === null && crashed && python?.complete === true;

const unknownToPython = gap(
  "no-python-state",
  "Python does not know this thread: it was made by C code and runs no Python code.",
);
