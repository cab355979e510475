/** The modules of a dump, found by address, each with the symbols that came for it. */
import { openCache, type SymbolCache } from "@faultline/debuginfo/cache";
import type { Module as DumpModule } from "@faultline/minidump";
import type { Module, ModuleIdentity, ModuleSymbols, SymbolCaches } from "@faultline/shared";
import { hex } from "../hex.ts";

/** Opens a symbol cache; lets the caller keep opened ones by content. */
export type OpenSymbolCache = (symbols: ModuleSymbols) => SymbolCache;

export const openSymbolCache: OpenSymbolCache = ({ cache, contentKey }) => {
  if (cache === null) throw new TypeError(`${contentKey}: no cache to open`);
  return openCache(cache);
};

/** One mapped object. Addresses in its cache count from `base`. */
export class LoadedModule {
  readonly identity: ModuleIdentity;
  readonly base: bigint;
  readonly end: bigint;
  /** Null until asked for, when nothing was found, and when it cannot be opened. */
  cache: SymbolCache | null = null;
  state: Module["symbols"] = "unused";
  /** Why there is no cache, in words. */
  tried: readonly string[] = [];

  constructor(identity: ModuleIdentity, base: bigint, size: number) {
    this.identity = identity;
    this.base = base;
    this.end = base + BigInt(size);
  }

  /** Takes what was found for it; a cache that cannot be opened is one that is corrupt. */
  settle(symbols: ModuleSymbols | undefined, open: OpenSymbolCache): void {
    this.state = symbols?.state ?? "missing";
    this.tried = symbols?.tried ?? [];
    if (symbols === undefined || symbols.cache === null) return;
    try {
      this.cache = open(symbols);
    } catch (error) {
      this.state = "corrupt";
      this.tried = [...this.tried, error instanceof Error ? error.message : String(error)];
    }
  }
}

/** What is needed to know of a module; those of a dump fit. */
export type MappedModule = Pick<
  DumpModule,
  "name" | "codeFile" | "base" | "size" | "buildId" | "debugId"
>;

export class ModuleMap {
  /** By base; none of them overlap. */
  readonly #sorted: readonly LoadedModule[];
  readonly #asked = new Set<LoadedModule>();
  readonly #wanted = new Set<LoadedModule>();
  /** Consecutive questions are mostly about one module. */
  #last: LoadedModule | null = null;

  constructor(modules: readonly MappedModule[]) {
    this.#sorted = withoutOverlaps(modules.map(loaded));
  }

  get all(): readonly LoadedModule[] {
    return this.#sorted;
  }

  /** The module that `address` lies in. */
  at(address: bigint): LoadedModule | null {
    const last = this.#last;
    if (last !== null && address >= last.base && address < last.end) return last;
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]!.base <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.#sorted[low - 1];
    if (found === undefined || address >= found.end) return null;
    this.#last = found;
    return found;
  }

  /** How often `need` was answered with false. */
  lacked = 0;

  /** Notes that the symbols of the module are needed; true when they were asked for before. */
  need(module: LoadedModule): boolean {
    if (this.#asked.has(module)) return true;
    this.#wanted.add(module);
    this.lacked += 1;
    return false;
  }

  /** The modules noted since the last call, which now count as asked for. */
  takeWanted(): readonly LoadedModule[] {
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    for (const module of wanted) this.#asked.add(module);
    return wanted;
  }

  /** Rows for the report, in the order of their addresses. */
  rows(): Module[] {
    return this.#sorted.map(({ identity, base, end, state }) => ({
      name: identity.name,
      codeFile: identity.codeFile,
      buildId: identity.buildId,
      debugId: identity.debugId,
      base: hex(base),
      size: Number(end - base),
      symbols: state,
    }));
  }
}

export function settle(
  modules: readonly LoadedModule[],
  found: SymbolCaches,
  open: OpenSymbolCache,
): void {
  for (const module of modules) module.settle(found.get(module.identity.key), open);
}

function loaded(module: MappedModule, index: number): LoadedModule {
  const { name, codeFile, buildId, debugId } = module;
  const key = buildId ?? debugId ?? `${index}:${codeFile}`;
  const identity = { key, name, codeFile: codeFile || null, buildId, debugId };
  return new LoadedModule(identity, module.base, module.size);
}

/**
 * Folklore: minidump-writer lists a file once for each of its mappings when something else is mapped between them
 * (minidump-writer#161), so modules may lie inside one another. The one that begins first holds the address.
 */
function withoutOverlaps(modules: readonly LoadedModule[]): LoadedModule[] {
  const sorted = modules
    .filter(({ base, end }) => end > base)
    .toSorted((one, other) => (one.base < other.base ? -1 : one.base > other.base ? 1 : 0));
  const kept: LoadedModule[] = [];
  for (const module of sorted) {
    const before = kept.at(-1);
    if (before === undefined || module.base >= before.end) kept.push(module);
  }
  return kept;
}
