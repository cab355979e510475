/**
 * Symbol caches for crashes: found by what a dump tells of its modules, read from the blob store once, kept in shared
 * memory for every thread and crash. Which cache is a module's newest is asked of the database each time, by one
 * query for all that ask at once; so nothing has to be told to forget.
 */
import { CACHE_VERSION, DebugInfoError, openCache } from "@faultline/debuginfo/cache";
import {
  createBatcher,
  findNativeCaches,
  findNativeNamesakes,
  wantNativeCache,
  type BlobStore,
  type MissingFile,
  type ModuleIdentity,
  type ModuleSymbols,
  type NativeCache,
  type Pool,
} from "@faultline/shared";
import { isAbsent } from "../attachments.ts";
import { createCache } from "../cache.ts";
import { MAX_NAMESAKES, MAX_SYMBOL_CACHE_BYTES } from "../limits.ts";
import type { Metrics } from "../metrics.ts";

/** What was found for a module, and in which state of what is stored for it. */
export interface StoredSymbols extends ModuleSymbols {
  /** Of its cache; see NativeCache. */
  readonly built: number;
}

export interface SymbolCacheStore {
  /** An answer for each of these modules, by its key. Rejects when the database or the blob store is away. */
  fetch(modules: readonly ModuleIdentity[]): Promise<ReadonlyMap<string, StoredSymbols>>;
}

/** Queries at once, and modules in one. */
const LANES = 2;
const MAX_BATCH = 2_000;

/** `keptBytes`: caches kept in memory for the next crash, shared by all threads. */
export function openSymbolCaches(
  pool: Pool,
  blobs: BlobStore,
  metrics: Metrics,
  keptBytes: number,
): SymbolCacheStore {
  const contents = openContents(blobs, metrics, keptBytes);
  const rows = createBatcher<ModuleIdentity, NativeCache | null>({
    most: MAX_BATCH,
    lanes: LANES,
    act: (modules) => findRows(pool, modules),
  });

  async function symbolsOf(module: ModuleIdentity): Promise<StoredSymbols> {
    if (module.buildId === null && module.debugId === null)
      return { ...nothing("missing", "the dump tells neither build id nor debug id"), built: 0 };
    const row = await rows.add(module);
    const found = row === null ? await missing(pool, module) : await symbolsIn(row, module);
    return { ...found, built: row?.built ?? 0 };
  }

  async function symbolsIn(row: NativeCache, module: ModuleIdentity): Promise<ModuleSymbols> {
    const { debugId, buildId, blob } = row;
    if (!isSameBuild(module.buildId, buildId))
      return nothing("mismatched", `symbols of debug id ${debugId} have build id ${buildId}`);
    if (blob === null || row.cacheVersion !== CACHE_VERSION) return unbuilt(row);
    const bytes = await contents.load(blob);
    if (typeof bytes !== "string")
      return { state: "found", cache: bytes, contentKey: blob, tried: wordsOf(row) };
    await wantNativeCache(pool, debugId);
    return nothing("corrupt", `cache ${blob}: ${bytes}; it is built anew`);
  }

  return {
    async fetch(modules) {
      const entries = modules.map(async (module) => [module.key, await symbolsOf(module)] as const);
      return new Map(await Promise.all(entries));
    },
  };
}

interface Contents {
  /** A cache's bytes; or why they cannot be used. */
  load(blob: string): Promise<Uint8Array | string>;
}

function openContents(blobs: BlobStore, metrics: Metrics, keptBytes: number): Contents {
  const kept = createCache<Uint8Array>(keptBytes);
  const underWay = new Map<string, Promise<Uint8Array | string>>();
  /** What is no longer kept but still in use somewhere need not be read again. */
  const inUse = new Map<string, WeakRef<Uint8Array>>();

  function keep(blob: string, bytes: Uint8Array): void {
    for (const [other, reference] of inUse)
      if (reference.deref() === undefined) inUse.delete(other);
    inUse.set(blob, new WeakRef(bytes));
    kept.set(blob, bytes, bytes.length);
    metrics.symbolCacheBytes.set(kept.bytes);
  }

  return {
    async load(blob) {
      const found = kept.get(blob) ?? inUse.get(blob)?.deref();
      metrics.symbolCacheLookups.inc({ result: found === undefined ? "miss" : "hit" });
      if (found !== undefined) return found;
      const reading = underWay.get(blob) ?? read(blobs, blob);
      underWay.set(blob, reading);
      try {
        const bytes = await reading;
        if (typeof bytes !== "string") keep(blob, bytes);
        return bytes;
      } finally {
        underWay.delete(blob);
      }
    },
  };
}

