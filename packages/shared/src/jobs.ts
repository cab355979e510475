/** The queues between ingest and the symbolicators: BullMQ, on Redis when configured, else in Postgres. */
import {
  createPostgresBackend,
  Queue,
  Worker,
  type Job,
  type JobsOptions,
  type JobType,
} from "bullmq";
import { Redis } from "ioredis";
import type { Config } from "./config.ts";
import { LastingClient } from "./db/pool.ts";
import { keepTrying, reopening } from "./reopening.ts";

/** One crash to process; the job's id is the crash's id, so a repeat is harmless. */
export interface CrashJob {
  readonly crashId: string;
}

/** Symbol files whose caches are to be made; the job's id is the hash of their names. */
export interface SymbolsJob {
  /** Hex. */
  readonly sha256s: readonly string[];
}

/** Native symbol files to be looked at, and modules whose caches are to be built; both may have been done since. */
export interface NativeJob {
  /** Hex. */
  readonly sha256s: readonly string[];
  readonly debugIds: readonly string[];
}

/**
 * What each queue holds. Native symbols have their own: a build may take minutes, and neither crashes nor
 * Python files wait behind one.
 */
export interface Jobs {
  readonly crashes: CrashJob;
  readonly symbols: SymbolsJob;
  readonly natives: NativeJob;
}
export type QueueName = keyof Jobs;
export type JobData<Name extends QueueName> = Jobs[Name];

/** Where jobs are put. */
export interface JobQueue<Name extends QueueName> {
  /** Adds jobs by id; one that waits already under its id stays as it is. */
  add(jobs: readonly { id: string; data: JobData<Name> }[]): Promise<void>;
  /** Jobs that wait or are under way. */
  depth(): Promise<number>;
  close(): Promise<void>;
}

export interface JobWorker {
  /** Finishes the jobs under way, takes no more. */
  close(): Promise<void>;
}

/** Settings shared by both backends: a finished job leaves nothing behind, the tables tell what happened. */
const jobOptions = {
  attempts: 10,
  backoff: { type: "exponential", delay: 500, jitter: 0.5 },
  removeOnComplete: true,
  removeOnFail: true,
} as const;

/** Events that BullMQ keeps for listeners; nothing of ours listens. */
const KEPT_EVENTS = 100;

/** Redis may be away for as long as it likes; a command that has waited this long for it is given up. */
const ADD_TIMEOUT_MS = 5_000;

/** The queue cannot be reached; the jobs are to be added again later. */
export class QueueAwayError extends Error {
  override readonly name = "QueueAwayError";
}

export function openQueue<Name extends QueueName>(
  config: Config,
  name: Name,
  onError: (error: Error) => void,
): JobQueue<Name> {
  const queue =
    config.redisUrl === null
      ? postgresQueue(config, name, onError)
      : redisQueue(config.redisUrl, name, onError);
  return {
    async add(jobs) {
      const added = queue
        .ready()
        .then((bull) =>
          bull.addBulk(
            jobs.map(({ id, data }) => ({ name, data, opts: { ...jobOptions, jobId: id } })),
          ),
        );
      await within(ADD_TIMEOUT_MS, added, `queue ${name}: no answer within ${ADD_TIMEOUT_MS} ms`);
    },
    async depth() {
      const bull = await queue.ready();
      const counts = await bull.getJobCounts("waiting", "active", "delayed", "prioritized");
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    },
    close: () => queue.close(),
  };
}

/** What both backends' queues have in common, as far as it is used here. */
interface AnyQueue {
  addBulk(jobs: { name: string; data: unknown; opts: JobsOptions }[]): Promise<unknown>;
  getJobCounts(...states: JobType[]): Promise<Record<string, number>>;
  close(): Promise<void>;
}

interface OpenQueue {
  /** Rejects while a command would only wait for the connection. */
  ready(): Promise<AnyQueue>;
  close(): Promise<void>;
}

const streams = { events: { maxLen: KEPT_EVENTS } };

type OnError = (error: Error) => void;

function postgresQueue(config: Config, name: QueueName, onError: OnError): OpenQueue {
  return reopening(() => {
    const options = { connection: postgresConnection(config), streams };
    return new Queue(name, options, createPostgresBackend).on("error", onError);
  });
}

function redisQueue(url: string, name: QueueName, onError: OnError): OpenQueue {
  // A queue whose first connection gives up stays broken for good (seen with bullmq 6.7 when Redis
  // starts after ingest), so the connection never gives up and `ready` keeps callers from waiting.
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const bull = new Queue(name, { connection, prefix: PREFIX, streams }).on("error", onError);
  return {
    async ready() {
      if (connection.status === "ready") return bull;
      throw new QueueAwayError(`queue ${name}: Redis cannot be reached`);
    },
    async close() {
      if (connection.status === "ready") await bull.close();
      connection.disconnect();
    },
  };
}

async function within<T>(ms: number, promise: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new QueueAwayError(message)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs `work` for every job, `concurrency` at once; a rejected job is tried again later. `stalls`: how
 * often the job was taken from a worker that was not heard of any more, so most likely died.
 */
export function openWorker<Name extends QueueName>(
  config: Config,
  name: Name,
  concurrency: number,
  work: (data: JobData<Name>, stalls: number) => Promise<void>,
  onError: (error: Error) => void,
): JobWorker {
  const process = async (job: Job<JobData<Name>>): Promise<void> =>
    await work(job.data, job.stalledCounter);
  const options = {
    concurrency,
    lockDuration: LOCK_MS,
    stalledInterval: LOCK_MS / 2,
    maxStalledCount: 10,
  };
  if (config.redisUrl === null) {
    const connection = postgresConnection(config);
    const worker = reopening(() =>
      new Worker(name, process, { ...options, connection }, createPostgresBackend).on(
        "error",
        onError,
      ),
    );
    const kept = keepTrying(worker, onError);
    return { close: () => closeSoon(kept.close()) };
  }
  const connection = new Redis(config.redisUrl, { maxRetriesPerRequest: null });
  const worker = new Worker(name, process, { ...options, connection, prefix: PREFIX });
  worker.on("error", onError);
  return {
    async close() {
      await closeSoon(worker.close());
      connection.disconnect();
    },
  };
}

/** A worker tells the queue of its last jobs for as long as that is away; they will be run again, and found done. */
const CLOSE_TIMEOUT_MS = 15_000;

const closeSoon = (closed: Promise<void>): Promise<void> =>
  within(CLOSE_TIMEOUT_MS, closed, "the queue is away").catch((error: unknown) => {
    if (!(error instanceof QueueAwayError)) throw error;
  });

/** A job whose worker has not been heard of for this long is given to another: harmless should it live. */
const LOCK_MS = 10_000;
const PREFIX = "faultline";

/** A job lost with the server's last half second is added again by the sweep, so nothing waits for the disk. */
const postgresConnection = (config: Config) => ({
  connectionString: config.databaseUrl,
  options: "-c synchronous_commit=off",
  schema: "queue",
  migrate: true,
  max: 4,
  Client: LastingClient,
});
