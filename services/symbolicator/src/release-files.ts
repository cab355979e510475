/**
 * Python files of releases, for the engine: read from the database once, kept in shared memory for
 * every thread and crash. The release's symbols version is part of the key, so an upload is seen by
 * the first crash loaded after it, and nothing has to be told to forget.
 */
import {
  loadReleaseFiles,
  MAX_PYTHON_FILE_BYTES,
  type BlobStore,
  type Gap,
  type PendingCrash,
  type Pool,
  type PythonFile,
  type ReleaseFile,
} from "@faultline/shared";
import { readBlob, shared } from "./attachments.ts";
import { createCache } from "./cache.ts";
import { MAX_RELEASE_FILES_PER_CRASH, RELEASE_FILE_CACHE_BYTES } from "./limits.ts";
import type { Metrics } from "./metrics.ts";

type Release = NonNullable<PendingCrash["release"]>;

interface Found {
  /** By base name; every name asked for is there. */
  readonly files: ReadonlyMap<string, readonly PythonFile[]>;
  readonly gaps: readonly Gap[];
}

export interface ReleaseFiles {
  find(release: Release, basenames: readonly string[]): Promise<Found>;
}

export function openReleaseFiles(pool: Pool, blobs: BlobStore, metrics: Metrics): ReleaseFiles {
  const cache = createCache<readonly PythonFile[]>(RELEASE_FILE_CACHE_BYTES);
  const underWay = new Map<string, Promise<Found>>();

  async function load(release: Release, basenames: readonly string[]): Promise<Found> {
    const rows = await loadReleaseFiles(pool, release.id, basenames, MAX_RELEASE_FILES_PER_CRASH);
    const files = new Map<string, PythonFile[]>(basenames.map((name) => [name, []]));
    for (const entries of byPath(rows)) {
      files.get(entries[0].basename)?.push(...(await pythonFiles(entries, blobs)));
    }
    if (rows.length === MAX_RELEASE_FILES_PER_CRASH) return { files, gaps: [cutGap] };
    for (const [name, list] of files) cache.set(keyOf(release, name), list, bytesOf(list));
    metrics.fileCacheBytes.set(cache.bytes);
    return { files, gaps: [] };
  }

  /** Loads the names nobody is loading yet, by one query. */
  function loadAll(release: Release, names: readonly string[]): readonly Promise<Found>[] {
    const fresh = names.filter((name) => !underWay.has(keyOf(release, name)));
    if (fresh.length > 0) {
      const loading = load(release, fresh).finally(() => {
        for (const name of fresh) underWay.delete(keyOf(release, name));
      });
      for (const name of fresh) underWay.set(keyOf(release, name), loading);
    }
    return [...new Set(names.map((name) => underWay.get(keyOf(release, name))))].filter(
      (promise) => promise !== undefined,
    );
  }

  return {
    async find(release, basenames) {
      const files = new Map<string, readonly PythonFile[]>();
      for (const name of basenames) {
        const known = cache.get(keyOf(release, name));
        if (known !== undefined) files.set(name, known);
      }
      const missing = basenames.filter((name) => !files.has(name));
      metrics.fileLookups.inc({ result: "hit" }, files.size);
      metrics.fileLookups.inc({ result: "miss" }, missing.length);
      const found = await Promise.all(loadAll(release, missing));
      for (const name of missing) {
        files.set(name, found.find((each) => each.files.has(name))?.files.get(name) ?? []);
      }
      return { files, gaps: [...new Set(found.flatMap(({ gaps }) => gaps))] };
    },
  };
}

const cutGap: Gap = {
  code: "release-files-cut",
  detail: `The release holds more files of these base names than MAX_RELEASE_FILES_PER_CRASH (${MAX_RELEASE_FILES_PER_CRASH}); the rest was not looked at.`,
};

const keyOf = (release: Release, basename: string): string =>
  `${release.id}/${release.symbolsVersion}/${basename}`;

const bytesOf = (files: readonly PythonFile[]): number =>
  files.reduce((sum, { map, source }) => sum + (map?.length ?? 0) + (source?.length ?? 0), 0);

/** The compiled files and the source of one path belong together. Rows come ordered by path. */
function byPath(rows: readonly ReleaseFile[]): readonly [ReleaseFile, ...ReleaseFile[]][] {
  const paths: [ReleaseFile, ...ReleaseFile[]][] = [];
  for (const row of rows) {
    const last = paths.at(-1);
    if (last?.[0].path === row.path) last.push(row);
    else paths.push([row]);
  }
  return paths;
}

/** One for each version of Python that the path was compiled for, all with its source. */
async function pythonFiles(
  rows: readonly [ReleaseFile, ...ReleaseFile[]],
  blobs: BlobStore,
): Promise<readonly PythonFile[]> {
  const row = rows.find(({ kind }) => kind === "source");
  const source = row === undefined ? null : await sourceBytes(row, blobs);
  const compiled = rows.filter(({ kind }) => kind === "pyc");
  return (compiled.length > 0 ? compiled : [null]).map((pyc) => ({
    path: rows[0].path,
    codeFilename: pyc?.codeFilename ?? null,
    map: pyc?.cache ? shared(pyc.cache) : null,
    source,
    key: `${pyc?.sha256 ?? ""}:${row?.sha256 ?? ""}`,
  }));
}

/** Null when the store does not hold it any more: a stack without source lines is worth more than none. */
async function sourceBytes(row: ReleaseFile, blobs: BlobStore): Promise<Uint8Array | null> {
  if (row.content !== null) return shared(row.content);
  if (row.blob === null) return null;
  const bytes = await readBlob(blobs, row.blob, MAX_PYTHON_FILE_BYTES);
  return bytes === null ? null : shared(bytes);
}
