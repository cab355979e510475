/** Table reports: the one transaction that saves what was worked out and counts it. Reading is in report-queries.ts. */
import { countIntoGroups } from "./group-counts.ts";
import { shareJoins } from "./group-joins.ts";
import { fileCrashes, type Filed, type GroupSeed } from "./groups.ts";
import type { CrashLack } from "./lacks.ts";
import { countSightings } from "./sightings.ts";
import { saveTags } from "./tags.ts";
import { packRows, unpacked } from "./packed.ts";
import { openOutdatedRepairs } from "./repairs.ts";
import { transaction, type Pool, type Queryable } from "./pool.ts";

/** One crash's outcome. A crash that several dumps of one text made has `parent` set to the first's id. */
export interface Outcome {
  readonly crashId: string;
  readonly parent: string | null;
  readonly projectId: number;
  readonly receivedAt: Date;
  readonly occurredAt: Date;
  readonly release: string | null;
  readonly environment: string | null;
  readonly host: string | null;
  readonly tags: Readonly<Record<string, string>>;
  /** Why processing failed; null when it did not, and then `group` and `report` are set. */
  readonly error: string | null;
  readonly group: GroupSeed | null;
  /** zstd of the report's JSON. */
  readonly report: Uint8Array | null;
  /** Of the project's grouping rules that it was grouped by; 0: there were none. */
  readonly rulesRevision: number;
  /** What the report would be better with; `noteLacks` has written down what it is. */
  readonly lacks: readonly CrashLack[];
}

/** What one job saves: the crash's outcome, and those of the further dumps in its text. */
export interface ProcessedJob {
  readonly crashId: string;
  readonly outcomes: readonly Outcome[];
}

const claimPending = `
  delete from pending where crash_id in (
    select crash_id from pending where crash_id = any($1::uuid[]) order by crash_id for update)
  returning crash_id as id`;

/** Further crashes of a text share the first one's files. */
const insertChildren = `
  insert into crashes (id, project_id, received_at, parent_id, release, environment, host, metadata, attachments, content)
  select r.id, c.project_id, c.received_at, c.id, c.release, c.environment, c.host, c.metadata, '[]'::jsonb, null
    from jsonb_to_recordset($1::jsonb) as r (id uuid, parent uuid) join crashes c on c.id = r.parent
  on conflict (id) do nothing`;

const insertReports = `
  with saved as (
    insert into reports (crash_id, project_id, group_id, state, error, kind, title, received_at, occurred_at,
                         processed_at, release, environment, host, ruleset, sighting, report, lacks)
    select crash_id, project_id, group_id, state, error, kind, title, received_at, occurred_at,
           now(), release, environment, host, ruleset, sighting, ${unpacked}, lacks
      from jsonb_to_recordset($1::jsonb) as r (
        crash_id uuid, project_id integer, group_id bigint, state text, error text, kind text, title text,
        received_at timestamptz, occurred_at timestamptz, release text, environment text, host text, ruleset text,
        sighting uuid, at integer, length integer, lacks bigint[])
     order by crash_id
    on conflict (crash_id) do nothing
    returning crash_id
  ), lacking as (
    insert into crash_lacks (key, crash_id, version, files)
    select r.key, r.crash_id, r.version, r.files
      from jsonb_to_recordset($3::jsonb) as r (crash_id uuid, key bigint, version bigint, files bigint)
      join saved using (crash_id)
  )
  select crash_id as id from saved`;

/**
 * Does not wait for the disk: should the server lose its last half second, reports, counts and the
 * deleted rows of `pending` are lost together, and those crashes wait again. Holding no row of a busy
 * group during a disk write also keeps the workers from queueing up behind each other.
 */
const beginSave = `begin; set local synchronous_commit = off; ${shareJoins}`;

/**
 * Saves a batch of jobs in one transaction: reports, groups, sightings and their counts. Whoever deletes a crash's
 * row in `pending` here is the one that saves it; a job whose row is gone was saved before and is
 * left out, so a job that runs twice, even in one batch, counts once. Returns the ids of the jobs saved now.
 */
export async function saveProcessed(
  pool: Pool,
  jobs: readonly ProcessedJob[],
): Promise<ReadonlySet<string>> {
  return await transaction(
    pool,
    async (db) => {
      const ids = jobs.map((job) => job.crashId);
      const claimed = await db.query<{ id: string }>({
        name: "claim-pending",
        text: claimPending,
        values: [ids],
      });
      const mine = new Set(claimed.rows.map((row) => row.id));
      const once = new Map(jobs.map((job) => [job.crashId, job]));
      // oldest first: of several new keys that one older one led to, the first takes its group over
      const outcomes = [...mine].toSorted().flatMap((id) => once.get(id)?.outcomes ?? []);
      if (outcomes.length > 0) await saveOutcomes(db, outcomes);
      return mine;
    },
    beginSave,
  );
}

async function saveOutcomes(db: Queryable, outcomes: readonly Outcome[]): Promise<void> {
  const children = outcomes.filter((outcome) => outcome.parent !== null);
  if (children.length > 0) {
    const json = JSON.stringify(children.map(({ crashId, parent }) => ({ id: crashId, parent })));
    await db.query({ name: "insert-children", text: insertChildren, values: [json] });
  }
  const filed = await fileCrashes(db, outcomes);
  const inserted = await insertAll(db, outcomes, filed);
  await countSightings(db, inserted, []);
  await saveTags(
    db,
    inserted.map((outcome) => ({ ...outcome, groupId: filed.get(outcome)?.groupId ?? null })),
  );
  await countIntoGroups(
    db,
    inserted.flatMap((outcome) => {
      const group = filed.get(outcome);
      return group === undefined ? [] : [{ ...outcome, ...group }];
    }),
  );
  await openOutdatedRepairs(
    db,
    inserted.map((outcome) => ({ ...outcome, lacks: outcome.lacks.map(({ row }) => row) })),
  );
}

/** Those that had no report before. */
async function insertAll(
  db: Queryable,
  outcomes: readonly Outcome[],
  filed: ReadonlyMap<Outcome, Filed>,
): Promise<readonly Outcome[]> {
  const { json, bytes } = packRows(
    outcomes,
    (outcome) => ({
      ...reportRow(outcome, filed.get(outcome)?.groupId ?? null),
      lacks: outcome.lacks.map(({ row }) => row.key),
    }),
    (outcome) => outcome.report,
  );
  const lacking = outcomes.flatMap(({ crashId, lacks }) =>
    lacks.map(({ row }) => ({ crash_id: crashId, ...row })),
  );
  const { rows } = await db.query<{ id: string }>({
    name: "insert-reports",
    text: insertReports,
    values: [json, bytes, JSON.stringify(lacking)],
  });
  const ids = new Set(rows.map((row) => row.id));
  return outcomes.filter(({ crashId }) => ids.has(crashId));
}

function reportRow(outcome: Outcome, groupId: number | null): Record<string, unknown> {
  return {
    crash_id: outcome.crashId,
    project_id: outcome.projectId,
    group_id: groupId,
    state: outcome.error === null ? "processed" : "failed",
    error: outcome.error,
    kind: outcome.group?.kind ?? null,
    title: outcome.group?.title ?? null,
    received_at: outcome.receivedAt,
    occurred_at: outcome.occurredAt,
    release: outcome.release,
    environment: outcome.environment,
    host: outcome.host,
    ruleset: outcome.group?.ruleset ?? null,
    sighting: outcome.group?.sighting.hash ?? null,
  };
}
