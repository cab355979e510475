/** Starts the one Postgres that all test files share, before the first of them; ends it after the last. */
import type { TestProject } from "vitest/node";
import { startPostgresServer } from "./postgres-server.ts";

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  const given = process.env["FAULTLINE_TEST_DATABASE_URL"];
  if (given !== undefined) {
    project.provide("adminDatabaseUrl", given);
    return;
  }
  const server = await startPostgresServer();
  project.provide("adminDatabaseUrl", server.url("postgres"));
  return () => server.close();
}
