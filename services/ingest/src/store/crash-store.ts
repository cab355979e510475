/**
 * Where accepted crashes go: Postgres in micro-batches; while it is away, the spool, which drains by
 * itself when it is back. Either way a crash is durable before its answer.
 *
 * Away: one failed batch sends everything after it straight to the spool, so that no request waits for
 * a timeout of its own. Back: the first drained batch opens the direct way again, the rest of the spool
 * follows beside it. The order of crashes carries no meaning; their ids keep their times.
 */
import {
  createBatcher,
  type Accepted,
  type Batcher,
  type Logger,
  type NewCrash,
  type Pool,
} from "@faultline/shared";
import { MAX_BATCH_BYTES, MAX_BATCH_CRASHES } from "../limits.ts";
import type { IngestMetrics } from "../metrics.ts";
import type { Spool, SpooledCrash } from "./spool.ts";
import { isRowFault, writeCrashes, writeLateCrashes } from "./write-crashes.ts";

export interface CrashStore {
  /** Resolves when the crash is on durable storage; rejects with CannotStoreError. */
  put(crash: NewCrash): Promise<Accepted>;
  /** True while crashes go to the spool. */
  readonly spooling: boolean;
  /** Ends the draining; what is in the spool stays there. */
  close(): Promise<void>;
}

export interface CrashStoreOptions {
  readonly pool: Pool;
  readonly spool: Spool;
  /** Told of every crash that has come into Postgres just now. */
  readonly publish: (crashId: string) => void;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
}

const LANES = 2;
const RETRY_MS = 1_000;

export function openCrashStore(options: CrashStoreOptions): CrashStore {
  return new SpoolingStore(options);
}

class SpoolingStore implements CrashStore {
  spooling: boolean;
  readonly #options: CrashStoreOptions;
  readonly #batcher: Batcher<NewCrash, Accepted>;
  /** Ids of the crashes put into the spool since it was last empty, by what tells a repeat. */
  readonly #aside = new Map<string, Promise<string>>();
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #draining: Promise<void> | null = null;

  constructor(options: CrashStoreOptions) {
    this.#options = options;
    this.#batcher = createBatcher({
      most: MAX_BATCH_CRASHES,
      lanes: LANES,
      weigh: weightOf,
      heaviest: MAX_BATCH_BYTES,
      act: async (crashes) => {
        options.metrics.batchCrashes.observe(crashes.length);
        return await writeCrashes(options.pool, crashes);
      },
    });
    this.spooling = false;
    if (options.spool.crashes > 0) this.#drainSoon(0);
  }

  async put(crash: NewCrash): Promise<Accepted> {
    if (this.spooling) return await this.#putAside(crash);
    try {
      const accepted = await this.#batcher.add(crash);
      if (!accepted.duplicate) this.#options.publish(accepted.id);
      return accepted;
    } catch (error) {
      this.#away(error);
      return await this.#putAside(crash);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#draining;
  }

  /** Into the spool; a client that sends again while Postgres is away is told the id it has there. */
  async #putAside(crash: NewCrash): Promise<Accepted> {
    const name = nameOf(crash);
    const known = this.#aside.get(name);
    if (known !== undefined) return { id: await known, duplicate: true };
    const written = this.#options.spool.write(crash).then(() => crash.id);
    this.#aside.set(name, written);
    try {
      await written;
    } catch (error) {
      this.#aside.delete(name);
      throw error;
    }
    this.#options.metrics.spooled.inc();
    this.#drainSoon(RETRY_MS);
    return { id: crash.id, duplicate: false };
  }

  #away(error: unknown): void {
    if (this.spooling || isRowFault(error)) return;
    this.spooling = true;
    this.#drainSoon(RETRY_MS); // also when the spool will take nothing: somebody must notice that Postgres is back
    this.#options.log.error({ err: error }, "Postgres does not take crashes: they go to the spool");
  }

  #drainSoon(delay: number): void {
    if (this.#closed || this.#timer !== undefined || this.#draining !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#draining = this.#drain().finally(() => {
        this.#draining = null;
        if (this.spooling || this.#options.spool.crashes > 0) this.#drainSoon(RETRY_MS);
      });
    }, delay);
  }

  /** Moves crashes until the spool is empty or Postgres refuses. */
  async #drain(): Promise<void> {
    const { pool, spool, log, metrics } = this.#options;
    try {
      while (!this.#closed) {
        const { crashes, damaged } = await spool.oldest(MAX_BATCH_CRASHES);
        for (const { file, reason } of damaged) {
          metrics.spoolDamaged.inc();
          log.error({ file, reason }, "a spooled crash is damaged: it was set aside");
        }
        if (crashes.length > 0) await this.#move(crashes);
        else if (this.spooling) await pool.query("select 1");
        if (this.spooling) log.info({ left: spool.crashes }, "Postgres takes crashes again");
        this.spooling = false;
        if (crashes.length + damaged.length > 0) continue;
        this.#aside.clear();
        return;
      }
    } catch (error) {
      log.warn({ err: error, left: spool.crashes }, "the spool cannot be drained yet");
    }
  }

  async #move(crashes: readonly SpooledCrash[]): Promise<void> {
    const { pool, spool, publish } = this.#options;
    try {
      const accepted = await writeLateCrashes(
        pool,
        crashes.map(({ crash }) => crash),
      );
      await spool.remove(crashes.map(({ file }) => file));
      for (const { id, duplicate } of accepted) if (!duplicate) publish(id);
    } catch (error) {
      if (!isRowFault(error)) throw error;
      await this.#moveOneByOne(crashes, error);
    }
  }

  /** One of them is such that Postgres cannot hold it: the others must not wait for it. */
  async #moveOneByOne(crashes: readonly SpooledCrash[], error: unknown): Promise<void> {
    const [only] = crashes;
    if (only === undefined) return;
    if (crashes.length > 1) {
      for (const crash of crashes) await this.#move([crash]);
      return;
    }
    await this.#options.spool.setAside(only.file);
    this.#options.metrics.spoolDamaged.inc();
    this.#options.log.error(
      { err: error, file: only.file },
      "Postgres refuses a spooled crash: it was set aside",
    );
  }
}

/** What makes two submissions one crash: the key, else the client's own id. */
const nameOf = ({ projectId, key, id }: NewCrash): string =>
  `${projectId}/${key === null ? id : Buffer.from(key.key).toString("hex")}`;

/** Bytes, as far as they can be many. */
function weightOf({ content, metadata }: NewCrash): number {
  const modules = metadata.modules.length === 0 ? 0 : JSON.stringify(metadata.modules).length;
  return (content?.length ?? 0) + modules + 1_024;
}
