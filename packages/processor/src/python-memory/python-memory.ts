/**
 * The Python threads of a dump, out of the process's memory: every interpreter, thread, frame, and
 * what names it.
 *
 * Needs `_PyRuntime`, thread states, frames, code objects, names and line tables in the dump:
 * Faultline's reporter keeps exactly these, full dumps have them, stack-only dumps do not.
 */
import type { DumpMemory } from "@faultline/minidump";
import type { Gap } from "@faultline/shared";
import { gap } from "../gaps.ts";
import { isInterpreterFile } from "../interpreter-file.ts";
import type { LoadedModule, ModuleMap, OpenSymbolCache } from "../native/modules.ts";
import { fetchNoted } from "../native/walk.ts";
import type { Asking } from "../needs.ts";
import { type Place, Search } from "./search.ts";
import { type MemoryThread, readThreads } from "./threads.ts";

export interface PythonMemory {
  /** "3.13.0" where the process says it, else null. */
  readonly version: string | null;
  /** Of CPython 3. */
  readonly minor: number;
  readonly threads: readonly MemoryThread[];
  /** Every thread that Python knows is among them. */
  readonly complete: boolean;
}

/** A thread as the system knows it. */
export interface DumpedThread {
  readonly id: number;
  /** pthread_self(), where the dump tells it. */
  readonly ident: bigint | null;
}

export interface DumpedProcess {
  readonly memory: DumpMemory;
  readonly modules: ModuleMap;
  readonly cpu: string | null;
  readonly threads: readonly DumpedThread[];
  /** Minor version of CPython 3 that others told, for interpreters whose name does not. */
  readonly minor: number | null;
}

export interface FoundPython {
  /** Null where there is no interpreter, or none whose state can be read. */
  readonly python: PythonMemory | null;
  readonly gaps: readonly Gap[];
}

/** Asks for the symbols of the interpreter's modules. Never throws for what it reads. */
export function* readPythonMemory(
  dumped: DumpedProcess,
  open: OpenSymbolCache,
): Asking<FoundPython> {
  const interpreters = interpretersOf(dumped.modules);
  for (const module of interpreters) dumped.modules.need(module);
  yield* fetchNoted(dumped.modules, open);
  const search = new Search(dumped);
  const place = search.bySymbols(dumped.modules.all) ?? search.byMemory(interpreters);
  if (place !== null) return stacksOf(place);
  return { python: null, gaps: interpreters.length === 0 ? [] : [search.failure(interpreters)] };
}

/** Libraries first: an executable of that name may be no more than what loads one. */
const interpretersOf = (modules: ModuleMap): readonly LoadedModule[] =>
  modules.all
    .filter(({ identity }) => isInterpreterFile(identity.name))
    .toSorted((one, other) => Number(isProgram(one)) - Number(isProgram(other)));

const isProgram = ({ identity }: LoadedModule): boolean =>
  !/\.(?:so|dylib|dll)\b/.test(identity.name);

function stacksOf({ reading, runtime }: Place): FoundPython {
  const { layout, memory, codes } = reading;
  const { threads, cut } = readThreads(reading, runtime);
  const { version, minor } = layout;
  const gaps: Gap[] = [];
  if (cut !== null) gaps.push(gap("python-memory-cut", `Python threads are missing: ${cut}.`));
  if (memory.exhausted) {
    const detail = "Some Python frames, names or lines are missing: limit MAX_PYTHON_MEMORY_BYTES.";
    gaps.push(gap("python-memory-cut", detail));
  }
  if (codes.damagedTables > 0) {
    const detail = `Line tables of ${codes.damagedTables} code objects in memory are damaged.`;
    gaps.push(gap("python-memory-cut", detail));
  }
  const complete = cut === null && !memory.exhausted;
  return { python: { version, minor, threads, complete }, gaps };
}
