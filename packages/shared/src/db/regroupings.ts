/** Repairs of kind "rules": a project's crashes grouped anew after its rules changed, from the reports that they have. */
import { transaction, type Pool, type Queryable } from "./pool.ts";
import { beginReplacing, countRepairs } from "./repaired-reports.ts";
import { rulesKey } from "./repairs.ts";
import { replaceReports, type NewReport } from "./replaced-reports.ts";

/** Opens one of all crashes, or has the one that waits be that. */
export async function openRegrouping(
  db: Queryable,
  projectId: number,
  revision: number,
  freeGroup: number | null,
): Promise<void> {
  await db.query(
    `insert into repairs (project_id, key, kind, name, free_groups) values ($1, ${rulesKey("$1::integer")}, 'rules', $2, $3)
     on conflict (key) where state = 'waiting' do update
        set name = excluded.name, changed_at = now(), since = null, free_groups = repairs.free_groups || excluded.free_groups`,
    [projectId, `revision ${revision}`, freeGroup === null ? [] : [freeGroup]],
  );
}

/** One that runs. Every crash is looked at once, newest first. */
export interface RunningRegrouping {
  readonly id: number;
  readonly projectId: number;
  /** The last crash that was looked at; null: none yet. */
  readonly reached: string | null;
  /** The oldest that was on its way while the rules changed: what is older was grouped by them. Null: all are looked at. */
  readonly since: string | null;
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
    text: `select id, project_id as "projectId", reached, since, free_groups::float8[] as "freeGroups"
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

/**
 * Saves a batch of those, all of which were looked at: `reports` are the ones that changed. Does nothing when
 * somebody else has gone on from there. An empty batch is the end.
 */
export async function saveRegrouped(
  pool: Pool,
  run: RunningRegrouping,
  looked: readonly GroupedReport[],
  reports: readonly NewReport[],
): Promise<void> {
  await transaction(
    pool,
    async (db) => {
      if (!(await goOn(db, run, looked.at(-1)?.crashId ?? null))) return;
      const cause = { free: run.freeGroups, follow: false };
      const replaced = await replaceReports(db, reports, cause);
      const moved = [...replaced.moved.values()];
      await countRepairs(db, [{ id: run.id, done: looked.length, improved: 0, moved }]);
    },
    beginReplacing,
  );
}

const goOnTo = `
  update repairs
     set reached = coalesce($2, reached), state = case when $2::uuid is null then 'done' else state end,
         finished_at = case when $2::uuid is null then now() end
   where id = $1 and state = 'running' and reached is not distinct from $3`;

/** False when it is no longer where `run` says. */
async function goOn(
  db: Queryable,
  { id, reached }: RunningRegrouping,
  to: string | null,
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: "go-on-regrouping",
    text: goOnTo,
    values: [id, to, reached],
  });
  return rowCount === 1;
}