/** By build id where it is known, else by debug id; in the order asked. */
async function findRows(
  pool: Pool,
  modules: readonly ModuleIdentity[],
): Promise<readonly (NativeCache | null)[]> {
  const found = await findNativeCaches(
    pool,
    modules.flatMap(({ debugId }) => debugId ?? []),
    modules.flatMap(({ buildId }) => buildId ?? []),
  );
  const byBuildId = new Map(found.map((row) => [row.buildId, row]));
  const byDebugId = new Map(found.map((row) => [row.debugId, row]));
  return modules.map(
    ({ buildId, debugId }) =>
      (buildId === null ? undefined : byBuildId.get(buildId)) ??
      (debugId === null ? undefined : byDebugId.get(debugId)) ??
      null,
  );
}

/** Dumps of some writers have the first 16 bytes of a build id alone, and a .sym may have none. */
const isSameBuild = (asked: string | null, found: string | null): boolean =>
  asked === null || found === null || asked.startsWith(found) || found.startsWith(asked);

/** In shared memory; or why it cannot be used. */
async function read(blobs: BlobStore, blob: string): Promise<Uint8Array | string> {
  try {
    const size = await blobs.size(blob);
    if (size > MAX_SYMBOL_CACHE_BYTES)
      return `${size} bytes, MAX_SYMBOL_CACHE_BYTES is ${MAX_SYMBOL_CACHE_BYTES}`;
    const bytes = new Uint8Array(new SharedArrayBuffer(size));
    let at = 0;
    for await (const chunk of blobs.read(blob) as AsyncIterable<Buffer>) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    openCache(bytes);
    return bytes;
  } catch (error) {
    if (error instanceof DebugInfoError) return `${error.code}: ${error.message}`;
    if (!isAbsent(error)) throw error;
    await blobs.check();
    return "the blob store does not hold it";
  }
}

const nothing = (
  state: Exclude<ModuleSymbols["state"], "found">,
  ...tried: readonly string[]
): ModuleSymbols => ({ state, cache: null, contentKey: "", tried });

/** Nothing has the ids that were asked for; another build of the module may be there. */
async function missing(pool: Pool, { name }: ModuleIdentity): Promise<ModuleSymbols> {
  const others = await findNativeNamesakes(pool, [name], MAX_NAMESAKES);
  if (others.length === 0) return nothing("missing");
  const ids = others.map(({ buildId, debugId }) => buildId ?? debugId);
  return nothing("mismatched", `found ${name} of ${ids.join(", ")}`);
}

/** There are files, and no cache that can be read yet, or ever. */
function unbuilt({ state, error, unitsDone, unitsTotal }: NativeCache): ModuleSymbols {
  switch (state) {
    case "refused":
      return nothing("corrupt", error ?? "refused");
    case "building":
      return nothing(
        "missing",
        unitsTotal === null
          ? "its cache is being built"
          : `its cache is being built: ${unitsDone} of ${unitsTotal} units`,
      );
    case "stored":
    case "ready":
      return nothing("missing", "its cache waits to be built");
  }
}

/** What the cache lacks though it was found. */
const wordsOf = ({ error, missing: lacks, gaps }: NativeCache): readonly string[] => [
  ...(error === null ? [] : [`a newer cache could not be built: ${error}`]),
  ...lacks.map(wordOf),
  ...gaps,
];

function wordOf({ role, buildId, file }: MissingFile): string {
  const id = buildId === null ? "" : ` of build id ${buildId}`;
  return `${role} file${id}${file === null ? "" : ` (${file})`}: not uploaded`;
}
