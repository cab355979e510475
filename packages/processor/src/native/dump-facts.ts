/** What a dump says of the process and its threads; a damaged stream costs itself and becomes a gap. */
import {
  AssertionInfo,
  BreakpadInfo,
  type CpuContext,
  type CrashReason,
  CrashpadInfo,
  crashReason,
  Exception,
  type LinuxMapping,
  LinuxMaps,
  type Location,
  type MemoryInfo,
  MemoryInfoList,
  type Minidump,
  MinidumpError,
  MiscInfo,
  type Module,
  modulesOf,
  type Stream,
  SystemInfo,
  type Thread,
  ThreadList,
  ThreadNames,
} from "@faultline/minidump";
import type { Gap, ProcessInfo } from "@faultline/shared";
import { counted, gap } from "../gaps.ts";
import { MAX_NATIVE_THREADS } from "../limits.ts";
import { annotationsOf, assertionMessage } from "./annotations.ts";
import { type Mapping, MemoryMaps } from "./maps.ts";

export interface DumpThread {
  readonly id: number;
  readonly name: string | null;
  /** pthread_self() where the writer tells it; null elsewhere. */
  readonly ident: bigint | null;
  readonly crashed: boolean;
  /** Where it was stopped; of the one that crashed, where it crashed. */
  readonly context: CpuContext | null;
}

export interface DumpFacts {
  readonly os: string | null;
  readonly cpu: string | null;
  readonly osVersion: string | null;
  readonly process: ProcessInfo;
  /** Null when the dump was taken of a process that went on. */
  readonly reason: CrashReason | null;
  readonly threads: readonly DumpThread[];
  readonly modules: readonly Module[];
  readonly maps: MemoryMaps;
  readonly annotations: Readonly<Record<string, string>>;
  /** An assertion's own words. */
  readonly message: string | null;
  readonly gaps: readonly Gap[];
}

export function dumpFacts(dump: Minidump): DumpFacts {
  const reader = new DumpReader(dump);
  const exception = reader.stream(Exception);
  const system = reader.stream(SystemInfo);
  const { os, cpu } = dump.platform;
  const modules = reader.attempt(() => modulesOf(dump)) ?? [];
  const names = modules.map(({ name }) => name);
  return {
    os,
    cpu,
    osVersion: system?.osVersion ?? null,
    process: processOf(dump, reader.stream(MiscInfo)),
    reason: reader.attempt(() => crashReason(dump)) ?? null,
    threads: threadsOf(reader, exception),
    modules,
    maps: mapsOf(reader),
    annotations: annotationsOf(reader.stream(CrashpadInfo), names),
    message: assertionMessage(reader.stream(AssertionInfo)),
    gaps: reader.gaps,
  };
}

/** Reads of one dump; what cannot be read is undefined and leaves a gap. */
class DumpReader {
  readonly dump: Minidump;
  readonly gaps: Gap[] = [];

  constructor(dump: Minidump) {
    this.dump = dump;
  }

  stream<T>(stream: Stream<T>): T | undefined {
    return this.attempt(() => this.dump.stream(stream));
  }

  context(location: Location | undefined): CpuContext | null {
    if (location === undefined) return null;
    return this.attempt(() => this.dump.context(location)) ?? null;
  }

  attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof MinidumpError)) throw error;
      this.gaps.push(gap("dump-damaged", `Part of the minidump is unreadable: ${error.message}.`));
      return undefined;
    }
  }
}

/**
 * Folklore: a dump may name a thread in its exception that its list does not have (rust-minidump#830): the exception's own
 * registers then still tell where it died, so it is listed with what there is.
 */
function threadsOf(reader: DumpReader, exception: Exception | undefined): DumpThread[] {
  const info = reader.stream(BreakpadInfo);
  const names = reader.stream(ThreadNames);
  const crashedId = exception?.threadId ?? info?.requestingThreadId ?? null;
  const listed = (reader.stream(ThreadList) ?? []).filter(({ id }) => id !== info?.dumpThreadId);
  if (listed.length > MAX_NATIVE_THREADS) reader.gaps.push(threadsCut(listed.length));
  const kept = mostImportant(listed, crashedId);
  const died = reader.context(exception?.context);
  // where Windows has the TEB, writers for Linux put the thread pointer, which is pthread_self()
  const isLinux = reader.dump.platform.os === "linux";
  const threads = kept.map((thread): DumpThread => {
    const { id, teb } = thread;
    const crashed = id === crashedId;
    const own = crashed ? died : null;
    return {
      id,
      name: names?.get(id) ?? null,
      ident: isLinux && teb !== 0n ? teb : null,
      crashed,
      context: own ?? reader.context(thread.context),
    };
  });
  if (exception === undefined || threads.some(({ crashed }) => crashed)) return threads;
  const unlisted = {
    id: exception.threadId,
    name: null,
    ident: null,
    crashed: true,
    context: died,
  };
  return [unlisted, ...threads];
}

/** The first MAX_NATIVE_THREADS, the one that crashed among them. */
function mostImportant(threads: readonly Thread[], crashedId: number | null): readonly Thread[] {
  const first = threads.slice(0, MAX_NATIVE_THREADS);
  const crashed = threads.find(({ id }) => id === crashedId);
  if (crashed === undefined || first.includes(crashed)) return first;
  return [...first.slice(0, -1), crashed];
}

const threadsCut = (count: number): Gap =>
  gap(
    "threads-cut",
    `The dump lists ${counted(count, "thread")}; ${MAX_NATIVE_THREADS} were walked (limit MAX_NATIVE_THREADS).`,
  );

function processOf(dump: Minidump, misc: MiscInfo | undefined): ProcessInfo {
  const started = misc?.processCreateTime ?? 0;
  const uptime = dump.timestamp - started;
  return {
    id: misc?.processId ?? null,
    uptimeSeconds: started > 0 && uptime >= 0 ? uptime : null,
  };
}

/** Of writers that give both, the system's own words say more: they have names. */
function mapsOf(reader: DumpReader): MemoryMaps {
  const mappings = reader.stream(LinuxMaps) ?? [];
  if (mappings.length > 0) return new MemoryMaps(mappings.map(mappingOf));
  const ranges = reader.stream(MemoryInfoList) ?? [];
  return new MemoryMaps(ranges.filter(({ state }) => state !== "free").map(rangeOf));
}

const rangeOf = (range: MemoryInfo): Mapping => ({
  start: range.start,
  end: range.start + range.size,
  readable: range.readable && !range.guard,
  writable: range.writable && !range.guard,
  executable: range.executable,
  name: null,
});

const mappingOf = ({ start, end, permissions, path }: LinuxMapping): Mapping => ({
  start,
  end,
  readable: permissions.includes("r"),
  writable: permissions.includes("w"),
  executable: permissions.includes("x"),
  name: path,
});
