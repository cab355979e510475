/** What ingest's tests share: a database, folders, the app as index.ts puts it together, and requests to it. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createIngestKey,
  createProject,
  createToken,
  openLog,
  readConfig,
  tokenScopes,
  type Config,
  type Pool,
  type TokenScope,
} from "@faultline/shared";
import { freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import { openApp, type App, type IngestExtras } from "../src/index.ts";

export const log = openLog("ingest-test", process.env["LOG_LEVEL"] ?? "silent");

export interface Access {
  readonly projectId: number;
  readonly slug: string;
  /** Ingest key. */
  readonly key: string;
  /** API token of the project, with every scope. */
  readonly token: string;
}

export interface Setting extends Access {
  readonly database: TestDatabase;
  readonly pool: Pool;
  readonly config: Config;
  readonly folder: string;
  readonly app: App;
  close(): Promise<void>;
}

export async function openSetting(
  extras: IngestExtras = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<Setting> {
  const database = await freshDatabase();
  const folder = await mkdtemp(join(tmpdir(), "faultline-ingest-"));
  const config = configFor(database.url, folder, environment);
  const access = await addProject(database.pool, "shop");
  const { app, close } = await openApp(config, log, extras);
  return {
    ...access,
    database,
    pool: database.pool,
    config,
    folder,
    app,
    async close() {
      await close();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const configFor = (
  databaseUrl: string,
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Config =>
  readConfig({
    ...environment,
    DATABASE_URL: databaseUrl,
    FAULTLINE_BLOBS: join(folder, "blobs"),
    FAULTLINE_SPOOL: join(folder, "spool"),
    HOST: "127.0.0.1",
    PORT: "0",
  });

export async function addProject(pool: Pool, slug: string): Promise<Access> {
  const project = await createProject(pool, slug, slug);
  if (project === null) throw new Error(`there is a project ${slug} already`);
  const { key } = await createIngestKey(pool, project.id, "test");
  const token = await addToken(pool, project.id, tokenScopes);
  return { projectId: project.id, slug, key, token };
}

export async function addToken(
  pool: Pool,
  projectId: number | null,
  scopes: readonly TokenScope[],
): Promise<string> {
  const { secret } = await createToken(pool, { label: "test", projectId, scopes, expiresAt: null });
  return secret;
}

/** For what must come true, on however busy a machine. */
export const inTime = { timeout: 25_000, interval: 50 } as const;

/** Rows that crashes and symbols leave, and files that are neither keys nor folders. */
export async function traces(
  pool: Pool,
  folder: string,
): Promise<{ rows: number; files: string[] }> {
  const { rows } = await pool.query<{ count: number }>(
    `select (select count(*) from crashes) + (select count(*) from pending) + (select count(*) from crash_keys)
          + (select count(*) from symbol_files) + (select count(*) from release_files) as count`,
  );
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== "ingest-keys.json");
  return {
    rows: rows[0]?.count ?? 0,
    files: files.map((file) => join(file.parentPath, file.name)),
  };
}

/** As faulthandler prints a crash; `about` makes it one of its own. */
export const dumpText = (about: string): string =>
  `Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f0000000001 (most recent call first):\n  File "/srv/app/${about}.py", line 42 in run\n`;

const BOUNDARY = "----test";

export interface TestPart {
  readonly name: string;
  readonly filename?: string;
  readonly type?: string;
  readonly body: string | Buffer;
}

/** A multipart body by hand: the reader's own words are not used. */
export function form(parts: readonly TestPart[]): {
  headers: { "content-type": string };
  payload: Buffer;
} {
  const pieces = parts.flatMap(({ name, filename, type, body }) => [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? "" : `; filename="${filename}"`}\r\n${type === undefined ? "" : `Content-Type: ${type}\r\n`}\r\n`,
    body,
    "\r\n",
  ]);
  return {
    headers: { "content-type": `multipart/form-data; boundary=${BOUNDARY}` },
    payload: Buffer.concat([...pieces, `--${BOUNDARY}--\r\n`].map((piece) => Buffer.from(piece))),
  };
}

export const bearer = (secret: string): { authorization: string } => ({
  authorization: `Bearer ${secret}`,
});
