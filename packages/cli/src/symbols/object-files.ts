/** An object with everything that belongs to it, found on disk and built into a symbol cache. */
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { openElf, splitNames } from "@faultline/debuginfo";
import { buildFiles, isSym, OpenFiles } from "@faultline/symbols";
import { findDebug, findSupplementary } from "./companions.ts";

/** Paths of an object and the companions that were given or found. */
export interface ObjectPaths {
  readonly object: string;
  readonly debug: string | null;
  readonly supplementary: string | null;
  /** .dwo files, a .dwp, archives of them; absent: they are looked for. */
  readonly split?: readonly string[];
}

export interface CompletePaths extends ObjectPaths {
  /** Companions that the object asks for and that are not there, in words. */
  readonly missed: readonly string[];
}

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
    ...given,
    debug: foundDebug.path,
    supplementary: foundSupplementary.path,
    missed: [foundDebug.missed, foundSupplementary.missed].filter((missed) => missed !== null),
  };
}

/** Builds the cache's bytes, of an ELF object or a Breakpad .sym. Throws DebugInfoError for files that are refused. */
export const build = async (
  paths: ObjectPaths,
  progress?: (unitsDone: number, unitsTotal: number) => void,
): Promise<Uint8Array> =>
  await buildFiles({ ...paths, split: paths.split ?? findSplit(paths) }, progress);

/** Files of split units: the package beside the object, else each .dwo where it was written or beside the object. */
function findSplit({ object, debug }: ObjectPaths): readonly string[] {
  using files = new OpenFiles();
  const source = files.open(debug ?? object);
  if (isSym(source)) return [];
  const packages = [object, debug].filter((path) => path !== null).map((path) => `${path}.dwp`);
  const found = packages.filter((path) => existsSync(path));
  if (found.length > 0) return found;
  const places = (name: string): string[] => [
    name,
    join(dirname(object), name),
    join(dirname(object), basename(name)),
  ];
  const written = splitNames(openElf(source)).flatMap(
    ({ directory, name }) =>
      [resolve(directory, name), ...places(name)].find((path) => existsSync(path)) ?? [],
  );
  return [...new Set(written)];
}
