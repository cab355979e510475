/**
 * The uploaded files of a crash's release: which of them a frame's file is.
 *
 * An importer replaces `co_filename` by the path it found the file at, and a release is unpacked
 * anywhere; so paths are compared by their components from the end, and the longest common suffix wins.
 */
import type { PycMap } from "@faultline/pyc";
import type { PythonFile, PythonFiles } from "@faultline/shared";
import { MAX_CANDIDATES_PER_NAME, MAX_MAPS_PER_FILE } from "../limits.ts";
import { baseName, commonSuffix, sourcePath, SourcePaths, type SourcePath } from "./paths.ts";
import { SourceText } from "./source.ts";

/** An uploaded file with the paths it is known by. */
interface Candidate {
  readonly file: PythonFile;
  readonly path: SourcePath;
  /** Where it was compiled; null when only its source was uploaded. */
  readonly compiledAt: SourcePath | null;
}

export interface OpenedMap {
  readonly file: PythonFile;
  readonly path: SourcePath;
  readonly map: PycMap;
}

/** Files that a frame's file may be: all equally good by their paths. */
export interface FileMatch {
  /** Paths of all of them inside their uploads. */
  readonly paths: readonly SourcePath[];
  readonly maps: readonly OpenedMap[];
  readonly sources: readonly PythonFile[];
  /** Only the base name agrees, and the folders above it do not. */
  readonly weak: boolean;
  /** What the maps that could not be read said, with their paths. */
  readonly corrupt: readonly string[];
  /** Equally good files that were not opened (limit MAX_MAPS_PER_FILE). */
  readonly left: number;
}

export type OpenMap = (file: PythonFile) => PycMap;

/**
 * What a file says of itself, read once: a worker is handed the same objects for crash after crash of
 * a release. Nothing can be told from outside but the time that it saves.
 */
const candidates = new WeakMap<PythonFile, Candidate>();
const sources = new WeakMap<PythonFile, SourceText>();

/** Holds what one text's crashes share: candidates by base name, and opened maps. */
export class ReleaseFiles {
  readonly paths: SourcePaths;
  readonly #files: PythonFiles;
  readonly #openMap: OpenMap;
  readonly #candidates = new Map<string, readonly Candidate[]>();
  readonly #opened = new Map<string, PycMap | Error>();
  readonly #matches = new Map<string, FileMatch | null>();

  constructor(files: PythonFiles, openMap: OpenMap, paths = new SourcePaths()) {
    this.paths = paths;
    this.#files = files;
    this.#openMap = openMap;
  }

  /** True when the release gave no file for any name that was asked for. */
  get isEmpty(): boolean {
    for (const list of this.#files.values()) if (list.length > 0) return false;
    return true;
  }

  /** The best files for a path, null when none has its base name. `raw`: its escaped form, also tried. */
  match(path: SourcePath, raw: SourcePath | null): FileMatch | null {
    const known = this.#matches.get(path.text);
    if (known !== undefined) return known;
    const match = this.#bestOf(path) ?? (raw === null ? null : this.#bestOf(raw));
    this.#matches.set(path.text, match);
    return match;
  }

  #bestOf(path: SourcePath): FileMatch | null {
    let best: Candidate[] = [];
    let longest = 0;
    for (const candidate of this.#candidatesFor(path)) {
      const length = Math.max(
        suffixLength(path, candidate.path),
        candidate.compiledAt === null ? 0 : suffixLength(path, candidate.compiledAt),
      );
      if (length === 0 || length < longest) continue;
      if (length > longest) best = [];
      longest = length;
      best.push(candidate);
    }
    return best.length === 0 ? null : this.#open(best, isWeak(path, best));
  }

  #candidatesFor(path: SourcePath): readonly Candidate[] {
    const name = baseName(path);
    if (name === null) return [];
    const known = this.#candidates.get(name);
    if (known !== undefined) return known;
    const listed = this.#files.get(name) ?? [];
    const lower = path.windows ? (this.#files.get(name.toLowerCase()) ?? []) : [];
    const both = lower.length === 0 || lower === listed ? listed : [...listed, ...lower];
    const found = both.slice(0, MAX_CANDIDATES_PER_NAME).map(candidateOf);
    this.#candidates.set(name, found);
    return found;
  }

  #open(best: readonly Candidate[], weak: boolean): FileMatch {
    const maps: OpenedMap[] = [];
    const corrupt: string[] = [];
    const compiled = best.filter(({ file }) => file.map !== null);
    for (const { file, path } of compiled.slice(0, MAX_MAPS_PER_FILE)) {
      const map = this.#openOnce(file);
      if (map instanceof Error) corrupt.push(`${file.path}: ${map.message}`);
      else maps.push({ file, path, map });
    }
    const withSource = best.map(({ file }) => file).filter(({ source }) => source !== null);
    return {
      paths: best.map(({ path }) => path),
      maps,
      sources: withSource.slice(0, MAX_MAPS_PER_FILE),
      weak,
      corrupt,
      left: Math.max(0, compiled.length - MAX_MAPS_PER_FILE),
    };
  }

  #openOnce(file: PythonFile): PycMap | Error {
    const known = this.#opened.get(file.key);
    if (known !== undefined) return known;
    let opened: PycMap | Error;
    try {
      opened = this.#openMap(file);
    } catch (error) {
      opened = error instanceof Error ? error : new Error(String(error));
    }
    this.#opened.set(file.key, opened);
    return opened;
  }
}

function candidateOf(file: PythonFile): Candidate {
  const known = candidates.get(file);
  if (known !== undefined) return known;
  const compiledAt = file.codeFilename === null ? null : sourcePath(file.codeFilename);
  const candidate = { file, path: sourcePath(file.path), compiledAt };
  candidates.set(file, candidate);
  return candidate;
}

/** An uploaded source, ready to be asked for its lines; null when the file came without one. */
export function sourceOf(file: PythonFile): SourceText | null {
  if (file.source === null) return null;
  const known = sources.get(file);
  if (known !== undefined) return known;
  const text = new SourceText(file.source);
  sources.set(file, text);
  return text;
}

/**
 * Common suffix of a frame's path and an uploaded one; 0 when they cannot be the same file.
 *
 * Below a known import root every component is part of the module's name, so all of them must agree:
 * `site-packages/requests/utils.py` is not the application's own `utils.py`. And every package has
 * an `__init__.py`: that name alone says nothing.
 */
function suffixLength(frame: SourcePath, uploaded: SourcePath): number {
  const length = commonSuffix(frame, uploaded);
  if (length === 0 || length < belowRoot(frame) || length < belowRoot(uploaded)) return 0;
  if (length > 1 || isWhole(length, frame, uploaded)) return length;
  return /^__(?:init|main)__\.py/.test(baseName(frame)!) ? 0 : length;
}

const belowRoot = (path: SourcePath): number =>
  path.importRoot === null ? 0 : path.components.length - path.importRoot;

const isWhole = (length: number, left: SourcePath, right: SourcePath): boolean =>
  length === left.components.length || length === right.components.length;

function isWeak(frame: SourcePath, best: readonly Candidate[]): boolean {
  return best.every(({ path, compiledAt }) =>
    [path, compiledAt].every((uploaded) => {
      if (uploaded === null) return true;
      const length = suffixLength(frame, uploaded);
      return length <= 1 && !(length === 1 && isWhole(length, frame, uploaded));
    }),
  );
}
