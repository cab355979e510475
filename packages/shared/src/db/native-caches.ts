/** Table native_caches: one symbol cache a module, and how far it is. */
import type { Queryable } from "./pool.ts";

export type NativeCacheState = "stored" | "building" | "ready" | "refused";

export type NativeFileRole = "object" | "debug" | "supplementary" | "split" | "breakpad";

export interface UsedFile {
  /** Hex. */
  readonly sha256: string;
  readonly role: NativeFileRole;
}

/** A companion that a module's files ask for and that is not there. */
export interface MissingFile {
  readonly role: Exclude<NativeFileRole, "breakpad">;
  /** Hex; null where it is known by another id (split units, a debug file by its CRC). */
  readonly buildId: string | null;
  /** What it is called, if that is known. */
  readonly file: string | null;
}

export interface NativeCache {
  readonly id: number;
  readonly debugId: string;
  readonly buildId: string | null;
  /** Of the object: "libc.so.6". */
  readonly name: string;
  readonly machine: string;
  /** Grows with everything that was built into it; 0: nothing yet. */
  readonly built: number;
  /** Of the newest work on it; `blob` tells whether there is a cache that answers meanwhile. */
  readonly state: NativeCacheState;
  readonly error: string | null;
  /** Units of debug information that a build has read, and all; null until it has counted them. */
  readonly unitsDone: number | null;
  readonly unitsTotal: number | null;
  readonly blob: string | null;
  readonly size: number | null;
  readonly cacheVersion: number | null;
  readonly files: readonly UsedFile[];
  readonly missing: readonly MissingFile[];
  /** What could not be read, in words. */
  readonly gaps: readonly string[];
  readonly updatedAt: Date;
}

const columns = `c.id, c.debug_id as "debugId", c.build_id as "buildId", c.name, c.machine, c.built, c.state, c.error,
  c.units_done as "unitsDone", c.units_total as "unitsTotal", c.blob, c.size, c.cache_version as "cacheVersion",
  c.files, c.missing, c.gaps, c.updated_at as "updatedAt"`;

/** A build that is to be made now: for everything that arrived up to `wanted`, tried `attempts` times with this one. */
export interface ClaimedBuild {
  readonly wanted: number;
  readonly attempts: number;
}

/** Null when the module's cache is up to date. The caller holds the module's lock. */
export async function claimNativeBuild(
  db: Queryable,
  debugId: string,
): Promise<ClaimedBuild | null> {
  const { rows } = await db.query<ClaimedBuild>(
    `update native_caches set state = 'building', attempts = attempts + 1, units_done = null, units_total = null,
            updated_at = now()
      where debug_id = $1 and wanted > built returning wanted, attempts`,
    [debugId],
  );
  return rows[0] ?? null;
}

/** Whether more arrived than the module's cache was built for. */
export async function isNativeBuildWanted(db: Queryable, debugId: string): Promise<boolean> {
  const { rows } = await db.query(
    "select from native_caches where debug_id = $1 and wanted > built",
    [debugId],
  );
  return rows.length > 0;
}

/** Gives a claimed build up for somebody else to make: it was no attempt. */
export async function releaseNativeBuild(db: Queryable, debugId: string): Promise<void> {
  await db.query(
    `update native_caches set state = 'stored', attempts = greatest(0, attempts - 1), updated_at = now()
      where debug_id = $1 and wanted > built`,
    [debugId],
  );
}

export async function saveBuildProgress(
  db: Queryable,
  debugId: string,
  unitsDone: number,
  unitsTotal: number,
): Promise<void> {
  await db.query(
    `update native_caches set units_done = $2, units_total = $3, updated_at = now()
      where debug_id = $1 and wanted > built`,
    [debugId, unitsDone, unitsTotal],
  );
}

export interface BuiltCache {
  readonly buildId: string | null;
  readonly name: string;
  readonly machine: string;
  readonly blob: string;
  readonly size: number;
  readonly cacheVersion: number;
  readonly files: readonly UsedFile[];
  readonly missing: readonly MissingFile[];
  readonly gaps: readonly string[];
}

