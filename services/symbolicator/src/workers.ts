/** The workers of the queues: each hands its jobs to what works on them, and passes a failure back to the queue, saying so. */
import { openWorker } from "@faultline/shared";
import type { Config, JobData, JobWorker, Logger, QueueName } from "@faultline/shared";
import type { Metrics } from "./metrics.ts";

interface Handler<Name extends QueueName> {
  /** Jobs worked on at once. */
  readonly atOnce: number;
  /** Rejects when the job is to be tried again. */
  readonly work: (job: JobData<Name>, stalls: number) => Promise<void>;
  /** What the log says of a job. */
  readonly about: (job: JobData<Name>) => object;
}

export type Handlers = { readonly [Name in QueueName]: Handler<Name> };

export function startWorkers(
  config: Config,
  handlers: Handlers,
  metrics: Metrics,
  log: Logger,
): readonly JobWorker[] {
  const start = <Name extends QueueName>(queue: Name, handler: Handler<Name>): JobWorker => {
    const work = async (job: JobData<Name>, stalls: number): Promise<void> => {
      try {
        await handler.work(job, stalls);
      } catch (error) {
        metrics.jobErrors.inc({ queue });
        const about = handler.about(job);
        log.warn({ err: error, queue, ...about }, "a job failed, it is tried again");
        throw error;
      }
    };
    const onError = (error: Error): void => log.warn({ err: error }, "symbolicator");
    return openWorker(config, queue, handler.atOnce, work, onError);
  };
  return [
    start("crashes", handlers.crashes),
    start("symbols", handlers.symbols),
    start("natives", handlers.natives),
  ];
}
