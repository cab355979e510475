/** Partitions of `crashes` and what is kept of each of them: one a day of crash ids (UTC), made ahead, dropped by retention. */
import { CLIENT_ID_MAX_AGE_MS } from "../limits.ts";
import { crashIdBound } from "../ids.ts";
import type { Queryable } from "./pool.ts";

const DAY_MS = 86_400_000;
const AHEAD_DAYS = 3;
/** Held while partitions are made. */
const LOCK = 0x0fa1_7003;
const TABLES = ["crashes", "reports", "crash_tags", "crash_lacks"] as const;

/** Makes the partitions that ids of now may fall into, from the oldest id a client may bring to some days ahead. */
export async function ensurePartitions(db: Queryable, now: number): Promise<void> {
  const statements: string[] = [];
  const last = dayOf(now + AHEAD_DAYS * DAY_MS);
  for (let day = dayOf(now - CLIENT_ID_MAX_AGE_MS); day <= last; day += DAY_MS) {
    for (const table of TABLES) {
      statements.push(
        `create table if not exists ${partitionName(table, day)} partition of ${table}
         for values from ('${crashIdBound(day)}') to ('${crashIdBound(day + DAY_MS)}');`,
      );
    }
  }
  // One statement, so one transaction: of two services that make the same table at once the second would fail.
  await db.query(
    `do $$ begin perform pg_advisory_xact_lock(${LOCK}); ${statements.join("\n")} end $$`,
  );
}

/**
 * Drops the partitions whose every crash is older than `retentionDays`, the wait of crashes that never got
 * processed before, and what groups were found by then. Returns the partitions' names.
 */
export async function dropExpiredPartitions(
  db: Queryable,
  now: number,
  retentionDays: number,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select c.relname as name from pg_inherits i
       join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
      where p.relname = any($1) order by c.relname`,
    [TABLES],
  );
  const keepFrom = dayOf(now - retentionDays * DAY_MS);
  const expired = rows.map((row) => row.name).filter((name) => dayOfName(name) < keepFrom);
  for (const name of expired) await db.query(`drop table ${name}`);
  await db.query("delete from pending where crash_id < $1", [crashIdBound(keepFrom)]);
  await db.query("delete from group_tags where seen < $1::date", [new Date(keepFrom)]);
  return expired;
}

const dayOf = (time: number): number => Math.floor(time / DAY_MS) * DAY_MS;

const partitionName = (table: string, day: number): string =>
  `${table}_${new Date(day).toISOString().slice(0, 10).replaceAll("-", "")}`;

function dayOfName(name: string): number {
  const match = /_(\d{4})(\d{2})(\d{2})$/.exec(name);
  return match === null
    ? Number.POSITIVE_INFINITY
    : Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
}
