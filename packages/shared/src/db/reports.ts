/** Table reports, and the one transaction that saves what was worked out and counts it. */
import { zstdDecompressSync } from "node:zlib";
import type { Report } from "../report.ts";
import { countIntoGroups, groupIdsFor, type GroupSeed } from "./groups.ts";
import { lackRow, type CrashLack } from "./lacks.ts";
import { saveTags, tagNumber } from "./tags.ts";
import { packRows, unpacked } from "./packed.ts";
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
                         processed_at, release, environment, host, ruleset, report, lacks)
    select crash_id, project_id, group_id, state, error, kind, title, received_at, occurred_at,
           now(), release, environment, host, ruleset, ${unpacked}, lacks
      from jsonb_to_recordset($1::jsonb) as r (
        crash_id uuid, project_id integer, group_id bigint, state text, error text, kind text, title text,
        received_at timestamptz, occurred_at timestamptz, release text, environment text, host text, ruleset text,
        at integer, length integer, lacks bigint[])
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
const beginSave = "begin; set local synchronous_commit = off";

/**
 * Saves a batch of jobs in one transaction: reports, groups and their counts. Whoever deletes a crash's
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
      const outcomes = [...mine].flatMap((id) => once.get(id)?.outcomes ?? []);
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
  const groupIds = await groupIdsFor(db, outcomes);
  const lacks = new Map(outcomes.map((outcome) => [outcome, outcome.lacks.map(lackRow)]));
  const { json, bytes } = packRows(
    outcomes,
    (outcome) => ({
      ...reportRow(outcome, groupIds.get(outcome) ?? null),
      lacks: (lacks.get(outcome) ?? []).map(({ key }) => key),
    }),
    (outcome) => outcome.report,
  );
  const lacking = outcomes.flatMap((outcome) =>
    (lacks.get(outcome) ?? []).map((row) => ({ crash_id: outcome.crashId, ...row })),
  );
  const { rows } = await db.query<{ id: string }>({
    name: "insert-reports",
    text: insertReports,
    values: [json, bytes, JSON.stringify(lacking)],
  });
  const ids = new Set(rows.map((row) => row.id));
  const inserted = outcomes
    .filter(({ crashId }) => ids.has(crashId))
    .map((outcome) => ({ ...outcome, groupId: groupIds.get(outcome) ?? null }));
  await saveTags(db, inserted);
  await countIntoGroups(
    db,
    inserted.filter(
      (outcome): outcome is Outcome & { groupId: number } => outcome.groupId !== null,
    ),
  );
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
  };
}

export interface CrashSummary {
  readonly id: string;
  readonly projectId: number;
  readonly groupId: number | null;
  readonly state: "processed" | "failed";
  readonly error: string | null;
  readonly kind: string | null;
  readonly title: string | null;
  readonly receivedAt: Date;
  readonly occurredAt: Date;
  readonly processedAt: Date;
  readonly release: string | null;
  readonly environment: string | null;
  readonly host: string | null;
}

const summaryColumns = `crash_id as id, project_id as "projectId", group_id as "groupId", state, error, kind, title,
  received_at as "receivedAt", occurred_at as "occurredAt", processed_at as "processedAt", release, environment, host`;

/** A crash's report; null while it waits, or when none of `projectIds` (null: any) holds it. */
export async function findReport(
  db: Queryable,
  projectIds: readonly number[] | null,
  crashId: string,
): Promise<{ summary: CrashSummary; report: Report | null } | null> {
  const { rows } = await db.query<CrashSummary & { packed: Buffer | null }>({
    name: "find-report",
    text: `select ${summaryColumns}, report as packed from reports
            where crash_id = $1 and ($2::integer[] is null or project_id = any($2))`,
    values: [crashId, projectIds],
  });
  const row = rows[0];
  if (row === undefined) return null;
  const { packed, ...summary } = row;
  return {
    summary,
    report: packed === null ? null : (JSON.parse(zstdDecompressSync(packed).toString()) as Report),
  };
}

/** A group's crashes, newest first, older than `before` and with a tag ("name:value") when given. */
export async function listGroupCrashes(
  db: Queryable,
  groupId: number,
  tag: string | null,
  before: string | null,
  limit: number,
): Promise<readonly CrashSummary[]> {
  const values = [groupId, before, limit];
  const listed = (text: string): string =>
    `select ${summaryColumns} from reports r
      where group_id = $1 and ($2::uuid is null or crash_id < $2) ${text} order by crash_id desc limit $3`;
  if (tag === null) {
    const query = { name: "list-group-crashes", text: listed(""), values };
    return (await db.query<CrashSummary>(query)).rows;
  }
  // planned anew for each tag: from the group's side or from the tag's, whichever has fewer crashes
  const text = listed(
    "and exists (select 1 from crash_tags t where t.tag = $4 and t.crash_id = r.crash_id)",
  );
  return (await db.query<CrashSummary>(text, [...values, tagNumber(tag)])).rows;
}

/** Crashes with a tag ("name:value"), newest first, older than `before` when given; `projectIds` null: of any project. */
export async function listTaggedCrashes(
  db: Queryable,
  projectIds: readonly number[] | null,
  tag: string,
  before: string | null,
  limit: number,
): Promise<readonly CrashSummary[]> {
  const { rows } = await db.query<CrashSummary>(
    `select ${summaryColumns} from crash_tags t join reports r using (crash_id)
      where t.tag = $1 and ($2::integer[] is null or project_id = any($2)) and ($3::uuid is null or crash_id < $3)
      order by crash_id desc limit $4`,
    [tagNumber(tag), projectIds, before, limit],
  );
  return rows;
}
