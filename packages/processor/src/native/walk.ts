/**
 * Stacks of all threads. Which modules' symbols a walk needs shows only while it walks: it notes those it lacks, they are
 * asked for together, and the threads that lacked any are walked again.
 */
import type { CpuContext, DumpMemory } from "@faultline/minidump";
import { type Os, unwind, type Walk } from "@faultline/unwind";
import { MAX_SYMBOL_ROUNDS, PREFETCH_STACK_WORDS } from "../limits.ts";
import { type Asking, askSymbolCaches } from "../needs.ts";
import type { ProcessCode } from "./code.ts";
import { type ModuleMap, type OpenSymbolCache, settle } from "./modules.ts";

export interface Process {
  readonly memory: DumpMemory;
  readonly modules: ModuleMap;
  readonly code: ProcessCode;
  readonly os: string | null;
}

/** One walk a context, in their order; null where there is none. */
export function* walkThreads(
  contexts: readonly (CpuContext | null)[],
  of: Process,
  open: OpenSymbolCache,
): Asking<(Walk | null)[]> {
  const walks: (Walk | null)[] = contexts.map(() => null);
  for (const context of contexts) if (context !== null) noteLikelyModules(context, of);
  yield* fetchNoted(of.modules, open);
  let pending = [...contexts.keys()];
  for (let round = 0; pending.length > 0 && round < MAX_SYMBOL_ROUNDS; round++) {
    pending = pending.filter((index) => {
      const context = contexts[index];
      if (context === null || context === undefined) return false;
      const before = of.modules.lacked;
      walks[index] = walkOne(context, of);
      return of.modules.lacked > before;
    });
    yield* fetchNoted(of.modules, open);
  }
  return walks;
}

function walkOne(context: CpuContext, { memory, code, modules, os }: Process): Walk {
  const modulesEnd = modules.all.at(-1)?.end ?? 0n;
  return unwind(context, memory, code, { os: conventions(os), modulesEnd });
}

const conventions = (os: string | null): Os => (os === "windows" || os === "ios" ? os : "other");

/**
 * Those that the instruction pointer and the top of the stack point into: mostly all that will be needed, so that
 * one request does. What is found does not hang on it.
 */
function noteLikelyModules({ pc, sp, cpu }: CpuContext, { memory, modules }: Process): void {
  const size = cpu === "amd64" || cpu === "arm64" ? 8 : 4;
  const note = (address: bigint): void => {
    const module = modules.at(address);
    if (module !== null) modules.need(module);
  };
  note(pc);
  for (let word = 0; word < PREFETCH_STACK_WORDS; word++) {
    const value = memory.read(sp + BigInt(word * size), size);
    if (value === undefined) break;
    note(value);
  }
}

/** Asks for the symbols of the modules that were noted, if any were. */
export function* fetchNoted(modules: ModuleMap, open: OpenSymbolCache): Asking<void> {
  const wanted = modules.takeWanted();
  if (wanted.length === 0) return;
  const request = {
    need: "symbol-caches",
    modules: wanted.map(({ identity }) => identity),
  } as const;
  settle(wanted, yield* askSymbolCaches(request), open);
}
