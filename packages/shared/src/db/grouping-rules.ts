/** Tables grouping_rules and rule_previews: a project's own grouping rules, and what a change of them would do. */
import { transaction, type Pool, type Queryable } from "./pool.ts";
import { openRegrouping } from "./regroupings.ts";

/** Rules that were in force once, or are. */
export interface GroupingRules {
  /** 0: there are none. */
  readonly revision: number;
  readonly text: string;
  readonly actor: string | null;
  readonly createdAt: Date | null;
}

const columns = `coalesce(r.revision, 0) as revision, coalesce(r.text, '') as text, r.actor, r.created_at as "createdAt"`;

/** Those in force. */
export async function findGroupingRules(db: Queryable, projectId: number): Promise<GroupingRules> {
  const { rows } = await db.query<GroupingRules>(
    `select ${columns} from projects p
       left join grouping_rules r on r.project_id = p.id and r.revision = p.rules_revision where p.id = $1`,
    [projectId],
  );
  return rows[0] ?? { revision: 0, text: "", actor: null, createdAt: null };
}

/** A revision's text; empty when there is no such. */
export async function loadRulesText(
  db: Queryable,
  projectId: number,
  revision: number,
): Promise<string> {
  const { rows } = await db.query<{ text: string }>(
    "select text from grouping_rules where project_id = $1 and revision = $2",
    [projectId, revision],
  );
  return rows[0]?.text ?? "";
}

/** What crashes are grouped by `text` from now on, and those there are anew. For a transaction that locks the project. */
async function putInForce(
  db: Queryable,
  projectId: number,
  text: string,
  actor: string,
  freeGroup: number | null,
): Promise<number> {
  const { rows } = await db.query<{ revision: number }>(
    "update projects set rules_revision = rules_revision + 1 where id = $1 returning rules_revision as revision",
    [projectId],
  );
  const revision = rows[0]?.revision ?? 0;
  await db.query(
    "insert into grouping_rules (project_id, revision, text, actor) values ($1, $2, $3, $4)",
    [projectId, revision, text, actor],
  );
  await openRegrouping(db, projectId, revision, freeGroup);
  return revision;
}

const lockProject = "select rules_revision as revision from projects where id = $1 for update";

/** "outdated": rules were changed since the preview; "unfit": it is not done, or has lines that are no rules. */
export type Applied = number | "absent" | "outdated" | "unfit";

/** Puts the rules of a preview in force; answers with their revision. */
export async function applyPreview(
  pool: Pool,
  projectId: number,
  previewId: number,
  actor: string,
): Promise<Applied> {
  return await transaction(pool, async (db) => {
    const { rows: locked } = await db.query<{ revision: number }>(lockProject, [projectId]);
    const preview = await findPreview(db, projectId, previewId);
    if (preview === null) return "absent";
    if (preview.state !== "done" || preview.problems.length > 0) return "unfit";
    if (preview.revision !== locked[0]?.revision) return "outdated";
    return await putInForce(db, projectId, preview.text, actor, null);
  });
}

/** Adds a rule behind those in force; crashes of `freeGroup` go where it sends them. Answers with the new revision. */
export async function addRule(
  pool: Pool,
  projectId: number,
  rule: string,
  freeGroup: number,
  actor: string,
): Promise<number> {
  return await transaction(pool, async (db) => {
    await db.query(lockProject, [projectId]);
    const { text } = await findGroupingRules(db, projectId);
    const lines = text === "" || text.endsWith("\n") ? text : `${text}\n`;
    return await putInForce(db, projectId, `${lines}${rule}\n`, actor, freeGroup);
  });
}

/** A line that is no rule. */
export interface RuleProblem {
  readonly line: number;
  readonly problem: string;
}

/** Crashes that would leave one key for another. */
export interface RuleMove {
  readonly from: string;
  readonly to: string;
  readonly crashes: number;
}

export interface PreviewResult {
  /** The newest ones, which it was tried on. */
  readonly crashes: number;
  /** Of those, how many a rule says something of that was not said before. */
  readonly touched: number;
  readonly groupsBefore: number;
  readonly groupsAfter: number;
  readonly moves: readonly RuleMove[];
}

export interface RulePreviewRow {
  readonly id: number;
  readonly projectId: number;
  readonly revision: number;
  readonly text: string;
  readonly state: "waiting" | "done" | "failed";
  readonly problems: readonly RuleProblem[];
  readonly result: PreviewResult | null;
}

const previewColumns = `id, project_id as "projectId", revision, text, state, problems, result`;

/** Asks a worker what `text` would do. */
export async function openPreview(db: Queryable, projectId: number, text: string): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    `insert into rule_previews (project_id, revision, text)
     select id, rules_revision, $2 from projects where id = $1 returning id`,
    [projectId, text],
  );
  return rows[0]?.id ?? 0;
}

export async function findPreview(
  db: Queryable,
  projectId: number,
  id: number,
): Promise<RulePreviewRow | null> {
  const { rows } = await db.query<RulePreviewRow>(
    `select ${previewColumns} from rule_previews where id = $1 and project_id = $2`,
    [id, projectId],
  );
  return rows[0] ?? null;
}

/** The previews that wait, oldest first. */
export async function listWaitingPreviews(
  db: Queryable,
  most: number,
): Promise<readonly RulePreviewRow[]> {
  const { rows } = await db.query<RulePreviewRow>({
    name: "list-waiting-previews",
    text: `select ${previewColumns} from rule_previews where state = 'waiting' order by id limit $1`,
    values: [most],
  });
  return rows;
}

/** `result` null: it could not be worked out. */
export async function savePreview(
  db: Queryable,
  id: number,
  problems: readonly RuleProblem[],
  result: PreviewResult | null,
): Promise<void> {
  await db.query("update rule_previews set state = $2, problems = $3, result = $4 where id = $1", [
    id,
    result === null ? "failed" : "done",
    JSON.stringify(problems),
    result === null ? null : JSON.stringify(result),
  ]);
}

/** Forgets previews that were asked for before `before`. */
export async function dropOldPreviews(db: Queryable, before: Date): Promise<number> {
  const { rowCount } = await db.query("delete from rule_previews where created_at < $1", [before]);
  return rowCount ?? 0;
}

/** Reports of a project's newest crashes (zstd of their JSON), newest first: at most so many, and so many bytes. */
export async function loadNewestReports(
  db: Queryable,
  projectId: number,
  most: number,
  mostBytes: number,
): Promise<readonly Buffer[]> {
  const { rows } = await db.query<{ report: Buffer }>(
    `select report from (
       select report, crash_id, sum(length(report)) over (order by crash_id desc) as bytes
         from (select report, crash_id from reports where project_id = $1 and report is not null
                order by crash_id desc limit $2) as newest) as summed
      where bytes <= $3 order by crash_id desc`,
    [projectId, most, mostBytes],
  );
  return rows.map(({ report }) => report);
}

/** Groups that keys of the given algorithm lead to now, by the key. */
export async function groupsOfKeys(
  db: Queryable,
  projectId: number,
  keys: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await db.query<{ key: string; id: number }>(
    `select distinct on (k.hash) k.hash as key, coalesce(g.parent_id, g.id) as id
       from group_keys k join groups g on g.id = k.group_id
      where k.project_id = $1 and k.level = 'mid' and k.hash = any($2::text[]) order by k.hash, k.created_at desc`,
    [projectId, keys],
  );
  return new Map(rows.map(({ key, id }) => [key, id]));
}
