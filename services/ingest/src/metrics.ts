/** What ingest counts and measures. README.md lists every name; a test holds the two together. */
import { Counter, Gauge, Histogram, Registry, type QueueName } from "@faultline/shared";

export interface IngestMetrics {
  readonly registry: Registry;
  readonly accepted: Counter;
  readonly duplicate: Counter;
  readonly refused: Counter<"code">;
  readonly spooled: Counter;
  readonly spoolDamaged: Counter;
  readonly unqueued: Counter;
  readonly batchCrashes: Histogram;
  readonly requests: Histogram<"method" | "route" | "status">;
  readonly symbolFiles: Counter<"status">;
}

/** What is asked at every scrape. Rejecting leaves the gauge out of that scrape's news, at its last value. */
export interface Gauges {
  readonly spool: () => { crashes: number; bytes: number };
  readonly queueDepth: (queue: QueueName) => Promise<number>;
  readonly waiting: () => Promise<{ count: number; oldest: Date | null }>;
}

const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

export function createMetrics(registry = new Registry()): IngestMetrics {
  const registers = [registry];
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });
  return {
    registry,
    accepted: counter("faultline_crashes_accepted_total", "Crashes stored and answered 200"),
    duplicate: counter(
      "faultline_crashes_duplicate_total",
      "Crashes answered 200 that were there before",
    ),
    refused: new Counter({
      name: "faultline_requests_refused_total",
      help: "Requests answered with an error, by its code",
      labelNames: ["code"],
      registers,
    }),
    spooled: counter(
      "faultline_crashes_spooled_total",
      "Crashes that went to the spool because Postgres was away",
    ),
    spoolDamaged: counter(
      "faultline_spool_damaged_total",
      "Spooled crashes set aside because they cannot be stored",
    ),
    unqueued: counter(
      "faultline_jobs_unqueued_total",
      "Jobs left to the sweep because the queue was away",
    ),
    batchCrashes: new Histogram({
      name: "faultline_batch_crashes",
      help: "Crashes written to Postgres at once",
      buckets: BATCH_BUCKETS,
      registers,
    }),
    requests: new Histogram({
      name: "faultline_request_duration_seconds",
      help: "Time from a request's headers to the end of its answer",
      labelNames: ["method", "route", "status"],
      buckets: SECONDS_BUCKETS,
      registers,
    }),
    symbolFiles: new Counter({
      name: "faultline_symbol_files_total",
      help: "Files of symbol uploads, by what became of them",
      labelNames: ["status"],
      registers,
    }),
  };
}

export function addGauges(registry: Registry, gauges: Gauges): void {
  const gauge = (name: string, help: string, read: () => number | Promise<number>): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const value = await Promise.resolve(read()).catch(() => null);
        if (value !== null) this.set(value);
      },
    });
  };
  gauge("faultline_spool_crashes", "Crashes in this machine's spool", () => gauges.spool().crashes);
  gauge("faultline_spool_bytes", "Bytes in this machine's spool", () => gauges.spool().bytes);
  gauge(
    "faultline_pending_crashes",
    "Crashes in Postgres that wait for processing",
    async () => (await gauges.waiting()).count,
  );
  gauge("faultline_pending_oldest_seconds", "How long the oldest of them has waited", async () =>
    secondsSince((await gauges.waiting()).oldest),
  );
  gauge("faultline_resident_memory_bytes", "Memory of this process", () =>
    process.memoryUsage.rss(),
  );
  new Gauge({
    name: "faultline_queue_depth",
    help: "Jobs that wait or are under way, by queue",
    labelNames: ["queue"],
    registers: [registry],
    async collect() {
      for (const queue of ["crashes", "symbols", "natives"] as const) {
        const depth = await gauges.queueDepth(queue).catch(() => null);
        if (depth !== null) this.set({ queue }, depth);
      }
    },
  });
}

const secondsSince = (time: Date | null): number =>
  time === null ? 0 : Math.max(0, (Date.now() - time.getTime()) / 1000);
