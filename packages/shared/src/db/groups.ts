/**
 * Tables groups and group_keys: filing crashes. Every key has a group of its own, which may be joined to another one
 * that shows both; counting is in group-counts.ts, joining in group-joins.ts, reading in group-queries.ts.
 */
import type { Queryable } from "./pool.ts";
import type { SightingSeed } from "./sightings.ts";

/** What a crash says about the group it belongs to. */
export interface GroupSeed {
  readonly ruleset: string;
  readonly coarse: string;
  /** The key the crash is filed under. */
  readonly mid: string;
  /** The key of its Python functions; null without any. */
  readonly link: string | null;
  readonly sighting: SightingSeed;
  /** Keys of the same crash by earlier algorithms, the newest of them first. */
  readonly earlier: readonly { readonly ruleset: string; readonly mid: string }[];
  readonly title: string;
  readonly culprit: string | null;
  readonly kind: string;
  readonly classification: string | null;
  readonly confidence: string;
}

/** The group that counts a crash, and the one that shows it. */
export interface Filed {
  readonly groupId: number;
  readonly rootId: number;
}

/** Where a crash is filed that is worked out anew. */
export interface FiledBefore extends Filed {
  /** A user joined groups to the one that shows it, or parted it from another: no crash leaves it by itself. */
  readonly decided: boolean;
  readonly status: string;
}

interface Grouped {
  readonly crashId: string;
  readonly projectId: number;
  readonly occurredAt: Date;
  readonly group: GroupSeed | null;
  readonly before?: FiledBefore | null;
}

interface Sought {
  readonly name: string;
  readonly projectId: number;
  readonly group: GroupSeed;
  readonly seen: Date;
  readonly crash: string;
  readonly before: FiledBefore | null;
}

const nameOf = (projectId: number, { ruleset, mid }: Pick<GroupSeed, "ruleset" | "mid">): string =>
  `${projectId}/${ruleset}/${mid}`;

/**
 * The group of each crash that has a key, made where the key is new. The caller's transaction shares the lock on
 * groups' joins (`shareJoins`), so where a group is shown stays true until it ends.
 */
export async function fileCrashes<G extends Grouped>(
  db: Queryable,
  crashes: readonly G[],
): Promise<ReadonlyMap<G, Filed>> {
  const sought = new Map<string, Sought>();
  for (const { projectId, group, occurredAt, crashId, before = null } of crashes) {
    if (group === null) continue;
    const name = nameOf(projectId, group);
    if (!sought.has(name))
      sought.set(name, { name, projectId, group, seen: occurredAt, crash: crashId, before });
  }
  const filed = await filedOf(db, [...sought.values()]);
  const found = new Map<G, Filed>();
  for (const crash of crashes) {
    const at = crash.group === null ? undefined : filed.get(nameOf(crash.projectId, crash.group));
    if (at !== undefined) found.set(crash, at);
  }
  return found;
}

/** A key that another transaction makes at the same moment is waited for, and found when looked for again. */
async function filedOf(
  db: Queryable,
  sought: readonly Sought[],
): Promise<ReadonlyMap<string, Filed>> {
  const filed = new Map<string, Filed>();
  let missing = sought;
  for (let tries = 0; missing.length > 0 && tries < MAX_FILING_TRIES; tries++) {
    const { hits, elders } = await lookUp(db, missing);
    for (const [name, hit] of hits) filed.set(name, hit);
    missing = missing.filter(({ name }) => !filed.has(name));
    if (missing.length > 0) await make(db, missing, elders);
  }
  if (missing.length > 0)
    throw new Error(`key ${missing[0]?.name}: no group after ${MAX_FILING_TRIES} tries`);
  return filed;
}

/** A key that others take is there the next time, and an elder's that others take over is free the time after. */
const MAX_FILING_TRIES = 10;

interface Elder extends Filed {
  readonly status: string;
  /** A key of the current algorithm leads to it already. */
  readonly taken: boolean;
}

/** `rank`: 0 for the key itself, then its earlier ones in order. */
const findKeys = `
  select r.name, r.rank, g.id as "groupId", coalesce(g.parent_id, g.id) as "rootId", root.status,
         r.rank > 0 and exists (
           select from group_keys o where o.group_id = g.id and o.ruleset = r.current) as taken
    from jsonb_to_recordset($1::jsonb) as r (
      name text, rank integer, project_id integer, ruleset text, hash text, current text)
    join group_keys k on k.project_id = r.project_id and k.ruleset = r.ruleset and k.level = 'mid' and k.hash = r.hash
    join groups g on g.id = k.group_id join groups root on root.id = coalesce(g.parent_id, g.id)
   order by r.rank`;

