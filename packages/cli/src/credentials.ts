/**
 * What a new installation gets to begin with: a project with an ingest key, and an API token, kept in
 * the file `credentials` of the data folder for its owner alone.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import {
  createIngestKey,
  createProject,
  createToken,
  listIngestKeys,
  listProjects,
  listTokens,
  type Pool,
  tokenScopes,
  transaction,
} from "@faultline/shared";

export interface Credentials {
  /** Null when every key was revoked. */
  readonly dsn: string | null;
  /** Null on every start but the first: only the file has it then. */
  readonly newToken: string | null;
  readonly file: string;
}

export interface FirstKey {
  readonly projectId: number;
  /** Null when every key of the project was revoked. */
  readonly key: string | null;
}

/** The first project's first living key; makes both in an empty installation. */
export async function ensureKey(pool: Pool): Promise<FirstKey> {
  const [first] = await listProjects(pool);
  if (first !== undefined) {
    const keys = await listIngestKeys(pool);
    const living = keys.find((one) => one.projectId === first.id && one.revokedAt === null);
    return { projectId: first.id, key: living?.key ?? null };
  }
  return await transaction(pool, async (db) => {
    const project = await createProject(db, "default", "Default");
    if (project === null) throw new Error("project default appeared meanwhile");
    return await createIngestKey(db, project.id, "first start");
  });
}

/** Makes a token in an installation that has none; `baseUrl`: where programs reach this server. */
export async function ensureCredentials(
  pool: Pool,
  data: string,
  { projectId, key }: FirstKey,
  baseUrl: string,
): Promise<Credentials> {
  const file = join(data, "credentials");
  const dsn = key === null ? null : dsnOf(baseUrl, key, projectId);
  const known = readToken(file);
  if (known !== null || (await listTokens(pool)).length > 0) {
    if (known !== null) writeFile(file, dsn, known);
    return { dsn, newToken: null, file };
  }
  // The file before the commit: a token in the database that nobody was told would be worse than the reverse.
  const newToken = await transaction(pool, async (db) => {
    const { secret } = await createToken(db, {
      label: "first start",
      projectId: null,
      scopes: tokenScopes,
      expiresAt: null,
    });
    writeFile(file, dsn, secret);
    return secret;
  });
  return { dsn, newToken, file };
}

/** `http://KEY@host:port/ID`, the form Sentry's clients know. */
export function dsnOf(baseUrl: string, key: string, projectId: number): string {
  const url = new URL(baseUrl);
  url.username = key;
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${projectId}`;
  return url.href;
}

function readToken(file: string): string | null {
  try {
    return /^FAULTLINE_TOKEN=(\S+)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function writeFile(file: string, dsn: string | null, token: string): void {
  const lines = [
    "# Of faultline start. The DSN may only write and is no secret; the token is one.",
    `FAULTLINE_DSN=${dsn ?? ""}`,
    `FAULTLINE_TOKEN=${token}`,
    "",
  ];
  const draft = `${file}.new`;
  const handle = openSync(draft, "w", 0o600);
  writeSync(handle, lines.join("\n"));
  fsyncSync(handle);
  closeSync(handle);
  renameSync(draft, file);
}
