/** A whole installation for a test: Postgres, the queue, a folder, a project with its key and token. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPool, type Pool } from "@faultline/shared";
import { startPostgresServer } from "../postgres-server.ts";
import {
  createAccess,
  startIngest,
  startSymbolicator,
  type Access,
  type IngestProcess,
  type Installation,
  type ServiceProcess,
} from "../services.ts";

/** Sweeps often, so that a test of what was lost does not wait long. */
const settings = { FAULTLINE_SWEEP_MS: "300", FAULTLINE_SWEEP_AFTER_MS: "1500" };

export interface TestInstallation extends Access {
  readonly installation: Installation;
  readonly pool: Pool;
  ingest(port?: number): Promise<IngestProcess>;
  symbolicator(): ServiceProcess;
  /** What the services logged, to be shown when a test fails. */
  logs(): string;
  /** Ends every service that was started, then the servers. */
  close(): Promise<void>;
}

/** Postgres alone, the queue on it: what `faultline start` brings along. */
export async function embeddedInstallation(): Promise<TestInstallation> {
  const postgres = await startPostgresServer();
  const made = await install(await postgres.createDatabase(), null);
  return { ...made, close: () => made.close().then(() => postgres.close()) };
}

/** On servers that run already; `close` leaves them running. */
export async function install(
  databaseUrl: string,
  redisUrl: string | null,
): Promise<TestInstallation> {
  const folder = await mkdtemp(join(tmpdir(), "faultline-test-"));
  const access = await createAccess(databaseUrl);
  const pool = openPool(databaseUrl, "test", 4);
  const installation = { databaseUrl, redisUrl, folder, settings };
  const started: ServiceProcess[] = [];
  const keep = <S extends ServiceProcess>(service: S): S => {
    started.push(service);
    return service;
  };
  return {
    ...access,
    installation,
    pool,
    ingest: async (port) => keep(await startIngest(installation, port)),
    symbolicator: () => keep(startSymbolicator(installation)),
    logs: () => started.map((service) => service.log()).join("\n"),
    async close() {
      await Promise.all(started.map((service) => service.stop()));
      await pool.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
