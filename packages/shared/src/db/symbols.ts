/** Tables releases, symbol_files and release_files. */
import { transaction, type Pool, type Queryable } from "./pool.ts";
import { packRows, unpacked } from "./packed.ts";

export type SymbolKind = "pyc" | "source";

/** A file of an upload, after archives were opened. */
export interface NewSymbolFile {
  /** Hex. */
  readonly sha256: string;
  readonly kind: SymbolKind;
  readonly size: number;
  /** The bytes when they go into the row, else null and `blob` says where they are. */
  readonly content: Uint8Array | null;
  readonly blob: string | null;
  /** As a source path inside the upload: "app/jobs.py". */
  readonly path: string;
  readonly basename: string;
  /** Version of Python that a compiled file is for ("3.12"): a release holds one a version. Null for sources. */
  readonly python: string | null;
}

const insertFiles = `
  insert into symbol_files (sha256, kind, size, content, blob, state)
  select distinct on (sha256) decode(sha256, 'hex'), kind, size, ${unpacked}, blob,
         case kind when 'pyc' then 'stored' else 'ready' end
    from jsonb_to_recordset($1::jsonb) as r (sha256 text, kind text, size bigint, blob text, at integer, length integer)
   order by sha256
  on conflict (sha256) do nothing`;

const insertPaths = `
  insert into release_files (release_id, kind, path, python, basename, sha256)
  select distinct on (kind, path, python) $2::integer, kind, path, coalesce(python, ''), basename, decode(sha256, 'hex')
    from jsonb_to_recordset($1::jsonb) as r (sha256 text, kind text, path text, python text, basename text)
   order by kind, path, python
  on conflict (release_id, kind, path, python) do update set sha256 = excluded.sha256
   where release_files.sha256 <> excluded.sha256
  returning kind, path, nullif(python, '') as python`;

/** What a release holds one content under. */
export const releaseFileKey = ({
  kind,
  path,
  python,
}: Pick<NewSymbolFile, "kind" | "path" | "python">): string => `${kind}:${python ?? ""}:${path}`;

/**
 * Stores a batch of files under a release and raises its symbols version if they change it. Returns the files that were
 * new to the release, by `releaseFileKey`; the others were there with the same content.
 */
export async function storeSymbolFiles(
  pool: Pool,
  projectId: number,
  release: string,
  files: readonly NewSymbolFile[],
): Promise<ReadonlySet<string>> {
  return await transaction(pool, async (db) => {
    const { json, bytes } = packRows(
      files,
      ({ sha256, kind, size, blob }) => ({ sha256, kind, size, blob }),
      (file) => file.content,
    );
    await db.query({ name: "insert-symbol-files", text: insertFiles, values: [json, bytes] });
    // the update that changes nothing locks the release: one upload at a time
    const { rows } = await db.query<{ id: number }>(
      `insert into releases (project_id, name) values ($1, $2)
       on conflict (project_id, name) do update set name = excluded.name returning id`,
      [projectId, release],
    );
    const paths = JSON.stringify(
      files.map(({ sha256, kind, path, python, basename }) => ({
        sha256,
        kind,
        path,
        python,
        basename,
      })),
    );
    const added = await db.query<Pick<NewSymbolFile, "kind" | "path" | "python">>({
      name: "insert-release-files",
      text: insertPaths,
      values: [paths, rows[0]?.id],
    });
    if (added.rows.length > 0)
      await db.query("update releases set symbols_version = symbols_version + 1 where id = $1", [
        rows[0]?.id,
      ]);
    return new Set(added.rows.map(releaseFileKey));
  });
}

export interface StoredSymbolFile {
  readonly sha256: string;
  readonly size: number;
  readonly content: Buffer | null;
  readonly blob: string | null;
}

/** Files among `sha256s` (hex) that wait for their cache. */
export async function loadStoredSymbolFiles(
  db: Queryable,
  sha256s: readonly string[],
): Promise<readonly StoredSymbolFile[]> {
  const { rows } = await db.query<StoredSymbolFile>(
    `select encode(sha256, 'hex') as sha256, size, content, blob from symbol_files
      where state = 'stored' and sha256 = any(select decode(h, 'hex') from unnest($1::text[]) h)`,
    [sha256s],
  );
  return rows;
}

/** Hex hashes of up to `most` files that have waited for their cache since before `before`, or whose cache is of an older version. */
export async function listUncachedSymbolFiles(
  db: Queryable,
  before: Date,
  cacheVersion: number,
  most: number,
): Promise<readonly string[]> {
  await db.query(
    "update symbol_files set state = 'stored' where kind = 'pyc' and state = 'ready' and cache_version < $1",
    [cacheVersion],
  );
  const { rows } = await db.query<{ sha256: string }>(
    `select encode(sha256, 'hex') as sha256 from symbol_files
      where state = 'stored' and created_at < $1 order by created_at limit $2`,
    [before, most],
  );
  return rows.map((row) => row.sha256);
}

