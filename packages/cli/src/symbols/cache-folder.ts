/** Symbol caches on disk, by the content they were built from: `$XDG_CACHE_HOME/faultline` unless told otherwise. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CACHE_VERSION, openCache, type SymbolCache } from "@faultline/debuginfo/cache";
import { contentKey, keep } from "./content-key.ts";
import type { ObjectPaths } from "./object-files.ts";

export interface LoadedCache {
  readonly cache: SymbolCache;
  /** Companions that the object asks for and that are not there, and what could not be read, in words. */
  readonly missed: readonly string[];
}

export const defaultCacheFolder = (env: NodeJS.ProcessEnv): string =>
  join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "faultline");

/**
 * The cache of an object, with the companions that are found besides those given: read when it is there, else
 * built, and kept unless a part of it could not be read.
 */
export async function loadCache(given: ObjectPaths, folder: string): Promise<LoadedCache> {
  const { completePaths } = await import("./object-files.ts");
  const paths = completePaths(given);
  const bytes = await cacheBytes(paths, folder);
  const cache = openCache(bytes);
  return { cache, missed: [...paths.missed, ...cache.info.gaps] };
}

/** The cache of files of which nothing else is looked for. */
export async function cacheBytes(paths: ObjectPaths, folder: string): Promise<Uint8Array> {
  const key = contentKey(
    [paths.object, paths.debug, paths.supplementary, ...(paths.split ?? [])],
    folder,
  );
  const file = join(folder, `${key}.v${CACHE_VERSION}.symcache`);
  return readKept(file) ?? (await buildAndKeep(paths, file));
}

async function buildAndKeep(paths: ObjectPaths, file: string): Promise<Uint8Array> {
  const { build } = await import("./object-files.ts"); // what builds is loaded only where there is something to build
  const bytes = await build(paths);
  if (openCache(bytes).info.gaps.length === 0) keep(file, bytes);
  return bytes;
}

/** Null when there is none, or one that was damaged: it is built anew. */
function readKept(file: string): Uint8Array | null {
  try {
    const bytes = readFileSync(file);
    openCache(bytes);
    return bytes;
  } catch {
    return null;
  }
}
