/** One symbols job: stored .pyc files → their maps. A file that no map can be made of is refused, saying why. */
import {
  loadStoredSymbolFiles,
  MAX_PYTHON_FILE_BYTES,
  saveSymbolCaches,
  type BlobStore,
  type Pool,
  type StoredSymbolFile,
  type SymbolCache,
  type SymbolsJob,
} from "@faultline/shared";
import { PYC_MAP_VERSION } from "@faultline/pyc";
import { readBlob } from "./attachments.ts";
import type { Engine } from "./engine.ts";
import { CrashFailure, reasonText } from "./failure.ts";
import { createGate } from "./gate.ts";
import { SYMBOL_FILES_PER_CHUNK } from "./limits.ts";
import type { Metrics } from "./metrics.ts";

export interface SymbolTools {
  readonly pool: Pool;
  readonly blobs: BlobStore;
  readonly engine: Engine;
  /** Files worked on at once; below the engine's threads, so that crashes do not wait behind an upload. */
  readonly atOnce: number;
  readonly metrics: Metrics;
}

/**
 * Running twice does no harm: files whose map is made are not loaded again. Rejects when a file's blob
 * is missing or the fault lies elsewhere; the other files' maps are saved by then.
 */
export async function buildSymbolCaches(job: SymbolsJob, tools: SymbolTools): Promise<void> {
  const missing: string[] = [];
  for (let at = 0; at < job.sha256s.length; at += SYMBOL_FILES_PER_CHUNK) {
    const hashes = job.sha256s.slice(at, at + SYMBOL_FILES_PER_CHUNK);
    const files = await loadStoredSymbolFiles(tools.pool, hashes);
    const caches = await cachesOf(files, tools);
    if (caches.length > 0) await saveSymbolCaches(tools.pool, caches);
    for (const { error } of caches) {
      tools.metrics.symbolFiles.inc({ state: error === null ? "ready" : "refused" });
    }
    const made = new Set(caches.map((cache) => cache.sha256));
    missing.push(...files.map((file) => file.sha256).filter((sha256) => !made.has(sha256)));
  }
  if (missing.length > 0) {
    throw new Error(
      `the blob store does not hold ${missing.length} symbol files, ${missing[0]} for one`,
    );
  }
}

/** In the order of their hashes, so that two jobs that save the same files do not deadlock. */
async function cachesOf(
  files: readonly StoredSymbolFile[],
  tools: SymbolTools,
): Promise<readonly SymbolCache[]> {
  const gate = createGate(tools.atOnce);
  const caches = await Promise.all(files.map((file) => gate.run(1, () => cacheOf(file, tools))));
  return caches
    .filter((cache) => cache !== null)
    .toSorted((left, right) => (left.sha256 < right.sha256 ? -1 : 1));
}

/** Null when its blob is missing. */
async function cacheOf(
  { sha256, content, blob }: StoredSymbolFile,
  { blobs, engine }: SymbolTools,
): Promise<SymbolCache | null> {
  const bytes = content ?? (await readBlob(blobs, blob ?? "", MAX_PYTHON_FILE_BYTES));
  if (bytes === null) return null;
  try {
    const { map, version, pythonVersion, codeFilename } = await engine.pycMap(
      new Uint8Array(bytes),
    );
    return { sha256, error: null, cache: map, cacheVersion: version, pythonVersion, codeFilename };
  } catch (error) {
    if (!(error instanceof CrashFailure)) throw error;
    const refused = { cache: null, pythonVersion: null, codeFilename: null };
    return { sha256, error: reasonText(error.message), cacheVersion: PYC_MAP_VERSION, ...refused };
  }
}
