/** Tables projects and ingest_keys. */
import { randomBytes } from "node:crypto";
import type { Queryable } from "./pool.ts";

export interface Project {
  readonly id: number;
  readonly slug: string;
  readonly name: string;
}

export interface IngestKey {
  /** 32 hex digits; public. */
  readonly key: string;
  readonly projectId: number;
  readonly label: string;
  readonly revokedAt: Date | null;
}

export async function listProjects(db: Queryable): Promise<readonly Project[]> {
  const { rows } = await db.query<Project>("select id, slug, name from projects order by id");
  return rows;
}

/** Null when the slug is taken. */
export async function createProject(
  db: Queryable,
  slug: string,
  name: string,
): Promise<Project | null> {
  const { rows } = await db.query<Project>(
    "insert into projects (slug, name) values ($1, $2) on conflict (slug) do nothing returning id, slug, name",
    [slug, name],
  );
  return rows[0] ?? null;
}

export async function createIngestKey(
  db: Queryable,
  projectId: number,
  label: string,
): Promise<IngestKey> {
  const key = randomBytes(16).toString("hex");
  await db.query("insert into ingest_keys (key, project_id, label) values ($1, $2, $3)", [
    key,
    projectId,
    label,
  ]);
  return { key, projectId, label, revokedAt: null };
}

/** Every key, revoked ones too: ingest keeps them all in memory. */
export async function listIngestKeys(db: Queryable): Promise<readonly IngestKey[]> {
  const { rows } = await db.query<IngestKey>(
    `select key, project_id as "projectId", label, revoked_at as "revokedAt" from ingest_keys order by created_at, key`,
  );
  return rows;
}

/** False when there is no such living key. */
export async function revokeIngestKey(db: Queryable, key: string): Promise<boolean> {
  const { rowCount } = await db.query(
    "update ingest_keys set revoked_at = now() where key = $1 and revoked_at is null",
    [key],
  );
  return rowCount === 1;
}
