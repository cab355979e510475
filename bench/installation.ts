/** What a benchmark of whole services runs on: storage, ingest and symbolicator as separate processes. */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { openPool, type Pool } from "@faultline/shared";
import {
  createAccess,
  startIngest,
  startSymbolicator,
  type Access,
  type IngestProcess,
  type Installation,
  type ServiceProcess,
} from "../test/services.ts";
import { say } from "./measuring.ts";
import { openStorage, type Storage } from "./storage.ts";

export interface Installed {
  readonly installation: Installation & Storage;
  readonly pool: Pool;
}

export interface Services {
  readonly ingest: IngestProcess;
  readonly symbolicator: ServiceProcess;
  readonly access: Access;
}

/** With storage that is gone afterwards. */
export async function withStorage(work: (installed: Installed) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "faultline-bench-"));
  const storage = await openStorage();
  const pool = openPool(storage.databaseUrl, "bench", 2);
  try {
    say(`${storage.description}; ${availableParallelism()} cores, the load generator on them too`);
    await work({ installation: { ...storage, folder }, pool });
  } finally {
    await pool.end();
    await storage.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** With both services running. */
export async function withServices(
  installation: Installation,
  work: (services: Services) => Promise<void>,
): Promise<void> {
  const access = await createAccess(installation.databaseUrl);
  const ingest = await startIngest(installation);
  const symbolicator = startSymbolicator(installation);
  try {
    await work({ ingest, symbolicator, access });
  } finally {
    await Promise.all([ingest.stop(), symbolicator.stop()]);
  }
}
