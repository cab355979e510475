/** An object with everything that belongs to it, opened and built into a symbol cache. */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  buildBreakpadCache,
  buildCache,
  bytesSource,
  type ElfFile,
  isBreakpad,
  openElf,
  packedMiniDebugInfo,
  splitNames,
} from "@faultline/debuginfo";
import { findDebug, findSupplementary } from "./companions.ts";
import { demangle } from "./demangle.ts";
import { type FileSource, openFileSource } from "./file-source.ts";
import { inflateXz } from "./inflate-xz.ts";

/** Paths of an object and the companions that were given or found. */
export interface ObjectPaths {
  readonly object: string;
  readonly debug: string | null;
  readonly supplementary: string | null;
}

export interface CompletePaths extends ObjectPaths {
  /** Companions that the object asks for and that are not there, in words. */
  readonly missed: readonly string[];
}

/** Bytes that tell what a file is. */
const HEAD_BYTES = 16;

/** Opens files and closes them all. */
class OpenFiles {
  private readonly sources: FileSource[] = [];

  open(path: string): FileSource {
    const source = openFileSource(path);
    this.sources.push(source);
    return source;
  }

  elf(path: string): ElfFile {
    return openElf(this.open(path));
  }

  [Symbol.dispose](): void {
    for (const source of this.sources) source.close();
  }
}

const isSym = (source: FileSource): boolean =>
  isBreakpad(source.read(0, Math.min(source.size, HEAD_BYTES)));

/** Looks for the companions that were not given. Throws DebugInfoError for files that are refused. */
export function completePaths(given: ObjectPaths): CompletePaths {
  using files = new OpenFiles();
  const source = files.open(given.object);
  if (isSym(source)) return { ...given, missed: [] };
  const object = openElf(source);
  const foundDebug =
    given.debug === null ? findDebug(given.object, object) : { path: given.debug, missed: null };
  const debug = foundDebug.path === null ? object : files.elf(foundDebug.path);
  const foundSupplementary =
    given.supplementary === null
      ? findSupplementary(foundDebug.path ?? given.object, debug)
      : { path: given.supplementary, missed: null };
  return {
    object: given.object,
    debug: foundDebug.path,
    supplementary: foundSupplementary.path,
    missed: [foundDebug.missed, foundSupplementary.missed].filter((missed) => missed !== null),
  };
}

/** Builds the cache's bytes, of an ELF object or a Breakpad .sym. Throws DebugInfoError for files that are refused. */
export async function build(
  paths: ObjectPaths,
  progress?: (unitsDone: number, unitsTotal: number) => void,
): Promise<Uint8Array> {
  using files = new OpenFiles();
  const source = files.open(paths.object);
  if (isSym(source)) return buildBreakpadCache(source.read(0, source.size), demangle);
  const object = openElf(source);
  const debug = paths.debug === null ? null : files.elf(paths.debug);
  const supplementary = paths.supplementary === null ? null : files.elf(paths.supplementary);
  const split = findSplit(paths, debug ?? object).map((path) => files.elf(path));
  const packed = packedMiniDebugInfo(object);
  const miniDebugInfo = packed === null ? null : openElf(bytesSource(await inflateXz(packed)));
  return buildCache({ object, debug, supplementary, split, miniDebugInfo }, demangle, progress);
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
