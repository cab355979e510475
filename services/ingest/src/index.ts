/** Starts ingest: opens what the app needs, listens, and closes it all in the order that loses nothing. */
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import {
  countWaiting,
  ensurePartitions,
  listIngestKeys,
  openBlobStore,
  openPool,
  openQueue,
  type Config,
  type JobQueue,
  type Logger,
  type Pool,
  type QueueName,
  type Registry,
} from "@faultline/shared";
import { buildApp, type App, type Deps } from "./app.ts";
import { openIngestKeys } from "./auth/ingest-keys.ts";
import { ACCEPT_TIMEOUT_MS, MAX_SPOOL_BYTES, QUERY_TIMEOUT_MS } from "./limits.ts";
import { addGauges, createMetrics } from "./metrics.ts";
import type { Health } from "./routes/health.ts";
import { openCrashStore, type CrashStore } from "./store/crash-store.ts";
import { createPublisher } from "./store/publish.ts";
import { openSpool, type Spool } from "./store/spool.ts";
import { clearStaleUploads } from "./symbols/upload-folder.ts";

export { buildApp, type App, type Deps } from "./app.ts";

export interface Ingest {
  /** Where it listens, without a closing slash. */
  readonly url: string;
  readonly port: number;
  /** Answers what is under way, then closes everything. */
  close(): Promise<void>;
}

export interface IngestExtras {
  /** Where metrics are counted; a registry of its own by default. */
  readonly registry?: Registry;
  /** Beyond it crashes are refused while Postgres is away. */
  readonly maxSpoolBytes?: number;
}

const PARTITIONS_MS = 3_600_000;
const ACCEPT_CONNECTIONS = 3;
const QUERY_CONNECTIONS = 5;

/** The app without a port; `close` ends it and all that was opened for it. */
export async function openApp(
  config: Config,
  log: Logger,
  extras: IngestExtras = {},
): Promise<{ app: App; close: () => Promise<void> }> {
  const closing = new AsyncDisposableStack();
  try {
    const app = await open(config, log, extras, closing);
    return { app, close: () => closing.disposeAsync() };
  } catch (error) {
    await closing.disposeAsync();
    throw error;
  }
}

/** Rejects when the port is taken or a folder cannot be written; Postgres and the queue may be away. */
export async function startIngest(
  config: Config,
  log: Logger,
  extras: IngestExtras = {},
): Promise<Ingest> {
  const { app, close } = await openApp(config, log, extras);
  try {
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    await close();
    throw error;
  }
  const { address, port, family } = app.server.address() as AddressInfo;
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  log.info({ url }, "ingest listens");
  return { url, port, close };
}

/** Closed in reverse: first no more requests, then what they left behind. */
async function open(
  config: Config,
  log: Logger,
  extras: IngestExtras,
  closing: AsyncDisposableStack,
): Promise<App> {
  const end = async (pool: Pool): Promise<void> => pool.end();
  const accept = closing.adopt(
    openPool(config.databaseUrl, "accept", ACCEPT_CONNECTIONS, ACCEPT_TIMEOUT_MS),
    end,
  );
  const db = closing.adopt(
    openPool(config.databaseUrl, "ingest", QUERY_CONNECTIONS, QUERY_TIMEOUT_MS),
    end,
  );
  const metrics = createMetrics(extras.registry);
  const blobs = await openBlobStore(config.blobs);
  const spool = await openSpool(config.spool, extras.maxSpoolBytes);
  const uploads = join(config.spool, "uploads");
  await clearStaleUploads(uploads);
  const close = async (one: { close(): Promise<void> | void }): Promise<void> => one.close();
  const queues = openQueues(config, log, closing);
  const publisher = closing.adopt(createPublisher(queues.crashes, metrics, log), close);
  const store = closing.adopt(
    openCrashStore({ pool: accept, spool, publish: publisher.publish, metrics, log }),
    close,
  );
  const keyFile = join(config.spool, "ingest-keys.json");
  const keys = closing.adopt(
    await openIngestKeys({ list: () => listIngestKeys(db), file: keyFile, log }),
    close,
  );
  closing.defer(keepPartitions(db, log));
  addGauges(metrics.registry, {
    spool: () => spool,
    queueDepth: (queue) => queues[queue].depth(),
    waiting: () => countWaiting(db),
  });
  const health = (): Promise<Health> =>
    checkHealth(db, store, spool, queues.crashes, extras.maxSpoolBytes ?? MAX_SPOOL_BYTES);
  const deps: Deps = {
    db,
    keys,
    store,
    blobs,
    keepEnvironment: config.keepEnvironment,
    rawRetentionDays: config.rawRetentionDays,
    symbolJobs: queues.symbols,
    nativeJobs: queues.natives,
    metrics,
    health,
    uploads,
    url: config.url,
    log,
  };
  return closing.adopt(await buildApp(deps), (app) => app.close());
}

function openQueues(config: Config, log: Logger, closing: AsyncDisposableStack) {
  const onError = (error: Error): void => log.debug({ err: error }, "queue");
  const opened = <Name extends QueueName>(name: Name): JobQueue<Name> =>
    closing.adopt(openQueue(config, name, onError), (queue) => queue.close());
  return { crashes: opened("crashes"), symbols: opened("symbols"), natives: opened("natives") };
}

/** Partitions of the days ahead; returns what ends it, after the round under way. */
function keepPartitions(db: Pool, log: Logger): () => Promise<void> {
  const ensure = (): Promise<void> =>
    ensurePartitions(db, Date.now()).catch((error: unknown) =>
      log.warn({ err: error }, "partitions cannot be made yet"),
    );
  let round = ensure();
  const timer = setInterval(() => {
    round = ensure();
  }, PARTITIONS_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await round;
  };
}

async function checkHealth(
  db: Pool,
  store: CrashStore,
  spool: Spool,
  queue: JobQueue<"crashes">,
  maxSpoolBytes: number,
): Promise<Health> {
  const [database, depth] = await Promise.all([
    db.query("select 1").then(
      () => true,
      () => false,
    ),
    queue.depth().catch(() => null),
  ]);
  const { crashes, bytes } = spool;
  const canSpool = bytes < maxSpoolBytes;
  const status = database && !store.spooling ? "ready" : canSpool ? "spooling" : "unready";
  return {
    status,
    database,
    spool: { crashes, bytes },
    queue: { reachable: depth !== null, depth },
  };
}
