/**
 * The other halves of an object, where systems and build tools put them: the debug file by build id or by
 * `.gnu_debuglink`, the supplementary file of dwz by `.gnu_debugaltlink` (GDB manual, "Separate Debug Files").
 */
import { statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import {
  altLink,
  debugLink,
  debugLinkCrc,
  type ElfFile,
  findSection,
  noteBuildId,
  openElf,
} from "@faultline/debuginfo";
import { type FileSource, openFileSource } from "@faultline/symbols";

/** Where distributions install debug files. */
const DEBUG_FOLDER = "/usr/lib/debug";
const CHUNK = 1 << 20;

/** A companion's path, or why there is none in words; both null when the object asks for none. */
export interface Found {
  readonly path: string | null;
  readonly missed: string | null;
}

const nothing: Found = { path: null, missed: null };

/** The debug file of a stripped object. */
export function findDebug(object: string, elf: ElfFile): Found {
  if (hasDebugInfo(elf)) return nothing;
  const id = noteBuildId(elf);
  const byId = id === null ? null : byBuildId(id);
  if (byId !== null) return { path: byId, missed: null };
  const link = debugLink(elf);
  if (link === null) return nothing;
  const wrong: string[] = [];
  for (const path of linkedPaths(object, link.file)) {
    const crc = crcOf(path);
    if (crc === link.crc) return { path, missed: null };
    wrong.push(`${path} is another file: its CRC is ${hex(crc)}, wanted ${hex(link.crc)}`);
  }
  const missed =
    wrong.length > 0 ? wrong.join("; ") : `debug file ${link.file} (.gnu_debuglink): not found`;
  return { path: null, missed };
}

/** The supplementary file that `elf`, at `path`, refers to: where it says, or beside it. */
export function findSupplementary(path: string, elf: ElfFile): Found {
  const link = altLink(elf);
  if (link === null) return nothing;
  const wrong: string[] = [];
  for (const name of new Set([link.file, basename(link.file)])) {
    const place = resolve(dirname(path), name);
    if (!isFile(place)) continue;
    const id = openedId(place);
    if (id === link.buildId) return { path: place, missed: null };
    wrong.push(`${place} is another file: its build id is ${id}, wanted ${link.buildId}`);
  }
  const byId = byBuildId(link.buildId);
  if (byId !== null) return { path: byId, missed: null };
  const missed =
    wrong.length > 0
      ? wrong.join("; ")
      : `supplementary file ${link.file} (.gnu_debugaltlink, build id ${link.buildId}): not found`;
  return { path: null, missed };
}

const hasDebugInfo = (elf: ElfFile): boolean =>
  findSection(elf, ".debug_info") !== null || findSection(elf, ".zdebug_info") !== null;

function byBuildId(id: string): string | null {
  const path = join(DEBUG_FOLDER, ".build-id", id.slice(0, 2), `${id.slice(2)}.debug`);
  return isFile(path) && openedId(path) === id ? path : null;
}

/** Files of that name beside the object, in `.debug` below it, and where distributions mirror its folder. */
function linkedPaths(object: string, name: string): readonly string[] {
  const folder = dirname(resolve(object));
  const file = basename(name);
  const places = [folder, join(folder, ".debug"), join(DEBUG_FOLDER, folder)];
  return places
    .map((place) => join(place, file))
    .filter((path) => path !== resolve(object) && isFile(path));
}

const isFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

function openedId(path: string): string {
  return withSource(path, (source) => noteBuildId(openElf(source)) ?? "none");
}

const crcOf = (path: string): number =>
  withSource(path, (source) => {
    let crc = 0;
    for (let at = 0; at < source.size; at += CHUNK)
      crc = debugLinkCrc(source.read(at, Math.min(CHUNK, source.size - at)), crc);
    return crc;
  });

function withSource<T>(path: string, use: (source: FileSource) => T): T {
  const source = openFileSource(path);
  try {
    return use(source);
  } finally {
    source.close();
  }
}

const hex = (value: number): string => `0x${value.toString(16).padStart(8, "0")}`;
