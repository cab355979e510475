/** `faultline symbolicator`: the worker; any number of them may run. */
import { constants, setPriority } from "node:os";
import { parseArgs } from "node:util";
import { openLog, readConfig } from "@faultline/shared";
import { serveMetrics, startSymbolicator } from "@faultline/symbolicator";
import { untilStopped } from "../until-stopped.ts";

const usage = `usage: faultline symbolicator

Turns crashes into reports and groups, symbol files into caches. Configured by the environment:
  DATABASE_URL                  Postgres (needed)
  REDIS_URL                     Redis for the queue; without it the queue lives in Postgres
  FAULTLINE_BLOBS               folder for large files, shared with every ingest and symbolicator (data/blobs)
  FAULTLINE_CONCURRENCY         jobs at once (64)
  FAULTLINE_THREADS             worker threads (2)
  FAULTLINE_BUILD_MIB           MiB of memory for building one native symbol cache (8192)
  FAULTLINE_SYMBOL_CACHE_MIB    MiB of native symbol caches kept in memory (256)
  FAULTLINE_RETENTION_DAYS      days that crashes are kept (90)
  FAULTLINE_RAW_RETENTION_DAYS  days that minidumps are kept (30)
  FAULTLINE_METRICS_PORT        where to answer /metrics and /livez, at HOST (nowhere)
  LOG_LEVEL                     debug, info, warn or error (info)
`;

/**
 * Behind ingest, where both share processors: a host that sends its crash is waiting, a crash that is stored is not.
 * The first burst into a cold machine was accepted at 2,200 a second without this.
 */
const yieldToIngest = (): void => setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { help: { type: "boolean" } } });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const stopped = untilStopped();
  yieldToIngest();
  const config = readConfig(process.env);
  await using services = new AsyncDisposableStack();
  const log = openLog("symbolicator", config.logLevel);
  const { registry } = services.adopt(await startSymbolicator(config, log), (one) => one.close());
  if (config.metricsPort !== null) {
    const metrics = await serveMetrics(registry, config.host, config.metricsPort);
    services.adopt(metrics, (one) => one.close());
  }
  await stopped;
  return 0;
}
