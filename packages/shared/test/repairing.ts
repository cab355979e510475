/** Crashes that lack symbols, symbols that come, and working out anew, as the repair tests want to write them. */
import { afterAll, beforeAll, beforeEach } from "vitest";
import { clearCrashes, freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import {
  acceptCrashes,
  crashLack,
  createProject,
  findDueCrashes,
  findGroup,
  finishRepairs,
  loadRepairable,
  noteLacks,
  noticeSymbols,
  saveProcessed,
  saveRepaired,
  settleEmptied,
  startRepairs,
  storeSymbolFiles,
  type CrashLack,
  type NewCrash,
  type Outcome,
  type Pool,
  type RunningRepair,
  type Verdict,
} from "../src/index.ts";
import { job, newCrash, outcome } from "./crash-rows.ts";
import { expectTrueCounts } from "./group-accounts.ts";

const atOnce = { quietMs: -1, mostMs: 60_000 };

/** What a crash is found to be when it is worked out anew; null: it cannot be. */
export type Anew = (id: string) => { verdict: Verdict; change?: Partial<Outcome> } | null;

/** A database of the test file's own, empty before each test. */
export class Repairing {
  #database: TestDatabase | undefined;
  #uploads = 0;
  project = 0;

  constructor() {
    beforeAll(async () => {
      this.#database = await freshDatabase();
      this.project = (await createProject(this.pool, "shop", "Shop"))?.id ?? 0;
    });
    afterAll(() => this.#database?.drop());
    beforeEach(() => this.clear());
  }

  get pool(): Pool {
    if (this.#database === undefined) throw new Error("no database yet");
    return this.#database.pool;
  }

  async clear(): Promise<void> {
    await clearCrashes(
      this.pool,
      "lacked_symbols",
      "lacked_files",
      "releases",
      "release_files",
      "symbol_files",
      "native_caches",
    );
  }

  async rows(query: string): Promise<readonly Record<string, unknown>[]> {
    return (await this.pool.query<Record<string, unknown>>(query)).rows;
  }

  python(version: number, release = "1.0"): CrashLack {
    const symbols = { kind: "python", projectId: this.project, release } as const;
    return crashLack(symbols, version, { own: ["/app/a.py"], installed: [] });
  }

  native(debugId: string, version = 0): CrashLack {
    const module = { name: "libx.so", buildId: null, debugId };
    return crashLack({ kind: "native", projectId: this.project, ...module }, version, null);
  }

  async save(change: Partial<Outcome>, id?: string): Promise<NewCrash> {
    const crash = newCrash(this.project, id === undefined ? {} : { id });
    await acceptCrashes(this.pool, [crash]);
    const saved = job(crash, change);
    const lacks = saved.outcomes.flatMap((one) => one.lacks);
    await noteLacks(this.pool, lacks);
    await saveProcessed(this.pool, [saved]);
    return crash;
  }

  /** One more Python file of the release. */
  async upload(release = "1.0"): Promise<void> {
    const name = `${this.#uploads++}.py`;
    const sha256 = this.#uploads.toString(16).padStart(64, "0");
    const file = {
      sha256,
      kind: "source",
      size: 1,
      content: Buffer.from("x"),
      blob: null,
    } as const;
    await storeSymbolFiles(this.pool, this.project, release, [
      { ...file, path: `app/${name}`, python: null, basename: name },
    ]);
  }

  async start(patience = atOnce): Promise<readonly RunningRepair[]> {
    await noticeSymbols(this.pool);
    return await startRepairs(this.pool, patience);
  }

  /** Works out all that is due, a few at a time, looking at the accounts after each step. */
  async repair(anew: Anew, running?: readonly RunningRepair[]): Promise<void> {
    const repairs = running ?? (await this.start());
    for (;;) {
      const due = await findDueCrashes(this.pool, repairs, null, 3);
      if (due.length === 0) break;
      const texts = await loadRepairable(this.pool, due);
      const batch = texts.map((text) => {
        const crash = newCrash(this.project, { id: text.id });
        const reports = text.reports.flatMap(({ crashId, revision }) => {
          const made = anew(crashId);
          if (made === null) return [];
          const saved = outcome(crash, { lacks: [], ...made.change, crashId });
          const lacks = saved.lacks.map(({ row }) => row);
          return [{ outcome: saved, lacks, revision, verdict: made.verdict }];
        });
        return { due: text.due, reports };
      });
      await saveRepaired(this.pool, batch, repairs);
      await expectTrueCounts(this.pool);
    }
    await settleEmptied(this.pool, 100);
    await finishRepairs(this.pool, repairs);
    await expectTrueCounts(this.pool);
  }

  async idOf(culprit: string): Promise<number> {
    const query = "select id from groups where culprit = $1";
    const { rows } = await this.pool.query<{ id: number }>(query, [culprit]);
    return rows[0]?.id ?? 0;
  }

  /** Culprit of the group that shows a crash. */
  async shown(crash: NewCrash): Promise<string | null> {
    const query = "select group_id as id from reports where crash_id = $1";
    const { rows } = await this.pool.query<{ id: number }>(query, [crash.id]);
    return (await findGroup(this.pool, null, rows[0]?.id ?? 0))?.culprit ?? null;
  }
}
