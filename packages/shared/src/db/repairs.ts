/**
 * Tables repairs and repair_groups: crashes that are worked out again because symbols came. One process at a time runs
 * them; what a crash's turn is lies in crash_lacks. Saving what came out is in repaired-reports.ts; repairs because a
 * project's rules changed are in regroupings.ts.
 */
import type { Queryable } from "./pool.ts";

/** A repair that runs: crashes with `key` whose report was made before `version` of the symbols. */
export interface RunningRepair {
  readonly id: number;
  readonly projectId: number;
  readonly key: number;
  readonly version: number;
  readonly found: number;
  readonly done: number;
}

const anything = `
  select exists (select from releases where symbols_version > symbols_noticed)
      or exists (select from native_caches where built > noticed)
      or exists (select from repairs where state <> 'done')
      or exists (select from rule_previews where state = 'waiting') as work`;

/** Whether symbols came, a repair is open, or somebody waits for a preview of rules. */
export async function hasRepairWork(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ work: boolean }>({ name: "has-repair-work", text: anything });
  return rows[0]?.work ?? false;
}

/**
 * Opens a repair for whatever was lacked and has come since this was last called. One that waits already goes on
 * waiting for what else may come.
 */
export async function noticeSymbols(db: Queryable): Promise<void> {
  await db.query({ name: "notice-releases", text: noticeReleases });
  await db.query({ name: "notice-native-caches", text: noticeNative });
}

const open = (from: string): string => `
  insert into repairs (project_id, key, kind, name, build_id, debug_id)
  select distinct on (s.key) s.project_id, s.key, s.kind, coalesce(s.release, s.name), s.build_id, s.debug_id
    from ${from} order by s.key
  on conflict (key) where state = 'waiting' do update set changed_at = now()`;

const noticeReleases = `
  with changed as (
    update releases set symbols_noticed = symbols_version where symbols_version > symbols_noticed
    returning project_id, name
  )
  ${open("changed c join lacked_symbols s on s.kind = 'python' and s.project_id = c.project_id and s.release = c.name")}`;

const noticeNative = `
  with changed as (
    update native_caches set noticed = built where built > noticed returning debug_id, build_id
  )
  ${open("changed c join lacked_symbols s on s.kind = 'native' and (s.debug_id = c.debug_id or s.build_id = c.build_id)")}`;

/** SQL: the state of the symbols that `s`, of lacked_symbols or repairs, stands for; null while there are none. */
const versionOf = (s: string, release: string): string => `case ${s}.kind
  when 'python' then (select r.symbols_version from releases r where r.project_id = ${s}.project_id and r.name = ${release})
  else (select max(c.built) from native_caches c where c.debug_id = ${s}.debug_id or c.build_id = ${s}.build_id) end`;

/** SQL: what a repair of kind "rules" goes by; keys of what crashes lack are not negative. */
export const rulesKey = (projectId: string): string => `-(${projectId})::bigint`;

const openOutdated = `with symbols as (${open(`jsonb_to_recordset($1::jsonb) as r (key bigint, version bigint)
    join lacked_symbols s using (key) where ${versionOf("s", "s.release")} > r.version`)})
  insert into repairs (project_id, key, kind, name, since)
  select p.id, ${rulesKey("p.id")}, 'rules', 'revision ' || p.rules_revision, min(r.crash_id::text)::uuid
    from jsonb_to_recordset($2::jsonb) as r (project_id integer, revision integer, crash_id uuid)
    join projects p on p.id = r.project_id where p.rules_revision > r.revision group by p.id
  on conflict (key) where state = 'waiting' do update
     set since = case when repairs.since is not null then least(repairs.since, excluded.since) end`;

/** What a crash was worked out with. */
export interface WorkedWith {
  readonly crashId: string;
  readonly projectId: number;
  readonly lacks: readonly { readonly key: number; readonly version: number }[];
  readonly rulesRevision: number;
}

/**
 * Opens repairs for those of these crashes whose symbols have come, or whose project's rules were changed, while they
 * were worked on. In the transaction that saves them, and last: what arrives later finds them.
 */
