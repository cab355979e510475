/** Symbol caches on disk, by the content they were built from: `$XDG_CACHE_HOME/faultline` unless told otherwise. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import {
  buildCache,
  type ByteSource,
  CACHE_VERSION,
  openCache,
  openElf,
  type SymbolCache,
} from "@faultline/debuginfo";
import { demangle } from "./demangle.ts";
import { openFileSource } from "./file-source.ts";

/** Paths of an object and the companions that were given. */
export interface ObjectPaths {
  readonly object: string;
  readonly debug: string | null;
  readonly supplementary: string | null;
}

export const defaultCacheFolder = (env: NodeJS.ProcessEnv): string =>
  join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "faultline");

/** The cache of these files: read when it is there, built and kept otherwise. */
export function loadCache(paths: ObjectPaths, folder: string): SymbolCache {
  const key = contentKey(paths);
  const file = join(folder, `${key}.v${CACHE_VERSION}.symcache`);
  const kept = readKept(file);
  if (kept !== null) return kept;
  const bytes = build(paths);
  mkdirSync(folder, { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, bytes);
  renameSync(draft, file);
  return openCache(bytes);
}

/** Null when there is none, or one that was damaged: it is built anew. */
function readKept(file: string): SymbolCache | null {
  try {
    return openCache(readFileSync(file));
  } catch {
    return null;
  }
}

/** Builds the cache's bytes without keeping them. Throws DebugInfoError for files that are refused. */
export function build(
  paths: ObjectPaths,
  progress?: (unitsDone: number, unitsTotal: number) => void,
): Uint8Array {
  const sources = [paths.object, paths.debug, paths.supplementary].map((path) =>
    path === null ? null : openFileSource(path),
  );
  try {
    const [object, debug, supplementary] = sources.map((source) =>
      source === null ? null : openElf(source),
    );
    if (!object) throw new Error("an object is always given");
    return buildCache(
      { object, debug: debug ?? null, supplementary: supplementary ?? null },
      demangle,
      progress,
    );
  } finally {
    for (const source of sources) source?.close();
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
