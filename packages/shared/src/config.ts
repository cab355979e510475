/** Configuration: read once from the environment, by whoever starts a service. */

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Which of the two settings makes a queue: Redis when named, else the database. */
export interface Config {
  /** Postgres; `DATABASE_URL`. */
  readonly databaseUrl: string;
  /** Redis for the queue; `REDIS_URL`. Null: the queue lives in Postgres. */
  readonly redisUrl: string | null;
  /** Folder for blobs; `FAULTLINE_BLOBS`. Shared by every ingest and symbolicator. */
  readonly blobs: string;
  /** Folder for crashes accepted while Postgres is away; `FAULTLINE_SPOOL`. Private to one ingest. */
  readonly spool: string;
  /** Address and port ingest listens on; `HOST`, `PORT`. */
  readonly host: string;
  readonly port: number;
  /** Public base URL, for the links in answers; `FAULTLINE_URL`. Null: the request's own host. */
  readonly url: string | null;
  /** Jobs a symbolicator works on at once; `FAULTLINE_CONCURRENCY`. */
  readonly concurrency: number;
  /** Worker threads of a symbolicator; `FAULTLINE_THREADS`. */
  readonly threads: number;
  /** MiB of memory that building one native symbol cache may use, in a process of its own; `FAULTLINE_BUILD_MIB`. */
  readonly buildMib: number;
  /** MiB of native symbol caches that a symbolicator keeps in memory; `FAULTLINE_SYMBOL_CACHE_MIB`. */
  readonly symbolCacheMib: number;
  /** Days that crashes and reports are kept; `FAULTLINE_RETENTION_DAYS`. */
  readonly retentionDays: number;
  /** Days that minidumps are kept, never longer than their crashes; `FAULTLINE_RAW_RETENTION_DAYS`. */
  readonly rawRetentionDays: number;
  /** Keep the environment and command line that minidumps and metadata hold; `FAULTLINE_KEEP_ENVIRONMENT`. */
  readonly keepEnvironment: boolean;
  /** Milliseconds between two sweeps for crashes that wait without a job; `FAULTLINE_SWEEP_MS`. */
  readonly sweepMs: number;
  /** A crash is swept when it has waited this long; `FAULTLINE_SWEEP_AFTER_MS`. */
  readonly sweepAfterMs: number;
  /** Port on which a symbolicator that runs alone answers /metrics and /livez; `FAULTLINE_METRICS_PORT`. Null: none. */
  readonly metricsPort: number | null;
  readonly logLevel: string;
}

/** Throws ConfigError naming the variable at fault. Nothing else reads the environment. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const retentionDays = integer(env, "FAULTLINE_RETENTION_DAYS", 90, 1, 3650);
  return {
    databaseUrl: required(env, "DATABASE_URL"),
    redisUrl: env["REDIS_URL"] || null,
    blobs: env["FAULTLINE_BLOBS"] || "data/blobs",
    spool: env["FAULTLINE_SPOOL"] || "data/spool",
    host: env["HOST"] || "0.0.0.0",
    port: integer(env, "PORT", 8080, 0, 65_535),
    url: env["FAULTLINE_URL"]?.replace(/\/+$/, "") || null,
    concurrency: integer(env, "FAULTLINE_CONCURRENCY", 64, 1, 1000),
    threads: integer(env, "FAULTLINE_THREADS", 2, 1, 64),
    buildMib: integer(env, "FAULTLINE_BUILD_MIB", 8192, 256, 1_048_576),
    symbolCacheMib: integer(env, "FAULTLINE_SYMBOL_CACHE_MIB", 256, 1, 1_048_576),
    retentionDays,
    rawRetentionDays: Math.min(
      integer(env, "FAULTLINE_RAW_RETENTION_DAYS", 30, 1, 3650),
      retentionDays,
    ),
    keepEnvironment: flag(env, "FAULTLINE_KEEP_ENVIRONMENT"),
    sweepMs: integer(env, "FAULTLINE_SWEEP_MS", 5_000, 100, 3_600_000),
    sweepAfterMs: integer(env, "FAULTLINE_SWEEP_AFTER_MS", 30_000, 100, 86_400_000),
    metricsPort: env["FAULTLINE_METRICS_PORT"]
      ? integer(env, "FAULTLINE_METRICS_PORT", 0, 0, 65_535)
      : null,
    logLevel: env["LOG_LEVEL"] || "info",
  };
}

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (!value) {
    throw new ConfigError(
      `${name} is not set: give a Postgres URL (postgres://user:password@host/database), or run "faultline start", which brings its own`,
    );
  }
  return value;
}

function flag(env: NodeJS.ProcessEnv, name: string): boolean {
  const text = env[name] ?? "";
  if (text !== "" && text !== "0" && text !== "1") {
    throw new ConfigError(`${name} is ${JSON.stringify(text)}: wanted 0 or 1`);
  }
  return text === "1";
}

function integer(
  env: NodeJS.ProcessEnv,
  name: string,
  fallback: number,
  least: number,
  most: number,
): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new ConfigError(
      `${name} is ${JSON.stringify(text)}: wanted a whole number from ${least} to ${most}`,
    );
  }
  return value;
}