/** Does nothing when a build for more was saved before. A module that is wanted again meanwhile waits again. */
export async function saveNativeCache(
  db: Queryable,
  debugId: string,
  wanted: number,
  built: BuiltCache,
): Promise<void> {
  await db.query(
    `update native_caches
        set built = $2, state = case when wanted = $2 then 'ready' else 'stored' end, error = null, attempts = 0,
            units_done = units_total, build_id = coalesce($3, build_id), name = $4, machine = $5, blob = $6, size = $7,
            cache_version = $8, files = $9, missing = $10, gaps = $11, updated_at = now()
      where debug_id = $1 and built < $2`,
    [
      debugId,
      wanted,
      built.buildId,
      built.name,
      built.machine,
      built.blob,
      built.size,
      built.cacheVersion,
      JSON.stringify(built.files),
      JSON.stringify(built.missing),
      JSON.stringify(built.gaps),
    ],
  );
}

/** A cache that was built before stays and answers. `cacheVersion`: of the format that could not be built. */
export async function refuseNativeCache(
  db: Queryable,
  debugId: string,
  wanted: number,
  error: string,
  cacheVersion: number,
): Promise<void> {
  await db.query(
    `update native_caches
        set built = $2, state = case when wanted = $2 then 'refused' else 'stored' end, error = $3, attempts = 0,
            cache_version = case when blob is null then $4 else cache_version end, updated_at = now()
      where debug_id = $1 and built < $2`,
    [debugId, wanted, error, cacheVersion],
  );
}

/** Wants the cache anew: its blob cannot be read. */
export async function wantNativeCache(db: Queryable, debugId: string): Promise<void> {
  await db.query(
    `update native_caches set wanted = wanted + 1, state = 'stored', attempts = 0, updated_at = now()
      where debug_id = $1 and wanted = built`,
    [debugId],
  );
}

/**
 * Debug ids of up to `most` modules that have waited for their build since before `before`. Those whose cache is of an
 * older version are wanted again first, those that were refused under it too.
 */
export async function listWaitingNativeCaches(
  db: Queryable,
  before: Date,
  cacheVersion: number,
  most: number,
): Promise<readonly string[]> {
  await db.query(
    `update native_caches set wanted = wanted + 1, state = 'stored', attempts = 0
      where cache_version < $1 and wanted = built`,
    [cacheVersion],
  );
  const { rows } = await db.query<{ debugId: string }>(
    `select debug_id as "debugId" from native_caches
      where wanted > built and updated_at < $1 order by updated_at limit $2`,
    [before, most],
  );
  return rows.map(({ debugId }) => debugId);
}

/** Caches with one of these debug ids or build ids. */
export async function findNativeCaches(
  db: Queryable,
  debugIds: readonly string[],
  buildIds: readonly string[],
): Promise<readonly NativeCache[]> {
  const { rows } = await db.query<NativeCache>({
    name: "find-native-caches",
    text: `select ${columns} from native_caches c
            where c.debug_id = any($1::text[]) or c.build_id = any($2::text[])`,
    values: [debugIds, buildIds],
  });
  return rows;
}

/** Up to `most` modules of one of these names, newest first: for saying what is there instead of what was asked for. */
export async function findNativeNamesakes(
  db: Queryable,
  names: readonly string[],
  most: number,
): Promise<readonly Pick<NativeCache, "name" | "debugId" | "buildId">[]> {
  const { rows } = await db.query<Pick<NativeCache, "name" | "debugId" | "buildId">>(
    `select name, debug_id as "debugId", build_id as "buildId" from native_caches
      where name = any($1::text[]) order by id desc limit $2`,
    [names, most],
  );
  return rows;
}

export interface NativeCacheFilter {
  readonly debugId: string | null;
  readonly buildId: string | null;
  readonly state: NativeCacheState | null;
}

/** Newest module first; `after`: the last id of the page before. */
export async function listNativeCaches(
  db: Queryable,
  { debugId, buildId, state }: NativeCacheFilter,
  after: number | null,
  most: number,
): Promise<readonly NativeCache[]> {
  const { rows } = await db.query<NativeCache>(
    `select ${columns} from native_caches c
      where ($1::text is null or c.debug_id = $1) and ($2::text is null or c.build_id = $2)
        and ($3::text is null or c.state = $3) and ($4::bigint is null or c.id < $4)
      order by c.id desc limit $5`,
    [debugId, buildId, state, after, most],
  );
  return rows;
}