export async function openOutdatedRepairs(
  db: Queryable,
  crashes: readonly WorkedWith[],
): Promise<void> {
  if (crashes.length === 0) return;
  const oldest = new Map<number, number>();
  for (const { key, version } of crashes.flatMap(({ lacks }) => lacks))
    oldest.set(key, Math.min(version, oldest.get(key) ?? version));
  const lacks = [...oldest].map(([key, version]) => ({ key, version }));
  const rules = new Map<string, object>();
  const newestFirst = crashes.toSorted((one, other) => (one.crashId < other.crashId ? 1 : -1));
  for (const { crashId, projectId, rulesRevision: revision } of newestFirst)
    rules.set(`${projectId}/${revision}`, { project_id: projectId, revision, crash_id: crashId });
  await db.query({
    name: "open-outdated-repairs",
    text: openOutdated,
    values: [JSON.stringify(lacks), JSON.stringify([...rules.values()])],
  });
}

/** When repairs may begin. */
export interface Patience {
  /** Nothing arrived for so long. */
  readonly quietMs: number;
  /** Or one has waited for so long. */
  readonly mostMs: number;
}

/** Symbols that were uploaded and are not ready to be used yet. */
const underWay = `exists (select from symbol_files where state = 'stored')
  or exists (select from native_caches where wanted > built)
  or exists (select from native_files where state = 'stored')`;

const start = `
  update repairs p
     set state = 'running', started_at = now(), version = coalesce(${versionOf("p", "p.name")}, -1)
   where p.state = 'waiting' and p.kind <> 'rules' and not exists (select from repairs o where o.key = p.key and o.state = 'running')
     and (p.created_at < now() - $2 * interval '1 millisecond'
       or not (${underWay})
          and (select max(changed_at) from repairs where state = 'waiting' and kind <> 'rules') < now() - $1 * interval '1 millisecond')
  returning id`;

const countFound = `
  update repairs p set found = (select count(*) from crash_lacks l where l.key = p.key and l.version < p.version)
   where p.state = 'running' and p.kind <> 'rules' and p.found is null`;

/**
 * Starts the repairs that wait, all together once nothing more arrives: a crash that lacked several things that come one
 * after the other is worked out once. Answers with all that run; those that found no crash are gone.
 */
export async function startRepairs(
  db: Queryable,
  { quietMs, mostMs }: Patience,
): Promise<readonly RunningRepair[]> {
  await db.query({ name: "start-repairs", text: start, values: [quietMs, mostMs] });
  await db.query({ name: "count-repairs", text: countFound });
  await db.query(
    "delete from repairs where state = 'running' and kind <> 'rules' and found = 0 and done = 0",
  );
  const { rows } = await db.query<RunningRepair>({
    name: "running-repairs",
    text: `select id, project_id as "projectId", key, version, found, done from repairs
            where state = 'running' and kind <> 'rules' order by id`,
  });
  return rows;
}

/** A crash that waits to be worked out again, and which of its lacks say so. */
export interface DueCrash {
  readonly id: string;
  readonly keys: readonly number[];
}

const keysAndVersions = (repairs: readonly RunningRepair[]): readonly unknown[] => [
  repairs.map(({ key }) => key),
  repairs.map(({ version }) => version),
];

const findDue = `
  select crash_id as id, array_agg(key::float8) as keys
    from unnest($1::bigint[], $2::bigint[]) as k (key, version)
   cross join lateral (
     select l.crash_id from crash_lacks l
      where l.key = k.key and l.version < k.version and ($3::uuid is null or l.crash_id < $3)
      order by l.crash_id desc limit $4) as l
   group by crash_id order by crash_id desc limit $4`;

/** Up to `most` crashes of these repairs, newest first, those older than `before` when given. */
export async function findDueCrashes(
  db: Queryable,
  repairs: readonly RunningRepair[],
  before: string | null,
  most: number,
): Promise<readonly DueCrash[]> {
  const values = [...keysAndVersions(repairs), before, most];
  const { rows } = await db.query<DueCrash>({ name: "find-due-crashes", text: findDue, values });
  return rows;
}

const findFirst = `
  select distinct on (root) id, keys
    from (select due.id, due.keys, (select coalesce(g.parent_id, g.id) from groups g where g.id = r.group_id) as root
            from (${findDue}) as due join reports r on r.crash_id = due.id) as grouped
   order by root, id desc`;

