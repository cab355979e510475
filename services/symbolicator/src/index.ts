/** The worker: takes jobs, processes crashes, makes symbol caches, keeps house. */
import { openBlobStore, openPool, openQueue, openWorker } from "@faultline/shared";
import type { Config, Logger, QueueName, Registry } from "@faultline/shared";
import { openAttachments } from "./attachments.ts";
import { batchLoads, batchSaves } from "./batches.ts";
import { openEngine } from "./engine.ts";
import { POOL_CONNECTIONS, QUERY_TIMEOUT_MS } from "./limits.ts";
import { createMetrics } from "./metrics.ts";
import { processCrash, type Tools } from "./process-crash.ts";
import { openReleaseFiles } from "./release-files.ts";
import { buildSymbolCaches } from "./symbols.ts";
import { startUpkeep } from "./upkeep.ts";

export { serveMetrics, type MetricsServer } from "./metrics-server.ts";

export interface Symbolicator {
  /** Its metrics, for `serveMetrics` or a server that has an endpoint already. */
  readonly registry: Registry;
  /** Takes no more jobs, finishes and saves those under way, ends the threads. */
  close(): Promise<void>;
}

/** Starts to work at once. Rejects when the blob store cannot be opened; a database or queue that is away is waited for. */
export async function startSymbolicator(config: Config, log: Logger): Promise<Symbolicator> {
  const blobs = await openBlobStore(config.blobs);
  const pool = openPool(config.databaseUrl, "symbolicator", POOL_CONNECTIONS, QUERY_TIMEOUT_MS);
  const metrics = createMetrics();
  metrics.threads.set(config.threads);
  const warn = (error: Error): void => log.warn({ err: error }, "symbolicator");

  const files = openReleaseFiles(pool, blobs, metrics);
  const engine = openEngine({ threads: config.threads, files, metrics, onError: warn });
  const tools: Tools = {
    load: batchLoads(pool, metrics),
    attachments: openAttachments(pool, blobs),
    engine,
    save: batchSaves(pool, metrics),
    metrics,
  };
  const atOnce = Math.max(1, config.threads - 1);
  const symbolTools = { pool, blobs, engine, atOnce, metrics };

  /** Passes a job's failure on to the queue, which tries it again, and says so. */
  const reporting = async (queue: QueueName, job: object, work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      metrics.jobErrors.inc({ queue });
      log.warn({ err: error, queue, ...job }, "a job failed, it is tried again");
      throw error;
    }
  };
  const crashWorker = openWorker(
    config,
    "crashes",
    config.concurrency,
    (job, stalls) => reporting("crashes", job, processCrash(job, stalls, tools)),
    warn,
  );
  const symbolWorker = openWorker(
    config,
    "symbols",
    1,
    (job) =>
      reporting("symbols", { files: job.sha256s.length }, buildSymbolCaches(job, symbolTools)),
    warn,
  );
  const crashes = openQueue(config, "crashes", warn);
  const symbols = openQueue(config, "symbols", warn);
  const upkeep = startUpkeep({ config, pool, crashes, symbols, metrics, log });

  return {
    registry: metrics.registry,
    async close() {
      await Promise.all([crashWorker.close(), symbolWorker.close(), upkeep.close()]);
      await Promise.all([crashes.close(), symbols.close(), engine.close()]);
      await pool.end();
    },
  };
}
