/** Tables native_files and native_split_units: uploaded native symbol files, and which of them complete each other. */
import { transaction, type Pool, type Queryable } from "./pool.ts";

export type NativeFileKind = "object" | "debug" | "supplementary" | "dwo" | "dwp" | "breakpad";

/** What the door knows of a file. */
export interface NewNativeFile {
  /** Hex; names the blob too. */
  readonly sha256: string;
  readonly size: number;
  /** Base name, for people. */
  readonly name: string;
  readonly kind: NativeFileKind;
  readonly machine: string;
  readonly os: string | null;
  /** Lower-case hex. */
  readonly buildId: string | null;
  /** Breakpad's form. */
  readonly debugId: string | null;
  readonly hasDebugInfo: boolean;
  readonly hasSplitUnits: boolean;
  readonly symbols: "symtab" | "minidebug" | "dynsym" | null;
  readonly hasUnwind: boolean;
  /** CRC-32 of the whole file. */
  readonly crc32: number;
}

/** What a file's sections say of others. */
export interface NativeLinks {
  /** `.gnu_debuglink`: name and CRC-32 of the debug file. */
  readonly debugLink: string | null;
  readonly debugLinkCrc: number | null;
  /** `.gnu_debugaltlink`: name and build id (hex) of the supplementary file. */
  readonly altLink: string | null;
  readonly altLinkBuildId: string | null;
  /** Ids of split units, 16 hex digits each: those the file has, and those its skeletons want. */
  readonly providedUnits: readonly string[];
  readonly wantedUnits: readonly string[];
}

export type NativeFileState = "stored" | "ready" | "refused";

export type NativeFile = NewNativeFile &
  Pick<NativeLinks, "debugLink" | "debugLinkCrc" | "altLink" | "altLinkBuildId"> & {
    readonly id: number;
    readonly state: NativeFileState;
    /** Why it is refused. */
    readonly error: string | null;
    readonly createdAt: Date;
  };

const columns = `f.id, encode(f.sha256, 'hex') as sha256, f.size, f.name, f.kind, f.machine, f.os, f.build_id as "buildId",
  f.debug_id as "debugId", f.has_debug_info as "hasDebugInfo", f.has_split_units as "hasSplitUnits", f.symbols,
  f.has_unwind as "hasUnwind", f.crc32, f.debug_link as "debugLink", f.debug_link_crc as "debugLinkCrc",
  f.alt_link as "altLink", f.alt_link_build_id as "altLinkBuildId", f.state, f.error, f.created_at as "createdAt"`;

/**
 * Stores a file whose blob is stored. One that was there already and is refused, or whose module is, waits to be tried
 * again: limits and readers change. `waits`: a worker has to look at it.
 */
export async function storeNativeFile(
  db: Queryable,
  file: NewNativeFile,
): Promise<{ readonly isNew: boolean; readonly waits: boolean }> {
  const { rows } = await db.query<{ isNew: boolean; waits: boolean }>(
    `insert into native_files as f (sha256, size, name, kind, machine, os, build_id, debug_id, has_debug_info,
            has_split_units, symbols, has_unwind, crc32)
     values (decode($1, 'hex'), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     on conflict (sha256) do update set attempts = 0, state = case
       when f.state = 'refused' or exists (
         select from native_caches c where c.debug_id = f.debug_id and c.state = 'refused') then 'stored'
       else f.state end
     returning xmax = 0 as "isNew", state = 'stored' as waits`,
    [
      file.sha256,
      file.size,
      file.name,
      file.kind,
      file.machine,
      file.os,
      file.buildId,
      file.debugId,
      file.hasDebugInfo,
      file.hasSplitUnits,
      file.symbols,
      file.hasUnwind,
      file.crc32,
    ],
  );
  return rows[0] ?? { isNew: false, waits: false };
}

/** A file that waits to be looked at, `attempts` times now; null when it does not wait any more. */
export async function claimNativeFile(
  db: Queryable,
  sha256: string,
): Promise<(NativeFile & { readonly attempts: number }) | null> {
  const { rows } = await db.query<NativeFile & { attempts: number }>(
    `update native_files f set attempts = attempts + 1
      where sha256 = decode($1, 'hex') and state = 'stored' returning ${columns}, f.attempts`,
    [sha256],
  );
  return rows[0] ?? null;
}

/** Gives a claimed file up for somebody else to look at: it was no attempt. */
export async function releaseNativeFile(db: Queryable, sha256: string): Promise<void> {
  await db.query(
    "update native_files set attempts = greatest(0, attempts - 1) where sha256 = decode($1, 'hex') and state = 'stored'",
    [sha256],
  );
}

export async function refuseNativeFile(
  db: Queryable,
  sha256: string,
  error: string,
): Promise<void> {
  await db.query(
    "update native_files set state = 'refused', error = $2 where sha256 = decode($1, 'hex') and state = 'stored'",
    [sha256, error],
  );
}

/** Two files that complete each other must not both be saved without seeing the other: one at a time. */
const LOCK = 0x0fa1_7004;

/**
 * The file itself and those it completes: files that name its build id as their supplementary file's, files whose
 * skeletons want its units, and the objects that name one of all these by CRC as their debug file.
 */
const concerned = `with completed as (
    select sha256 from native_files where sha256 = decode($1, 'hex')
    union select f.sha256 from native_files s join native_files f on f.alt_link_build_id = s.build_id
           where s.sha256 = decode($1, 'hex')
    union select w.sha256 from native_split_units p join native_split_units w using (unit_id)
           where p.sha256 = decode($1, 'hex') and p.provided and not w.provided
  ), modules as (
    select f.* from completed join native_files f using (sha256)
    union select o.* from completed join native_files d using (sha256) join native_files o on o.debug_link_crc = d.crc32
           where d.kind = 'debug'
  )
  select distinct on (debug_id) debug_id, build_id, name, machine from modules
   where debug_id is not null and state = 'ready' order by debug_id, kind = 'object' desc`;

