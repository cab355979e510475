/** Symbol caches on disk, by the content they were built from: `$XDG_CACHE_HOME/faultline` unless told otherwise. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import {
  buildBreakpadCache,
  buildCache,
  type ByteSource,
  CACHE_VERSION,
  openCache,
  type ElfFile,
  isBreakpad,
  openElf,
  splitNames,
  type SymbolCache,
} from "@faultline/debuginfo";
import { demangle } from "./demangle.ts";
import { type FileSource, openFileSource } from "./file-source.ts";

/** Paths of an object and the companions that were given. */
export interface ObjectPaths {
  readonly object: string;
  readonly debug: string | null;
  readonly supplementary: string | null;
}

export const defaultCacheFolder = (env: NodeJS.ProcessEnv): string =>
  join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "faultline");

/** The cache of these files: read when it is there, else built, and kept unless something was missing: it may come. */
export function loadCache(paths: ObjectPaths, folder: string): SymbolCache {
  const file = join(folder, `${contentKey(paths)}.v${CACHE_VERSION}.symcache`);
  const kept = readKept(file);
  if (kept !== null) return kept;
  const bytes = build(paths);
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

/** Bytes that tell what a file is. */
const HEAD_BYTES = 16;

/** Builds the cache's bytes, of an ELF object or a Breakpad .sym, without keeping them. Throws DebugInfoError for files that are refused. */
export function build(
  paths: ObjectPaths,
  progress?: (unitsDone: number, unitsTotal: number) => void,
): Uint8Array {
  const sources: FileSource[] = [];
  const open = (path: string): ElfFile => {
    const source = openFileSource(path);
    sources.push(source);
    return openElf(source);
  };
  const openNamed = (path: string | null): ElfFile | null => (path === null ? null : open(path));
  try {
    const first = openFileSource(paths.object);
    sources.push(first);
    if (isBreakpad(first.read(0, Math.min(first.size, HEAD_BYTES))))
      return buildBreakpadCache(first.read(0, first.size), demangle);
    const object = openElf(first);
    const debug = openNamed(paths.debug);
    const supplementary = openNamed(paths.supplementary);
    const split = findSplit(paths, debug ?? object).map(open);
    return buildCache({ object, debug, supplementary, split }, demangle, progress);
  } finally {
    for (const source of sources) source.close();
  }
}

/** Files of split units: the package beside the object, else each .dwo where it was written or beside the object. */
function findSplit({ object, debug }: ObjectPaths, elf: ElfFile): readonly string[] {
  const packages = [object, debug].filter((path) => path !== null).map((path) => `${path}.dwp`);
  const found = packages.filter((path) => existsSync(path));
  if (found.length > 0) return found;
  const places = (name: string): string[] => [
    name,
    join(dirname(object), name),
    join(dirname(object), basename(name)),
  ];
  return splitNames(elf).flatMap((name) => places(name).find((path) => existsSync(path)) ?? []);
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
