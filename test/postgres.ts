/**
 * A fresh, migrated database for a test file, on the Postgres that global-postgres.ts started (or the
 * one named by FAULTLINE_TEST_DATABASE_URL, whose user may create databases).
 */
import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { openPool, type Pool } from "@faultline/shared";
import { createMigratedDatabase } from "./postgres-server.ts";

export interface TestDatabase {
  readonly url: string;
  readonly pool: Pool;
  /** Closes the pool and drops the database. */
  drop(): Promise<void>;
}

declare module "vitest" {
  interface ProvidedContext {
    adminDatabaseUrl: string;
  }
}

export async function freshDatabase(): Promise<TestDatabase> {
  const adminUrl = inject("adminDatabaseUrl");
  const name = `test_${randomBytes(6).toString("hex")}`;
  const url = withDatabase(adminUrl, name);
  await createMigratedDatabase(adminUrl, name, url);
  const pool = openPool(url, "test", 10);
  return {
    url,
    pool,
    async drop() {
      await pool.end();
      const admin = openPool(adminUrl, "test-admin", 1);
      try {
        await admin.query(`drop database ${name} with (force)`);
      } finally {
        await admin.end();
      }
    },
  };
}

/** What crashes leave behind, but for what their lacks stand for: a worker notes that once a day. */
const crashTables = (
  "crashes pending crash_keys reports crash_tags crash_lacks repairs repair_groups " +
  "groups group_keys group_activity group_hours group_facets group_tags sightings"
).split(" ");

/**
 * Empties the tables of crashes and `others`; projects, tokens and symbols stay. By `delete`: for the
 * few rows of a test it is quick, while `truncate` makes new files for every index of every partition.
 */
export async function clearCrashes(pool: Pool, ...others: readonly string[]): Promise<void> {
  const deletions = [...crashTables, ...others].map(
    (table) => `cleared_${table} as (delete from ${table})`,
  );
  await pool.query(`with ${deletions.join(", ")} select 1`);
}

/** The same server, another database: the name is the path's last part. */
export function withDatabase(url: string, name: string): string {
  const [before, query] = url.split("?", 2);
  const base = (before as string).replace(/\/[^/]*$/, `/${name}`);
  return query === undefined ? base : `${base}?${query}`;
}
