/** Table group_activity: what became of groups, by whom and when. */
import type { Queryable } from "./pool.ts";

export const activities = [
  "status",
  "merge",
  "unmerge",
  "split",
  "attach",
  "alias",
  "apart",
] as const;
export type ActivityKind = (typeof activities)[number];

export interface Activity {
  readonly groupId: number;
  /** A token's label and hint; null: the service itself. */
  readonly actor: string | null;
  readonly what: ActivityKind;
  readonly detail: Readonly<Record<string, unknown>>;
}

export async function noteActivity(db: Queryable, entries: readonly Activity[]): Promise<void> {
  if (entries.length === 0) return;
  await db.query(
    `insert into group_activity (group_id, actor, what, detail)
     select "groupId", actor, what, detail
       from jsonb_to_recordset($1::jsonb) as r ("groupId" bigint, actor text, what text, detail jsonb)`,
    [JSON.stringify(entries)],
  );
}

export interface ActivityRow extends Activity {
  readonly id: number;
  readonly at: Date;
}

/** Of a group and all that it shows, newest first. */
export async function listActivity(
  db: Queryable,
  rootId: number,
  most: number,
): Promise<readonly ActivityRow[]> {
  const { rows } = await db.query<ActivityRow>(
    `select a.id, a.group_id as "groupId", a.at, a.actor, a.what, a.detail
       from group_activity a
      where a.group_id = any(array(select id from groups where id = $1 or parent_id = $1))
      order by a.id desc limit $2`,
    [rootId, most],
  );
  return rows;
}
