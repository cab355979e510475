/** What the tests of the worker share: a configuration, crashes as ingest stores them, and waiting for the end. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  acceptCrashes,
  countWaiting,
  createProject,
  newCrashId,
  openLog,
  openQueue,
  readConfig,
  type Attachment,
  type Config,
  type CrashMetadata,
  type NewCrash,
  type Pool,
} from "@faultline/shared";
import { freshDatabase, type TestDatabase } from "../../../test/postgres.ts";

export interface Setting {
  readonly database: TestDatabase;
  readonly pool: Pool;
  readonly config: Config;
  readonly project: number;
  close(): Promise<void>;
}

export const log = openLog("symbolicator-test", process.env["LOG_LEVEL"] ?? "silent");

/** A database, a folder for blobs and a project of its own. */
export async function openSetting(
  environment: Readonly<Record<string, string>> = {},
): Promise<Setting> {
  const database = await freshDatabase();
  const folder = await mkdtemp(join(tmpdir(), "faultline-symbolicator-"));
  const config = readConfig({
    DATABASE_URL: database.url,
    FAULTLINE_BLOBS: join(folder, "blobs"),
    FAULTLINE_SWEEP_MS: "500",
    ...environment,
  });
  const project = (await createProject(database.pool, "shop", "Shop"))?.id ?? 0;
  return {
    database,
    pool: database.pool,
    config,
    project,
    async close() {
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const noMetadata: CrashMetadata = {
  release: null,
  environment: null,
  host: null,
  pid: null,
  time: null,
  pythonVersion: null,
  tags: {},
  modules: [],
};

/** A segmentation fault in `function`, as CPython 3.11 prints it. */
export const dumpText = (name: string): string => `Fatal Python error: Segmentation fault

Current thread 0x00007f5b7e4c1740 (most recent call first):
  File "/srv/shop/app/jobs.py", line 12 in ${name}
  File "/srv/shop/app/main.py", line 40 in main
  File "/srv/shop/app/main.py", line 44 in <module>
`;

/** A crash whose text lies in its row. */
export function crashWith(
  project: number,
  text: string,
  metadata: Partial<CrashMetadata> = {},
): NewCrash {
  const content = Buffer.from(text);
  const attachment: Attachment = {
    name: "faulthandler",
    kind: "faulthandler",
    contentType: "text/plain",
    size: content.length,
    sha256: createHash("sha256").update(content).digest("hex"),
    at: 0,
    blob: null,
  };
  return {
    id: newCrashId(Date.now()),
    projectId: project,
    receivedAt: Date.now(),
    metadata: { ...noMetadata, ...metadata },
    attachments: [attachment],
    content,
    key: null,
  };
}

/** Stores crashes and adds their jobs, as ingest does. */
export async function submit(
  { pool, config }: Pick<Setting, "pool" | "config">,
  crashes: readonly NewCrash[],
): Promise<void> {
  await acceptCrashes(pool, crashes);
  await queue(config, crashes);
}

export async function queue(
  config: Config,
  crashes: readonly { readonly id: string }[],
): Promise<void> {
  const jobs = openQueue(config, "crashes", () => undefined);
  try {
    await jobs.depth().catch(() => sleep(200)); // the first connection
    await jobs.add(crashes.map(({ id }) => ({ id, data: { crashId: id } })));
  } finally {
    await jobs.close();
  }
}

/** Resolves once no crash waits. */
export async function settled(pool: Pool, withinMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; ; await sleep(25)) {
    const { count } = await countWaiting(pool);
    if (count === 0) return;
    if (Date.now() > deadline) throw new Error(`${count} crashes still wait after ${withinMs} ms`);
  }
}

export interface Totals {
  readonly reports: number;
  readonly failed: number;
  /** Sum of the groups' own counts. */
  readonly counted: number;
  readonly inHours: number;
  readonly groups: number;
}

export async function totals(pool: Pool): Promise<Totals> {
  const { rows } = await pool.query<Totals>(
    `select (select count(*) from reports) as reports,
            (select count(*) from reports where state = 'failed') as failed,
            (select coalesce(sum(count), 0)::bigint from groups) as counted,
            (select coalesce(sum(count), 0)::bigint from group_hours) as "inHours",
            (select count(*) from groups) as groups`,
  );
  return rows[0] as Totals;
}
