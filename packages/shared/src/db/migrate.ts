/** Applies migrations/NNNN_name.sql in order, each once, each in its own transaction. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { Pool } from "./pool.ts";

/** Any number of processes may migrate at once: this advisory lock lets one at a time. */
const LOCK = 0x0fa1_7001;

export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

const folder = new URL("../../../../migrations/", import.meta.url);

/** Returns the names applied now. Throws MigrationError when a released file was edited since. */
export async function migrate(pool: Pool): Promise<readonly string[]> {
  const files = (await readdir(folder)).filter((name) => /^\d{4}_.+\.sql$/.test(name)).toSorted();
  const client = await pool.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [LOCK]);
    await client.query(
      "create table if not exists migrations (name text primary key, sha256 text not null, applied_at timestamptz not null default now())",
    );
    const { rows } = await client.query<{ name: string; sha256: string }>(
      "select name, sha256 from migrations",
    );
    const done = new Map(rows.map((row) => [row.name, row.sha256]));
    const applied: string[] = [];
    for (const name of files) {
      const sql = await readFile(new URL(name, folder), "utf8");
      const sha256 = createHash("sha256").update(sql).digest("hex");
      const before = done.get(name);
      if (before === sha256) continue;
      if (before !== undefined) {
        throw new MigrationError(
          `migrations/${name} was edited after it was applied; add a new file instead`,
        );
      }
      await client.query("begin");
      try {
        await client.query(sql);
        await client.query("insert into migrations (name, sha256) values ($1, $2)", [name, sha256]);
        await client.query("commit");
      } catch (error) {
        await client.query("rollback");
        throw new MigrationError(`migrations/${name}: ${(error as Error).message}`, {
          cause: error,
        });
      }
      applied.push(name);
    }
    return applied;
  } finally {
    await client.query("select pg_advisory_unlock($1)", [LOCK]).catch(() => undefined);
    client.release();
  }
}
