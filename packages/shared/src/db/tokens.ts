/** Table api_tokens: secrets for reading, uploading symbols and administration. Only their hashes are stored. */
import { createHash, randomBytes } from "node:crypto";
import type { Queryable } from "./pool.ts";

/** "raw" is for what a process had in memory: its minidump. */
export const tokenScopes = ["read", "raw", "symbols", "admin"] as const;
export type TokenScope = (typeof tokenScopes)[number];

export interface ApiToken {
  readonly id: number;
  /** First characters of the token. */
  readonly hint: string;
  readonly label: string;
  /** Null: every project. */
  readonly projectId: number | null;
  readonly scopes: readonly TokenScope[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

const columns = `id, hint, label, project_id as "projectId", scopes, created_at as "createdAt",
  expires_at as "expiresAt", last_used_at as "lastUsedAt", revoked_at as "revokedAt"`;

/** The secret is shown once, here. */
export async function createToken(
  db: Queryable,
  token: {
    label: string;
    projectId: number | null;
    scopes: readonly TokenScope[];
    expiresAt: Date | null;
  },
): Promise<{ token: ApiToken; secret: string }> {
  const secret = `flt_${randomBytes(24).toString("base64url")}`;
  const { rows } = await db.query<ApiToken>(
    `insert into api_tokens (hash, hint, label, project_id, scopes, expires_at)
     values ($1, $2, $3, $4, $5, $6) returning ${columns}`,
    [
      hashToken(secret),
      secret.slice(0, 8),
      token.label,
      token.projectId,
      token.scopes,
      token.expiresAt,
    ],
  );
  return { token: rows[0] as ApiToken, secret };
}

export async function listTokens(db: Queryable): Promise<readonly ApiToken[]> {
  const { rows } = await db.query<ApiToken>(`select ${columns} from api_tokens order by id`);
  return rows;
}

/** The living token of that secret, null otherwise; notes its use at most once a minute. */
export async function findToken(db: Queryable, secret: string): Promise<ApiToken | null> {
  const { rows } = await db.query<ApiToken>({
    name: "find-token",
    text: `select ${columns} from api_tokens
            where hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
    values: [hashToken(secret)],
  });
  const token = rows[0];
  if (token === undefined) return null;
  await db.query(
    `update api_tokens set last_used_at = now()
      where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    [token.id],
  );
  return token;
}

/** False when there is no such living token. */
export async function revokeToken(db: Queryable, id: number): Promise<boolean> {
  const { rowCount } = await db.query(
    "update api_tokens set revoked_at = now() where id = $1 and revoked_at is null",
    [id],
  );
  return rowCount === 1;
}

const hashToken = (secret: string): Buffer => createHash("sha256").update(secret).digest();
