/** Symbol caches on disk, by the content they were built from: `$XDG_CACHE_HOME/faultline` unless told otherwise. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { type ByteSource, CACHE_VERSION, openCache, type SymbolCache } from "@faultline/debuginfo";
import { openFileSource } from "./file-source.ts";
import { build, completePaths, type ObjectPaths } from "./object-files.ts";

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
  const paths = completePaths(given);
  const file = join(folder, `${contentKey(paths)}.v${CACHE_VERSION}.symcache`);
  const cache = readKept(file) ?? (await buildAndKeep(paths, file));
  return { cache, missed: [...paths.missed, ...cache.info.gaps] };
}

async function buildAndKeep(paths: ObjectPaths, file: string): Promise<SymbolCache> {
  const bytes = await build(paths);
  const cache = openCache(bytes);
  if (cache.info.gaps.length === 0) keep(file, bytes);
  return cache;
}

function keep(file: string, bytes: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, bytes);
  renameSync(draft, file);
}

/** Null when there is none, or one that was damaged: it is built anew. */
function readKept(file: string): SymbolCache | null {
  try {
    return openCache(readFileSync(file));
  } catch {
    return null;
  }
}

const CHUNK = 1 << 20;

function contentKey({ object, debug, supplementary }: ObjectPaths): string {
  const hash = createHash("sha256");
  for (const path of [object, debug, supplementary]) {
    if (path === null) {
      hash.update("none\0");
      continue;
    }
    const source = openFileSource(path);
    hash.update(`${source.size}\0`);
    addContent(hash, source);
    source.close();
  }
  return hash.digest("hex").slice(0, 40);
}

function addContent(hash: ReturnType<typeof createHash>, source: ByteSource): void {
  for (let at = 0; at < source.size; at += CHUNK)
    hash.update(source.read(at, Math.min(CHUNK, source.size - at)));
}