/** Of the newest `look` crashes of these repairs, the newest of each group. */
export async function findFirstOfGroups(
  db: Queryable,
  repairs: readonly RunningRepair[],
  look: number,
): Promise<readonly DueCrash[]> {
  const values = [...keysAndVersions(repairs), null, look];
  const { rows } = await db.query<DueCrash>({ name: "find-first-due", text: findFirst, values });
  return rows.toSorted((one, other) => (one.id < other.id ? 1 : -1));
}

/** What came of a repair. */
export interface EndedRepair {
  readonly id: number;
  readonly name: string;
  readonly found: number;
  readonly done: number;
  readonly improved: number;
  readonly moved: number;
}

/** Ends those repairs, of these, that have no crash left. */
export async function finishRepairs(
  db: Queryable,
  repairs: readonly RunningRepair[],
): Promise<readonly EndedRepair[]> {
  const { rows } = await db.query<EndedRepair>({
    name: "finish-repairs",
    text: `update repairs p set state = 'done', finished_at = now()
            where p.id = any($1::bigint[]) and p.state = 'running'
              and not exists (select from crash_lacks l where l.key = p.key and l.version < p.version)
           returning id, name, found, done, improved, moved`,
    values: [repairs.map(({ id }) => id)],
  });
  return rows;
}

/** Forgets repairs that ended before `before`. */
export async function dropOldRepairs(db: Queryable, before: Date): Promise<number> {
  const { rowCount } = await db.query(
    "delete from repairs where state = 'done' and finished_at < $1",
    [before],
  );
  return rowCount ?? 0;
}

export const repairStates = ["waiting", "running", "done"] as const;
export type RepairState = (typeof repairStates)[number];

export const repairKinds = ["python", "native", "rules"] as const;
export type RepairKind = (typeof repairKinds)[number];

export interface RepairRow {
  readonly id: number;
  readonly projectId: number;
  readonly kind: RepairKind;
  /** The release, the module, or the revision of a project's rules. */
  readonly name: string;
  readonly buildId: string | null;
  readonly debugId: string | null;
  readonly state: RepairState;
  /** Null while it waits. */
  readonly found: number | null;
  readonly done: number;
  readonly improved: number;
  readonly moved: number;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

const columns = `p.id, p.project_id as "projectId", p.kind, p.name, p.build_id as "buildId", p.debug_id as "debugId", p.state,
  p.found, p.done, p.improved, p.moved, p.created_at as "createdAt", p.started_at as "startedAt", p.finished_at as "finishedAt"`;

/** Newest first; `after`: the last id of the page before. */
export async function listRepairs(
  db: Queryable,
  projectIds: readonly number[] | null,
  state: RepairState | null,
  after: number | null,
  limit: number,
): Promise<readonly RepairRow[]> {
  const { rows } = await db.query<RepairRow>(
    `select ${columns} from repairs p
      where ($1::integer[] is null or p.project_id = any($1)) and ($2::text is null or p.state = $2)
        and ($3::bigint is null or p.id < $3) order by p.id desc limit $4`,
    [projectIds, state, after, limit],
  );
  return rows;
}

/** Crashes of a repair that went from one group to another. */
export interface RepairMove {
  /** Null: they had none, since they could not be processed. */
  readonly from: number | null;
  readonly to: number;
  readonly crashes: number;
}

/** With the moves of most crashes, at most `moves` of them. */
export async function findRepair(
  db: Queryable,
  projectIds: readonly number[] | null,
  id: number,
  moves: number,
): Promise<(RepairRow & { readonly groups: readonly RepairMove[] }) | null> {
  const { rows } = await db.query<RepairRow>(
    `select ${columns} from repairs p where p.id = $1 and ($2::integer[] is null or p.project_id = any($2))`,
    [id, projectIds],
  );
  const row = rows[0];
  if (row === undefined) return null;
  const { rows: groups } = await db.query<RepairMove>(
    `select nullif(from_group, 0) as "from", to_group as "to", crashes from repair_groups
      where repair_id = $1 order by crashes desc, from_group, to_group limit $2`,
    [id, moves],
  );
  return { ...row, groups };
}