/** Debug ids of the modules that a file concerns and that wait for their build. */
export async function listWaitingModules(
  db: Queryable,
  sha256: string,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ debugId: string }>(
    `select debug_id as "debugId" from (${concerned}) as m join native_caches c using (debug_id)
      where c.wanted > c.built`,
    [sha256],
  );
  return rows.map(({ debugId }) => debugId);
}

/**
 * Keeps what was read of a file and raises `wanted` of every module it concerns, itself included. Returns their
 * debug ids. Files saved later see it, so of two that arrive at once one at least wants what needs both.
 */
export async function saveNativeLinks(
  pool: Pool,
  sha256: string,
  links: NativeLinks,
): Promise<readonly string[]> {
  return await transaction(pool, async (db) => {
    await db.query("select pg_advisory_xact_lock($1)", [LOCK]);
    await db.query(
      `update native_files set state = 'ready', error = null, attempts = 0, debug_link = $2, debug_link_crc = $3,
              alt_link = $4, alt_link_build_id = $5
        where sha256 = decode($1, 'hex')`,
      [sha256, links.debugLink, links.debugLinkCrc, links.altLink, links.altLinkBuildId],
    );
    for (const [units, provided] of [
      [links.providedUnits, true],
      [links.wantedUnits, false],
    ]) {
      await db.query(
        `insert into native_split_units (unit_id, provided, sha256)
         select ('x' || unit)::bit(64)::bigint, $2, decode($1, 'hex') from unnest($3::text[]) as unit
         on conflict do nothing`,
        [sha256, provided, units],
      );
    }
    const { rows } = await db.query<{ debugId: string }>(
      `insert into native_caches as c (debug_id, build_id, name, machine) ${concerned}
       on conflict (debug_id) do update set wanted = c.wanted + 1, attempts = 0, state = 'stored',
         build_id = coalesce(c.build_id, excluded.build_id), updated_at = now()
       returning debug_id as "debugId"`,
      [sha256],
    );
    return rows.map(({ debugId }) => debugId);
  });
}

/** Readable files that are of a module: by its debug id, or as the debug file that one of those names by CRC. */
export async function loadModuleFiles(
  db: Queryable,
  debugId: string,
): Promise<readonly NativeFile[]> {
  const { rows } = await db.query<NativeFile>(
    `select ${columns} from native_files f where f.state = 'ready' and (f.debug_id = $1 or f.kind = 'debug' and f.crc32 in (
       select o.debug_link_crc from native_files o where o.debug_id = $1 and o.state = 'ready'))
      order by f.sha256`,
    [debugId],
  );
  return rows;
}

/** Readable files with that build id that are no module's own object. */
export async function loadSupplementaryFiles(
  db: Queryable,
  buildId: string,
): Promise<readonly NativeFile[]> {
  const { rows } = await db.query<NativeFile>(
    `select ${columns} from native_files f
      where f.state = 'ready' and f.build_id = $1 and f.kind in ('supplementary', 'debug') order by f.sha256`,
    [buildId],
  );
  return rows;
}

/** A file with some of the split units that another wants. */
export interface SplitFile {
  readonly sha256: string;
  readonly size: number;
  readonly units: readonly string[];
}

/** Readable files that have split units which that file wants, and how many it wants. */
export async function loadSplitFiles(
  db: Queryable,
  sha256: string,
): Promise<{ readonly wanted: number; readonly files: readonly SplitFile[] }> {
  const { rows: wanted } = await db.query<{ count: number }>(
    "select count(*) as count from native_split_units where sha256 = decode($1, 'hex') and not provided",
    [sha256],
  );
  const { rows: files } = await db.query<SplitFile>(
    `select encode(f.sha256, 'hex') as sha256, f.size, array_agg(p.unit_id::text) as units
       from native_split_units w join native_split_units p on p.unit_id = w.unit_id and p.provided
       join native_files f on f.sha256 = p.sha256 and f.state = 'ready'
      where w.sha256 = decode($1, 'hex') and not w.provided group by f.sha256 order by f.sha256`,
    [sha256],
  );
  return { wanted: wanted[0]?.count ?? 0, files };
}

/** Hex hashes of up to `most` files that have waited to be looked at since before `before`. */
export async function listWaitingNativeFiles(
  db: Queryable,
  before: Date,
  most: number,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ sha256: string }>(
    `select encode(sha256, 'hex') as sha256 from native_files
      where state = 'stored' and created_at < $1 order by created_at limit $2`,
    [before, most],
  );
  return rows.map((row) => row.sha256);
}

export interface NativeFileFilter {
  /** Hex; null: any. */
  readonly sha256s: readonly string[] | null;
  readonly buildIds: readonly string[] | null;
  readonly debugIds: readonly string[] | null;
  readonly state: NativeFileState | null;
}

/** Newest first; `after`: the last id of the page before. */
export async function listNativeFiles(
  db: Queryable,
  { sha256s, buildIds, debugIds, state }: NativeFileFilter,
  after: number | null,
  most: number,
): Promise<readonly NativeFile[]> {
  const { rows } = await db.query<NativeFile>(
    `select ${columns} from native_files f
      where ($1::text[] is null or f.sha256 = any(select decode(h, 'hex') from unnest($1::text[]) h))
        and ($2::text[] is null or f.build_id = any($2)) and ($3::text[] is null or f.debug_id = any($3))
        and ($4::text is null or f.state = $4)
        and ($5::bigint is null or f.id < $5) order by f.id desc limit $6`,
    [sha256s, buildIds, debugIds, state, after, most],
  );
  return rows;
}
