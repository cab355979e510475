/** Files that belong together, built into one symbol cache. */
import {
  buildBreakpadCache,
  buildCache,
  bytesSource,
  type ElfFile,
  isBreakpad,
  openElf,
  openSplit,
  packedMiniDebugInfo,
} from "@faultline/debuginfo";
import { demangle } from "./demangle.ts";
import type { FileSource } from "./file-source.ts";
import { inflateXz } from "./inflate-xz.ts";
import { OpenFiles } from "./open-files.ts";

/** An object, or a Breakpad .sym that has no companions, and the files that complete it. */
export interface SymbolPaths {
  readonly object: string;
  readonly debug: string | null;
  readonly supplementary: string | null;
  /** A .dwp, .dwo files, or archives of those. */
  readonly split: readonly string[];
}

/** Bytes that tell what a file is. */
const HEAD_BYTES = 16;

export const isSym = (source: FileSource): boolean =>
  isBreakpad(source.read(0, Math.min(source.size, HEAD_BYTES)));

/** Builds the cache's bytes. Throws DebugInfoError for files that are refused. */
export async function buildFiles(
  paths: SymbolPaths,
  progress?: (unitsDone: number, unitsTotal: number) => void,
): Promise<Uint8Array> {
  using files = new OpenFiles();
  const source = files.open(paths.object);
  if (isSym(source)) return buildBreakpadCache(source.read(0, source.size), demangle, progress);
  const object = openElf(source);
  const debug = paths.debug === null ? null : files.elf(paths.debug);
  const supplementary = paths.supplementary === null ? null : files.elf(paths.supplementary);
  const split = paths.split.flatMap((path) => openSplit(files.open(path)));
  const { miniDebugInfo, gaps } = await openMiniDebugInfo(object);
  const companions = { debug, supplementary, split, miniDebugInfo };
  return buildCache({ object, ...companions, gaps }, demangle, progress);
}

/** Names in addition to those that the object exports: damage to them costs them alone. */
async function openMiniDebugInfo(
  object: ElfFile,
): Promise<{ miniDebugInfo: ElfFile | null; gaps: readonly string[] }> {
  try {
    const packed = packedMiniDebugInfo(object);
    if (packed === null) return { miniDebugInfo: null, gaps: [] };
    return { miniDebugInfo: openElf(bytesSource(await inflateXz(packed))), gaps: [] };
  } catch (error) {
    return { miniDebugInfo: null, gaps: [`.gnu_debugdata: ${(error as Error).message}`] };
  }
}
