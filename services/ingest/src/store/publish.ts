/**
 * Jobs for crashes that are stored, put on the queue in batches behind the answers' backs. A queue that
 * is away costs nothing but time: the crash waits in `pending`, and a sweep makes its job again.
 */
import { createBatcher, type Batcher, type JobQueue, type Logger } from "@faultline/shared";
import { MAX_UNQUEUED_JOBS } from "../limits.ts";
import type { IngestMetrics } from "../metrics.ts";

export interface Publisher {
  readonly publish: (crashId: string) => void;
  /** Waits, within limits, until what was handed in is queued or given up. */
  close(): Promise<void>;
}

const MOST = 256;
const LOG_EVERY_MS = 30_000;
const CLOSE_MS = 5_000;

export function createPublisher(
  queue: JobQueue<"crashes">,
  metrics: IngestMetrics,
  log: Logger,
): Publisher {
  let logged = 0;
  const batcher: Batcher<string, void> = createBatcher({
    most: MOST,
    lanes: 1,
    act: async (ids) => {
      await queue.add(ids.map((id) => ({ id, data: { crashId: id } })));
      return ids.map(() => undefined);
    },
  });
  const giveUp = (error: unknown): void => {
    metrics.unqueued.inc();
    if (Date.now() - logged < LOG_EVERY_MS) return;
    logged = Date.now();
    log.warn({ err: error }, "jobs cannot be queued: the sweep will make them");
  };
  return {
    publish(crashId) {
      if (batcher.depth >= MAX_UNQUEUED_JOBS)
        giveUp(new Error("too many jobs wait (limit MAX_UNQUEUED_JOBS)"));
      else batcher.add(crashId).catch(giveUp);
    },
    async close() {
      for (const deadline = Date.now() + CLOSE_MS; batcher.depth > 0 && Date.now() < deadline;) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}
