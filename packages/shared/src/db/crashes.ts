/** Tables crashes, pending and crash_keys: what was accepted, and what still waits. */
import { CONTENT_DUPLICATE_MS } from "../limits.ts";
import type { CrashMetadata } from "../crash-input.ts";
import { packRows, unpacked } from "./packed.ts";
import { transaction, type Pool, type Queryable } from "./pool.ts";

/** A file that came with a crash. `at` is its offset in the row's `content`; else `blob` names the stored file. */
export interface Attachment {
  /** As the client named it, made safe; unique within the crash. */
  readonly name: string;
  readonly kind: "faulthandler" | "minidump" | "other";
  readonly contentType: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  readonly at: number | null;
  readonly blob: string | null;
}

/** What makes two submissions the same crash. */
export interface CrashKey {
  readonly kind: "client" | "content";
  /** SHA-256. */
  readonly key: Uint8Array;
}

export interface NewCrash {
  /** UUIDv7. */
  readonly id: string;
  readonly projectId: number;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly metadata: CrashMetadata;
  readonly attachments: readonly Attachment[];
  /** The small attachments' bytes, one behind the other; null when there are none. */
  readonly content: Uint8Array | null;
  /** Null when `id` is the client's own: the primary key then tells a repeat. */
  readonly key: CrashKey | null;
}

/** Id of the crash that now stands for this submission, and whether it was there before. */
export interface Accepted {
  readonly id: string;
  readonly duplicate: boolean;
}

export interface StoredCrash {
  readonly id: string;
  readonly projectId: number;
  readonly receivedAt: Date;
  readonly parentId: string | null;
  readonly metadata: CrashMetadata;
  readonly attachments: readonly Attachment[];
  readonly content: Buffer | null;
}

/** A crash with a row in `pending`, and what its release's files looked like when it was loaded. */
export interface PendingCrash extends StoredCrash {
  /** How often it was given up because of what it holds (`countAttempt`); waiting and outages do not count. */
  readonly attempts: number;
  readonly release: { readonly id: number; readonly symbolsVersion: number } | null;
  /** Of the project's grouping rules; 0: it has none. */
  readonly rulesRevision: number;
}

const insertCrashes = `
  with input as (
    select * from jsonb_to_recordset($1::jsonb) as r (
      id uuid, project_id integer, received_at timestamptz, release text, environment text, host text,
      metadata jsonb, attachments jsonb, at integer, length integer)
  ), stored as (
    insert into crashes (id, project_id, received_at, release, environment, host, metadata, attachments, content)
    select id, project_id, received_at, release, environment, host, metadata, attachments, ${unpacked}
      from input r order by id
    on conflict (id) do nothing returning id, received_at
  ), waiting as (
    insert into pending (crash_id, queued_at) select id, received_at from stored
  )
  select id from stored`;

const claimKeys = `
  insert into crash_keys (project_id, key, crash_id, kind, created_at)
  select project_id, decode(key, 'hex'), crash_id, kind, created_at
    from jsonb_to_recordset($1::jsonb) as r (project_id integer, key text, crash_id uuid, kind text, created_at timestamptz)
   order by project_id, key
  on conflict (project_id, key) do update
     set crash_id = excluded.crash_id, created_at = excluded.created_at
   where crash_keys.kind = 'content' and crash_keys.created_at < excluded.created_at - $2 * interval '1 millisecond'
  returning project_id || '/' || encode(key, 'hex') as name`;

const findKeys = `
  select k.project_id || '/' || encode(k.key, 'hex') as name, k.crash_id as id
    from jsonb_to_recordset($1::jsonb) as r (project_id integer, key text)
    join crash_keys k on k.project_id = r.project_id and k.key = decode(r.key, 'hex')`;

/**
 * Stores a batch of crashes durably, each with its row in `pending`; answers one result a crash, in
 * order. A crash that is there already (same id, or same key) is answered with what stands for it.
 * An id that another project holds is refused by `duplicate: true` with the id unchanged: the caller
 * gives such a crash a key instead.
 */
export async function acceptCrashes(
  pool: Pool,
  crashes: readonly NewCrash[],
): Promise<readonly Accepted[]> {
  const keyed = crashes.filter((crash) => crash.key !== null);
  if (keyed.length === 0) return settle(crashes, await insert(pool, crashes), new Map());
  return await transaction(pool, async (db) => {
    const holders = await claim(db, keyed);
    const fresh = crashes.filter(
      (crash) => crash.key === null || holders.get(keyName(crash)) === crash.id,
    );
    return settle(crashes, await insert(db, fresh), holders);
  });
}

/** Ids of the crashes inserted; the others were there. */
async function insert(db: Queryable, crashes: readonly NewCrash[]): Promise<ReadonlySet<string>> {
  if (crashes.length === 0) return new Set();
  const { json, bytes } = packRows(crashes, crashRow, (crash) => crash.content);
  const { rows } = await db.query<{ id: string }>({
    name: "insert-crashes",
    text: insertCrashes,
    values: [json, bytes],
  });
  return new Set(rows.map((row) => row.id));
}

function crashRow(crash: NewCrash): Record<string, unknown> {
  const { release, environment, host, ...metadata } = crash.metadata;
  return {
    id: crash.id,
    project_id: crash.projectId,
    received_at: new Date(crash.receivedAt).toISOString(),
    release,
    environment,
    host,
    metadata,
    attachments: crash.attachments,
  };
}

