/** Tables crash_tags and group_tags: what crashes and groups are found by. Reading is in reports.ts and group-queries.ts. */
import { hash } from "node:crypto";
import type { Queryable } from "./pool.ts";

/** A crash that was saved with its tags. */
export interface Tagged {
  readonly crashId: string;
  readonly groupId: number | null;
  readonly receivedAt: Date;
  readonly tags: Readonly<Record<string, string>>;
}

/** The number that stands for a tag, "name:value", in both tables; as text, since it is of 64 bits. */
export const tagNumber = (tag: string): string =>
  hash("sha256", tag, "buffer").readBigInt64BE().toString();

const insertCrashTags = `
  insert into crash_tags (tag, crash_id)
  select r.tag, r.crash_id from unnest($1::bigint[], $2::uuid[]) as r (tag, crash_id) order by r.tag, r.crash_id
  on conflict do nothing`;

/** What is there for the day already is left alone unlocked: nearly every row, once a group is known. */
const insertGroupTags = `
  insert into group_tags (tag, group_id, seen)
  select r.tag, r.group_id, r.seen from unnest($1::bigint[], $2::bigint[], $3::date[]) as r (tag, group_id, seen)
   where not exists (
     select 1 from group_tags g where g.tag = r.tag and g.group_id = r.group_id and g.seen >= r.seen)
   order by r.tag, r.group_id
  on conflict (tag, group_id) do update set seen = greatest(group_tags.seen, excluded.seen)`;

/** To be called in the transaction that saves the crashes, before groups are locked. Idempotent. */
export async function saveTags(db: Queryable, crashes: readonly Tagged[]): Promise<void> {
  const ofCrashes: [tag: string, crashId: string][] = [];
  const ofGroups = new Map<string, [tag: string, groupId: number, seen: Date]>();
  for (const { crashId, groupId, receivedAt, tags } of crashes) {
    for (const [name, value] of Object.entries(tags)) {
      const tag = tagNumber(`${name}:${value}`);
      ofCrashes.push([tag, crashId]);
      if (groupId === null) continue;
      const key = `${tag}/${groupId}`;
      const seen = ofGroups.get(key)?.[2] ?? receivedAt;
      ofGroups.set(key, [tag, groupId, seen > receivedAt ? seen : receivedAt]);
    }
  }
  if (ofCrashes.length === 0) return;
  await db.query({
    name: "insert-crash-tags",
    text: insertCrashTags,
    values: [ofCrashes.map(([tag]) => tag), ofCrashes.map(([, crashId]) => crashId)],
  });
  const groups = [...ofGroups.values()];
  if (groups.length === 0) return;
  await db.query({
    name: "insert-group-tags",
    text: insertGroupTags,
    values: [
      groups.map(([tag]) => tag),
      groups.map(([, groupId]) => groupId),
      groups.map(([, , seen]) => seen.toISOString().slice(0, 10)),
    ],
  });
}
