/** What crashes lack, ranked by the crashes that it blocks. Read from crash_lacks and what its keys stand for. */
import { crashIdBound } from "../ids.ts";
import type { MissingFile, NativeCacheState } from "./native-caches.ts";
import { transaction, type Pool } from "./pool.ts";

/** A native module that has frames and is without (all of) its symbols. */
export interface MissingModule {
  readonly projectId: number;
  readonly name: string;
  readonly buildId: string | null;
  readonly debugId: string | null;
  readonly crashes: number;
  /** Id of the newest of them. */
  readonly newest: string;
  /** Of what was uploaded for it; null: nothing was. */
  readonly state: NativeCacheState | null;
  readonly error: string | null;
  /** Whether a cache answers for it. */
  readonly answers: boolean;
  /** Companions that its files ask for. */
  readonly missing: readonly MissingFile[];
}

/** A Python file that has frames in blamed stacks whose functions are not known. */
export interface MissingPythonFile {
  readonly projectId: number;
  readonly release: string;
  /** As the frames name it. */
  readonly path: string;
  /** Of an installed package. */
  readonly installed: boolean;
  readonly crashes: number;
  readonly newest: string;
  /** The release has a compiled file of that name, which is not the one that ran. */
  readonly uploaded: boolean;
}

export interface MissingSymbols {
  readonly modules: readonly MissingModule[];
  readonly files: readonly MissingPythonFile[];
}

export interface MissingFilter {
  /** Null: every project. */
  readonly projectIds: readonly number[] | null;
  /** Crashes received since then are looked at. */
  readonly since: Date;
  readonly limit: number;
}

/** A day's rows lie in one partition, so what is looked at is what was received since. */
const rank = `
  with counted as materialized (
    select l.key, l.files, count(*) as crashes, max(l.crash_id::text) as newest
      from crash_lacks l
     where l.crash_id >= $1
       and l.key in (select s.key from lacked_symbols s where $2::integer[] is null or s.project_id = any($2))
     group by l.key, l.files
  ), modules as (
    select s.project_id as "projectId", s.name, s.build_id as "buildId", s.debug_id as "debugId",
           c.crashes, c.newest, n.state, n.error, n.blob is not null as answers, coalesce(n.missing, '[]') as missing
      from counted c join lacked_symbols s using (key)
      left join lateral (
        select * from native_caches o where o.debug_id = s.debug_id or o.build_id = s.build_id
         order by o.built desc limit 1) as n on true
     where s.kind = 'native' order by c.crashes desc, s.name, s.key limit $3
  ), paths as (
    select s.project_id as "projectId", s.release, p.path, p.installed, sum(c.crashes)::bigint as crashes,
           max(c.newest) as newest
      from counted c join lacked_symbols s using (key) join lacked_files f on f.key = c.files
     cross join lateral (
       select unnest(f.own) as path, false as installed union all select unnest(f.installed), true) as p
     group by 1, 2, 3, 4 order by crashes desc, installed, path limit $3
  ), files as (
    select p.*, exists (
             select from releases r join release_files x on x.release_id = r.id
              where r.project_id = p."projectId" and r.name = p.release and x.kind = 'pyc'
                and x.basename = substring(p.path from '[^/\\\\]+$')) as uploaded
      from paths p
  )
  select (select coalesce(json_agg(modules), '[]') from modules) as modules,
         (select coalesce(json_agg(files), '[]') from files) as files`;

/** SQLSTATE query_canceled: the statement took its time. */
const CANCELED = "57014";

/** Most crashes first; null when it took longer than `withinMs` to count them. */
export async function rankMissingSymbols(
  pool: Pool,
  { projectIds, since, limit }: MissingFilter,
  withinMs: number,
): Promise<MissingSymbols | null> {
  try {
    return await transaction(
      pool,
      async (db) => {
        const values = [crashIdBound(since.getTime()), projectIds, limit];
        const { rows } = await db.query<MissingSymbols>(rank, values);
        return rows[0] ?? { modules: [], files: [] };
      },
      `begin read only; set local statement_timeout = ${withinMs}`,
    );
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === CANCELED) return null;
    throw error;
  }
}
