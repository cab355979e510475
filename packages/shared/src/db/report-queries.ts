/** Reading reports: one, and the listings of crashes. */
import { zstdDecompressSync } from "node:zlib";
import type { Report } from "../report.ts";
import type { Queryable } from "./pool.ts";
import { tagNumber } from "./tags.ts";

export interface CrashSummary {
  readonly id: string;
  readonly projectId: number;
  /** The group that shows it. */
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

const summaryColumns = `r.crash_id as id, r.project_id as "projectId", r.state, r.error, r.kind, r.title,
  (select coalesce(g.parent_id, g.id) from groups g where g.id = r.group_id) as "groupId",
  r.received_at as "receivedAt", r.occurred_at as "occurredAt", r.processed_at as "processedAt", r.release, r.environment,
  r.host`;

/** A crash's report; null while it waits, or when none of `projectIds` (null: any) holds it. */
export async function findReport(
  db: Queryable,
  projectIds: readonly number[] | null,
  crashId: string,
): Promise<{ summary: CrashSummary; report: Report | null } | null> {
  const { rows } = await db.query<CrashSummary & { packed: Buffer | null }>({
    name: "find-report",
    text: `select ${summaryColumns}, report as packed from reports r
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

/** Ids of a group and of those that it shows. */
const shownIn = "array(select g.id from groups g where g.id = $1 or g.parent_id = $1)";

const listCrashes = `
  select ${summaryColumns}
    from unnest(${shownIn}) as m (id) cross join lateral (
      select * from reports r where r.group_id = m.id and ($2::uuid is null or r.crash_id < $2)
       order by r.crash_id desc limit $3) as r
   order by r.crash_id desc limit $3`;

const listCrashesTagged = `
  select ${summaryColumns} from reports r
   where r.group_id = any(${shownIn}) and ($2::uuid is null or r.crash_id < $2)
     and exists (select from crash_tags t where t.tag = $4 and t.crash_id = r.crash_id)
   order by r.crash_id desc limit $3`;

/** A group's crashes, newest first, older than `before` and with a tag ("name:value") when given. */
export async function listGroupCrashes(
  db: Queryable,
  groupId: number,
  tag: string | null,
  before: string | null,
  limit: number,
): Promise<readonly CrashSummary[]> {
  const values = [groupId, before, limit];
  // with a tag planned anew each time: from the group's side or from the tag's, whichever has fewer crashes
  const { rows } =
    tag === null
      ? await db.query<CrashSummary>({ name: "list-group-crashes", text: listCrashes, values })
      : await db.query<CrashSummary>(listCrashesTagged, [...values, tagNumber(tag)]);
  return rows;
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
      where t.tag = $1 and ($2::integer[] is null or r.project_id = any($2)) and ($3::uuid is null or crash_id < $3)
      order by crash_id desc limit $4`,
    [tagNumber(tag), projectIds, before, limit],
  );
  return rows;
}
