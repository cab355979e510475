/** The worker: takes jobs, processes crashes, makes symbol caches, keeps house. */
import { openBlobStore, openPool, openQueue } from "@faultline/shared";
import type { Config, Logger, Registry } from "@faultline/shared";
import { openAttachments, triedAgain } from "./attachments.ts";
import { batchLoads, batchSaves } from "./batches.ts";
import { openEngine } from "./engine.ts";
import {
  ATTACHMENT_BYTES_UNDER_WAY,
  MAX_NATIVE_BUILDS,
  POOL_CONNECTIONS,
  QUERY_TIMEOUT_MS,
} from "./limits.ts";
import { createMetrics } from "./metrics.ts";
import { openNativeBuilder } from "./native/builder.ts";
import { runNativeJob } from "./native/native-job.ts";
import { openSymbolCaches } from "./native/symbol-caches.ts";
import { openRules } from "./grouping-rules.ts";
import { processCrash, type Tools } from "./process-crash.ts";
import { openReleaseFiles } from "./release-files.ts";
import { openJoining } from "./joining/joining.ts";
import { openRepairs } from "./reprocess/repairs.ts";
import { buildSymbolCaches } from "./symbols.ts";
import { startUpkeep } from "./upkeep.ts";
import { startWorkers, type Handlers } from "./workers.ts";

export { serveMetrics, type MetricsServer } from "./metrics-server.ts";

export interface Symbolicator {
  /** Its metrics, for `serveMetrics` or a server that has an endpoint already. */
  readonly registry: Registry;
  /** Takes no more jobs, finishes and saves those under way, ends the threads. */
  close(): Promise<void>;
}

const MIB = 1024 * 1024;

/** Starts to work at once. Rejects when the blob store cannot be opened; a database or queue that is away is waited for. */
export async function startSymbolicator(config: Config, log: Logger): Promise<Symbolicator> {
  const blobs = await openBlobStore(config.blobs);
  const pool = openPool(config.databaseUrl, "symbolicator", POOL_CONNECTIONS, QUERY_TIMEOUT_MS);
  const metrics = createMetrics();
  const warn = (error: Error): void => log.warn({ err: error }, "symbolicator");

  const files = openReleaseFiles(pool, blobs, metrics);
  const symbolCaches = openSymbolCaches(pool, blobs, metrics, config.symbolCacheMib * MIB);
  const { threads } = config;
  metrics.threads.set(threads);
  const engine = openEngine({ threads, files, symbolCaches, metrics, onError: warn });
  const rules = openRules(pool);
  const tools: Tools = {
    load: batchLoads(pool, metrics),
    attachments: openAttachments(blobs, triedAgain(pool), ATTACHMENT_BYTES_UNDER_WAY),
    engine,
    rules,
    save: batchSaves(pool, metrics),
    metrics,
  };
  const atOnce = Math.max(1, threads - 1);
  const symbolTools = { pool, blobs, engine, atOnce, metrics };

  const builder = openNativeBuilder({ memoryMib: config.buildMib });
  const nativeTools = { pool, blobs, builder, metrics };
  const handlers: Handlers = {
    crashes: {
      atOnce: config.concurrency,
      work: (job, stalls) => processCrash(job, stalls, tools),
      about: (job) => job,
    },
    symbols: {
      atOnce: 1,
      work: (job) => buildSymbolCaches(job, symbolTools),
      about: ({ sha256s }) => ({ files: sha256s.length }),
    },
    natives: {
      atOnce: MAX_NATIVE_BUILDS,
      work: (job) => runNativeJob(job, nativeTools),
      about: (job) => job,
    },
  };
  const workers = startWorkers(config, handlers, metrics, log);
  const queues = openQueues(config, warn);
  const repairs = openRepairs({ pool, blobs, engine, rules, metrics, log });
  const joining = openJoining({ pool, engine, metrics, log });
  const upkeep = startUpkeep({ config, pool, blobs, ...queues, metrics, log });

  return {
    registry: metrics.registry,
    async close() {
      // a build may take minutes: it is given up, and made by whoever comes next
      const working = [builder, ...workers, repairs, joining, upkeep];
      await Promise.all(working.map((one) => one.close()));
      await Promise.all([...Object.values(queues), engine].map((one) => one.close()));
      await pool.end();
    },
  };
}

const openQueues = (config: Config, onError: (error: Error) => void) => ({
  crashes: openQueue(config, "crashes", onError),
  symbols: openQueue(config, "symbols", onError),
  natives: openQueue(config, "natives", onError),
});