export interface SymbolCache {
  /** Hex. */
  readonly sha256: string;
  /** Why no cache can be made; null when `cache` is set. */
  readonly error: string | null;
  readonly cache: Uint8Array | null;
  readonly cacheVersion: number;
  readonly pythonVersion: string | null;
  readonly codeFilename: string | null;
}

/** Stores caches (or refusals) and raises the symbols version of every release that holds the files. */
export async function saveSymbolCaches(pool: Pool, caches: readonly SymbolCache[]): Promise<void> {
  const { json, bytes } = packRows(
    caches,
    ({ sha256, error, cacheVersion, pythonVersion, codeFilename }) => ({
      sha256,
      error,
      version: cacheVersion,
      python: pythonVersion,
      filename: codeFilename,
    }),
    (cache) => cache.cache,
  );
  await transaction(pool, async (db) => {
    await db.query(
      `update symbol_files f
          set state = case when r.error is null then 'ready' else 'refused' end, error = r.error, cache = ${unpacked},
              cache_version = r.version, python_version = r.python, code_filename = r.filename
         from jsonb_to_recordset($1::jsonb) as r (
           sha256 text, error text, version integer, python text, filename text, at integer, length integer)
        where f.sha256 = decode(r.sha256, 'hex')`,
      [json, bytes],
    );
    await db.query(
      `update releases set symbols_version = symbols_version + 1 where id in (
         select id from releases where id in (
           select release_id from release_files where sha256 = any(select decode(h, 'hex') from unnest($1::text[]) h))
         order by id for update)`,
      [caches.map((cache) => cache.sha256)],
    );
  });
}

export interface ReleaseFile {
  readonly kind: SymbolKind;
  readonly path: string;
  readonly basename: string;
  readonly sha256: string;
  readonly codeFilename: string | null;
  /** The pyc map; null for sources, and for pycs whose cache is not made or was refused. */
  readonly cache: Buffer | null;
  /** The source's bytes when small; else `blob`. */
  readonly content: Buffer | null;
  readonly blob: string | null;
}

/** A release's files of the given base names, with their caches and sources; at most `most`. */
export async function loadReleaseFiles(
  db: Queryable,
  releaseId: number,
  basenames: readonly string[],
  most: number,
): Promise<readonly ReleaseFile[]> {
  const { rows } = await db.query<ReleaseFile>({
    name: "load-release-files",
    text: `select p.kind, p.path, p.basename, encode(p.sha256, 'hex') as sha256, f.code_filename as "codeFilename", f.cache,
                  case when p.kind = 'source' then f.content end as content,
                  case when p.kind = 'source' then f.blob end as blob
             from release_files p join symbol_files f using (sha256)
            where p.release_id = $1 and p.basename = any($2::text[]) order by p.path, p.kind, p.python limit $3`,
    values: [releaseId, basenames, most],
  });
  return rows;
}

export interface SymbolStatus {
  readonly sha256: string;
  readonly state: "stored" | "ready" | "refused";
  readonly error: string | null;
}

/** Which contents (hex) a release holds, by hash. */
export async function findSymbolFiles(
  db: Queryable,
  projectId: number,
  release: string,
  sha256s: readonly string[],
): Promise<ReadonlyMap<string, SymbolStatus>> {
  const { rows } = await db.query<SymbolStatus>(
    `select distinct encode(f.sha256, 'hex') as sha256, f.state, f.error
       from releases r join release_files p on p.release_id = r.id join symbol_files f using (sha256)
      where r.project_id = $1 and r.name = $2 and p.sha256 = any(select decode(h, 'hex') from unnest($3::text[]) h)`,
    [projectId, release, sha256s],
  );
  return new Map(rows.map((row) => [row.sha256, row]));
}

/** What a release holds under each of these source paths: "kind:path" to the state of each content, one a version of Python. */
export async function findReleaseFiles(
  db: Queryable,
  projectId: number,
  release: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, readonly SymbolStatus[]>> {
  const { rows } = await db.query<SymbolStatus & { name: string }>(
    `select p.kind || ':' || p.path as name, encode(p.sha256, 'hex') as sha256, f.state, f.error
       from releases r join release_files p on p.release_id = r.id join symbol_files f using (sha256)
      where r.project_id = $1 and r.name = $2 and p.path = any($3::text[]) order by p.python`,
    [projectId, release, paths],
  );
  const found = new Map<string, SymbolStatus[]>();
  for (const { name, ...status } of rows) found.set(name, [...(found.get(name) ?? []), status]);
  return found;
}