/** Which crash holds each key, after trying to take it: by key name. */
async function claim(db: Queryable, crashes: readonly NewCrash[]): Promise<Map<string, string>> {
  const holders = new Map<string, string>();
  for (const crash of crashes)
    if (!holders.has(keyName(crash))) holders.set(keyName(crash), crash.id);
  const firsts = crashes.filter((crash) => holders.get(keyName(crash)) === crash.id);
  const json = JSON.stringify(
    firsts.map((crash) => ({
      project_id: crash.projectId,
      key: hexKey(crash),
      crash_id: crash.id,
      kind: crash.key?.kind,
      created_at: new Date(crash.receivedAt).toISOString(),
    })),
  );
  const taken = await db.query<{ name: string }>({
    name: "claim-keys",
    text: claimKeys,
    values: [json, CONTENT_DUPLICATE_MS],
  });
  if (taken.rows.length === firsts.length) return holders;
  const { rows } = await db.query<{ name: string; id: string }>({
    name: "find-keys",
    text: findKeys,
    values: [json],
  });
  for (const row of rows) holders.set(row.name, row.id);
  return holders;
}

function settle(
  crashes: readonly NewCrash[],
  inserted: ReadonlySet<string>,
  holders: ReadonlyMap<string, string>,
): readonly Accepted[] {
  const answered = new Set<string>();
  return crashes.map((crash) => {
    const id = crash.key === null ? crash.id : (holders.get(keyName(crash)) ?? crash.id);
    const first = id === crash.id && inserted.has(id) && !answered.has(id);
    answered.add(id);
    return { id, duplicate: !first };
  });
}

const hexKey = (crash: NewCrash): string => Buffer.from(crash.key?.key ?? []).toString("hex");
const keyName = (crash: NewCrash): string => `${crash.projectId}/${hexKey(crash)}`;

/** Of `c`, crashes: what a StoredCrash holds. */
export const crashColumns = `c.id, c.project_id as "projectId", c.received_at as "receivedAt", c.parent_id as "parentId",
  c.metadata || jsonb_build_object('release', c.release, 'environment', c.environment, 'host', c.host) as metadata,
  c.attachments, c.content`;

/** The crashes among `ids` that still wait, with the state of their release's symbols; in no order. */
export async function loadPendingCrashes(
  db: Queryable,
  ids: readonly string[],
): Promise<readonly PendingCrash[]> {
  const { rows } = await db.query<PendingCrash>({
    name: "load-pending-crashes",
    text: `select ${crashColumns}, p.attempts, j.rules_revision as "rulesRevision",
                  case when r.id is null then null
                       else json_build_object('id', r.id, 'symbolsVersion', r.symbols_version) end as release
             from unnest($1::uuid[]) as wanted (id)
             join pending p on p.crash_id = wanted.id
             join crashes c on c.id = wanted.id
             join projects j on j.id = c.project_id
             left join releases r on r.project_id = c.project_id and r.name = c.release`,
    values: [ids],
  });
  return rows;
}

export async function findCrash(
  db: Queryable,
  projectIds: readonly number[] | null,
  id: string,
): Promise<StoredCrash | null> {
  const { rows } = await db.query<StoredCrash>({
    name: "find-crash",
    text: `select ${crashColumns} from crashes c where c.id = $1 and ($2::integer[] is null or c.project_id = any($2))`,
    values: [id, projectIds],
  });
  return rows[0] ?? null;
}

/** Project that holds each of these crash ids. */
export async function crashProjects(
  db: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await db.query<{ id: string; projectId: number }>(
    `select id, project_id as "projectId" from crashes where id = any($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row.projectId]));
}

/** Counts a try that failed by the crash's own fault, and answers with the new count; 0 when it no longer waits. */
export async function countAttempt(db: Queryable, id: string): Promise<number> {
  const { rows } = await db.query<{ attempts: number }>(
    "update pending set attempts = attempts + 1 where crash_id = $1 returning attempts",
    [id],
  );
  return rows[0]?.attempts ?? 0;
}

/**
 * Takes up to `most` crashes that have waited since before `before`, longest first, and starts their
 * wait anew: their jobs may be lost. Two sweeps at once take different crashes.
 */
export async function takeWaiting(
  db: Queryable,
  before: Date,
  now: Date,
  most: number,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `update pending set queued_at = $2
      where crash_id in (select crash_id from pending where queued_at < $1 order by queued_at limit $3 for update skip locked)
      returning crash_id as id`,
    [before, now, most],
  );
  return rows.map((row) => row.id);
}

/** How many crashes wait (since before `before`, when given), and since when the oldest does. */
export async function countWaiting(
  db: Queryable,
  before: Date | null = null,
): Promise<{ count: number; oldest: Date | null }> {
  const { rows } = await db.query<{ count: number; oldest: Date | null }>(
    "select count(*) as count, min(queued_at) as oldest from pending where $1::timestamptz is null or queued_at < $1",
    [before],
  );
  return rows[0] ?? { count: 0, oldest: null };
}

/** Whether at least `many` crashes wait; costs no more however many there are. */
export async function hasWaiting(db: Queryable, many: number): Promise<boolean> {
  const { rows } = await db.query<{ waits: boolean }>({
    name: "has-waiting",
    text: "select count(*) >= $1 as waits from (select from pending limit $1) as waiting",
    values: [many],
  });
  return rows[0]?.waits ?? false;
}

/** Forgets content keys that no longer stop a repeat, and client keys older than `retentionDays`. */
export async function dropExpiredKeys(
  db: Queryable,
  now: Date,
  retentionDays: number,
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from crash_keys
      where (kind = 'content' and created_at < $1::timestamptz - $2 * interval '1 millisecond')
         or created_at < $1::timestamptz - $3 * interval '1 day'`,
    [now, CONTENT_DUPLICATE_MS, retentionDays],
  );
  return rowCount ?? 0;
}
