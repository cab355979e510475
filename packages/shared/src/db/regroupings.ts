/** Repairs of kind "rules": a project's crashes grouped anew after its rules changed, from the reports that they have. */
import { crashIdBound } from "../ids.ts";
import { joinSeekers } from "./group-joins.ts";
import { transaction, type Pool, type Queryable } from "./pool.ts";
import { beginReplacing, countRepairs } from "./repaired-reports.ts";
import { replaceReports, type NewReport } from "./replaced-reports.ts";

/** Keys of what crashes lack are not negative. */
const keyOf = (projectId: number): number => -projectId;

/** Opens one, or has the one that waits take this change along. */
export async function openRegrouping(
  db: Queryable,
  projectId: number,
  revision: number,
  freeGroup: number | null,
): Promise<void> {
  await db.query(
    `insert into repairs (project_id, key, kind, name, free_groups) values ($1, $2, 'rules', $3, $4)
     on conflict (key) where state = 'waiting' do update
        set name = excluded.name, changed_at = now(), free_groups = repairs.free_groups || excluded.free_groups`,
    [projectId, keyOf(projectId), `revision ${revision}`, freeGroup === null ? [] : [freeGroup]],
  );
}

/** One that runs. Every crash is looked at once, newest first; those that were on their way meanwhile once more. */
export interface RunningRegrouping {
  readonly id: number;
  readonly projectId: number;
  /** The last crash that was looked at; null: none yet. */
  readonly reached: string | null;
  /** Crashes before it are not looked at any more; null in the first round. */
  readonly since: string | null;
  readonly createdAt: Date;
  /** Groups that crashes may leave though a user put them together. */
  readonly freeGroups: readonly number[];
}

/** Starts those that wait, and answers with the oldest that runs; null for none. */
export async function startRegrouping(db: Queryable): Promise<RunningRegrouping | null> {
  await db.query({
    name: "start-regroupings",
    text: `update repairs p
              set state = 'running', started_at = now(),
                  found = (select coalesce(sum(g.count), 0) from groups g where g.project_id = p.project_id)
            where p.kind = 'rules' and p.state = 'waiting'
              and not exists (select from repairs o where o.key = p.key and o.state = 'running')`,
  });
  const { rows } = await db.query<RunningRegrouping>({
    name: "running-regrouping",
    text: `select id, project_id as "projectId", reached, since, created_at as "createdAt", free_groups::float8[] as "freeGroups"
             from repairs where kind = 'rules' and state = 'running' order by id limit 1`,
  });
  return rows[0] ?? null;
}

/** A crash to be grouped anew. */
export interface GroupedReport {
  readonly crashId: string;
  readonly projectId: number;
  readonly receivedAt: Date;
  readonly occurredAt: Date;
  readonly release: string | null;
  readonly environment: string | null;
  readonly host: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly revision: number;
  /** zstd of its JSON. */
  readonly report: Buffer;
}

/** The next crashes of a regrouping. */
export async function loadToRegroup(
  db: Queryable,
  { projectId, reached, since }: RunningRegrouping,
  most: number,
): Promise<readonly GroupedReport[]> {
  const { rows } = await db.query<GroupedReport>({
    name: "load-to-regroup",
    text: `select r.crash_id as "crashId", r.project_id as "projectId", r.received_at as "receivedAt",
                  r.occurred_at as "occurredAt", r.release, r.environment, r.host, c.metadata->'tags' as tags, r.revision,
                  r.report
             from reports r join crashes c on c.id = r.crash_id
            where r.project_id = $1 and r.report is not null and ($2::uuid is null or r.crash_id < $2)
              and ($3::uuid is null or r.crash_id >= $3)
            order by r.crash_id desc limit $4`,
    values: [projectId, reached, since, most],
  });
  return rows;
}

/** A crash that was loaded by then is saved by now, or has been given up. */
const ON_THE_WAY_MS = 60_000;

/**
 * Saves a batch of those, all of which were looked at: `reports` are the ones that changed. Does nothing when
 * somebody else has gone on from there. An empty batch ends the round.
 */
export async function saveRegrouped(
  pool: Pool,
  run: RunningRegrouping,
  looked: readonly GroupedReport[],
  reports: readonly NewReport[],
): Promise<void> {
  const links = await transaction(
    pool,
    async (db) => {
      if (!(await goOn(db, run, looked.at(-1)?.crashId ?? null))) return [];
      const replaced = await replaceReports(db, reports, {
        free: run.freeGroups,
        follow: false,
      });
      const moved = [...replaced.moved.values()];
      const done = run.since === null ? looked.length : 0;
      await countRepairs(db, [{ id: run.id, done, improved: 0, moved }]);
      return replaced.links;
    },
    beginReplacing,
  );
  await joinSeekers(pool, links);
}

/** False when it is no longer where `run` says. */
async function goOn(db: Queryable, run: RunningRegrouping, to: string | null): Promise<boolean> {
  const since =
    run.since ?? (to === null ? crashIdBound(run.createdAt.getTime() - ON_THE_WAY_MS) : null);
  const { rowCount } = await db.query({
    name: "go-on-regrouping",
    text: `update repairs set reached = $2, since = $3,
                  state = case when $4 then 'done' else state end, finished_at = case when $4 then now() end
            where id = $1 and state = 'running' and reached is not distinct from $5 and since is not distinct from $6`,
    values: [run.id, to, since, to === null && run.since !== null, run.reached, run.since],
  });
  return rowCount === 1;
}
