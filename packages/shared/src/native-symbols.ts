/** What the engine asks of whoever holds symbol caches of native modules. */

/** What a module is known by: enough to find its symbols. */
export interface ModuleIdentity {
  /** The same for one module in every request of a crash, and no other's. */
  readonly key: string;
  /** Base name of the mapped file: "libc.so.6". */
  readonly name: string;
  readonly codeFile: string | null;
  /** Lower-case hex of any length; null when the dump does not tell it. */
  readonly buildId: string | null;
  /** Breakpad's form: 32 upper-case hex digits and the age; null when unknown. */
  readonly debugId: string | null;
}

/** Symbol caches of modules that frames were found in. */
export interface NeedSymbolCaches {
  readonly need: "symbol-caches";
  readonly modules: readonly ModuleIdentity[];
}

/** What was found for one module. */
export interface ModuleSymbols {
  /** "mismatched": only symbols of another build of it; "corrupt": a file that is refused. */
  readonly state: "found" | "missing" | "mismatched" | "corrupt";
  /** A symbol cache (`openCache` of @faultline/debuginfo); null unless found. */
  readonly cache: Uint8Array | null;
  /** Stable identity of the cache's content, for caches of opened ones. */
  readonly contentKey: string;
  /** What was looked at and why it did not do, in words. */
  readonly tried: readonly string[];
}

/** Answer to NeedSymbolCaches, by `ModuleIdentity.key`; one that is not there is missing. */
export type SymbolCaches = ReadonlyMap<string, ModuleSymbols>;
