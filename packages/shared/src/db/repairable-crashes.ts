/** Crashes whose turn it is to be worked out anew, with the reports that they have. */
import { childCrashId } from "../ids.ts";
import { MAX_CRASHES_PER_TEXT } from "../limits.ts";
import { crashColumns, type StoredCrash } from "./crashes.ts";
import type { Queryable } from "./pool.ts";
import type { DueCrash } from "./repairs.ts";

/** The first crash of a text, and the reports of all of them, in their order. */
export interface RepairableCrash extends StoredCrash {
  readonly release: { readonly id: number; readonly symbolsVersion: number } | null;
  readonly rulesRevision: number;
  readonly reports: readonly StoredReport[];
  /** Of the crashes of the text, those whose turn it is. */
  readonly due: readonly DueCrash[];
}

export interface StoredReport {
  readonly crashId: string;
  /** How often it was replaced. */
  readonly revision: number;
  /** zstd of its JSON; null for a crash that could not be processed. */
  readonly report: Buffer | null;
}

type Text = Omit<RepairableCrash, "reports" | "due"> & { readonly dueIds: readonly string[] };

const loadTexts = `
  select ${crashColumns}, t.ids as "dueIds", j.rules_revision as "rulesRevision",
         case when r.id is null then null
              else json_build_object('id', r.id, 'symbolsVersion', r.symbols_version) end as release
    from (select coalesce(d.parent_id, d.id) as id, array_agg(d.id::text) as ids
            from crashes d where d.id = any($1::uuid[]) group by 1) as t
    join crashes c on c.id = t.id
    join projects j on j.id = c.project_id
    left join releases r on r.project_id = c.project_id and r.name = c.release
   order by c.id desc`;

/** The texts that these crashes come from, newest first; those that are gone are left out. */
export async function loadRepairable(
  db: Queryable,
  due: readonly DueCrash[],
): Promise<readonly RepairableCrash[]> {
  const byId = new Map(due.map((one) => [one.id, one]));
  const { rows } = await db.query<Text>({
    name: "load-repairable",
    text: loadTexts,
    values: [[...byId.keys()]],
  });
  const reports = await loadReports(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map(({ dueIds, ...text }) => ({
    ...text,
    reports: reports.get(text.id) ?? [],
    due: dueIds.flatMap((id) => byId.get(id) ?? []),
  }));
}

/** Few texts hold several dumps: whether there is a second one tells whether to look for the others. */
async function loadReports(
  db: Queryable,
  texts: readonly string[],
): Promise<ReadonlyMap<string, readonly StoredReport[]>> {
  const found = await findReports(
    db,
    texts.flatMap((id) => [id, childCrashId(id, 1)]),
  );
  const several = texts.filter((id) => found.has(childCrashId(id, 1)));
  const further = await findReports(db, several.flatMap(furtherIds));
  return new Map(
    texts.map((id) => {
      const ids = [id, childCrashId(id, 1), ...(further.size > 0 ? furtherIds(id) : [])];
      return [id, ids.flatMap((one) => found.get(one) ?? further.get(one) ?? [])];
    }),
  );
}

const furtherIds = (id: string): readonly string[] =>
  Array.from({ length: MAX_CRASHES_PER_TEXT - 2 }, (_, at) => childCrashId(id, at + 2));

async function findReports(
  db: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredReport>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<StoredReport>({
    name: "find-reports",
    text: 'select crash_id as "crashId", revision, report from reports where crash_id = any($1::uuid[])',
    values: [ids],
  });
  return new Map(rows.map((row) => [row.crashId, row]));
}
