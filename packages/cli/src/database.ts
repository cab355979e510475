/** The database that an administration command works on. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openPool, type Pool } from "@faultline/shared";
import { runningPostgresUrl, startEmbeddedPostgres } from "./embedded-postgres.ts";
import { CliError } from "./error.ts";

export const DEFAULT_DATA = "data";

/**
 * Runs `work` on the database of data folder `data`, else of DATABASE_URL, else of ./data.
 *
 * A data folder whose faultline runs is reached through it; otherwise its Postgres is started for the moment.
 */
export async function withDatabase<T>(
  data: string | undefined,
  work: (pool: Pool) => Promise<T>,
): Promise<T> {
  const url = process.env["DATABASE_URL"];
  if (data === undefined && url) return await withPool(url, work);
  const folder = data ?? DEFAULT_DATA;
  const running = runningPostgresUrl(folder);
  if (running !== null) return await withPool(running, work);
  if (!existsSync(join(folder, "postgres"))) {
    throw new CliError(
      "not-found",
      `there is no database in ${folder}: give --data DIR of a "faultline start", or set DATABASE_URL`,
    );
  }
  const postgres = await startEmbeddedPostgres(folder);
  try {
    return await withPool(postgres.url, work);
  } finally {
    await postgres.stop();
  }
}

export async function withPool<T>(url: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = openPool(url, "cli", 2);
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}