async function lookUp(
  db: Queryable,
  sought: readonly Sought[],
): Promise<{ hits: Map<string, Filed>; elders: Map<string, Elder> }> {
  const keys = sought.flatMap(({ name, projectId, group }) =>
    [group, ...group.earlier].map(({ ruleset, mid }, rank) => ({
      name,
      rank,
      project_id: projectId,
      ruleset,
      hash: mid,
      current: group.ruleset,
    })),
  );
  const { rows } = await db.query<Elder & { name: string; rank: number }>({
    name: "find-group-keys",
    text: findKeys,
    values: [JSON.stringify(keys)],
  });
  const hits = new Map<string, Filed>();
  const elders = new Map<string, Elder>();
  for (const { name, rank, ...row } of rows) {
    if (rank === 0) hits.set(name, { groupId: row.groupId, rootId: row.rootId });
    else if (!elders.has(name)) elders.set(name, row);
  }
  return { hits, elders };
}

/**
 * Keys, each with the id its group has or will have, and the groups that are new. Keys go in by their order, so two
 * batches cannot deadlock. One whose elder another key takes over at the same moment is left for another try.
 */
const insertKeys = `
  with given as (
    select * from jsonb_to_recordset($1::jsonb) as r (
      project_id integer, ruleset text, hash text, elder_id bigint, parent_id bigint, origin text, split_from bigint,
      status text, title text, culprit text, kind text, classification text, confidence text,
      seen timestamptz, crash uuid)
  ), keys as (
    insert into group_keys (project_id, ruleset, level, hash, group_id, origin)
    select project_id, ruleset, 'mid', hash, coalesce(elder_id, nextval(pg_get_serial_sequence('groups', 'id'))),
           case when elder_id is null then 'auto' else 'alias' end
      from given order by project_id, ruleset, hash
    on conflict do nothing
    returning project_id, ruleset, hash, group_id
  ), made as (
    insert into groups (id, project_id, title, culprit, kind, classification, confidence, status, first_seen, last_seen,
                        newest_crash, all_first_seen, all_last_seen, all_newest_crash, parent_id, origin, split_from)
    overriding system value
    select keys.group_id, r.project_id, r.title, r.culprit, r.kind, r.classification, r.confidence, r.status, r.seen,
           r.seen, r.crash, r.seen, r.seen, r.crash, r.parent_id, r.origin, r.split_from
      from given r join keys using (project_id, ruleset, hash) where r.elder_id is null
  )
  insert into group_activity (group_id, what, detail)
  select keys.group_id, case when r.elder_id is not null then 'alias' when r.parent_id is null then 'apart' else 'merge' end,
         jsonb_strip_nulls(jsonb_build_object('key', hash, 'ruleset', ruleset, 'into', r.parent_id, 'from', r.split_from))
    from given r join keys using (project_id, ruleset, hash)
   where r.elder_id is not null or r.parent_id is not null or r.split_from is not null`;

async function make(
  db: Queryable,
  missing: readonly Sought[],
  elders: ReadonlyMap<string, Elder>,
): Promise<void> {
  const taken = new Set<number>();
  const rows = missing.map(({ name, projectId, group, seen, crash, before }) => {
    const elder = elders.get(name) ?? null;
    const takesOver = elder !== null && !elder.taken && !taken.has(elder.groupId);
    if (takesOver) taken.add(elder.groupId);
    return {
      project_id: projectId,
      ruleset: group.ruleset,
      hash: group.mid,
      elder_id: takesOver ? elder.groupId : null,
      ...placeOf(before),
      split_from: before?.rootId ?? elder?.rootId ?? null,
      status: before?.status ?? elder?.status ?? "open",
      title: group.title,
      culprit: group.culprit,
      kind: group.kind,
      classification: group.classification,
      confidence: group.confidence,
      seen,
      crash,
    };
  });
  await db.query({ name: "insert-group-keys", text: insertKeys, values: [JSON.stringify(rows)] });
}

/** A crash that leaves a group which a user put together takes its new group along into that. */
const placeOf = (before: FiledBefore | null): { parent_id: number | null; origin: string } =>
  before?.decided === true
    ? { parent_id: before.rootId, origin: "user-merge" }
    : { parent_id: null, origin: "auto" };
