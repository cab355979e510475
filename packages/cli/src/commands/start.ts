/** `faultline start`: everything in one process, with a Postgres of its own that holds the queue too. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  ensurePartitions,
  migrate,
  openLog,
  readConfig,
  type Config,
  type Pool,
} from "@faultline/shared";
import { ensureCredentials, ensureKey, type FirstKey } from "../credentials.ts";
import { DEFAULT_DATA, withPool } from "../database.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../embedded-postgres.ts";
import { CliError } from "../error.ts";
import { untilStopped } from "../until-stopped.ts";
import { welcome } from "../welcome.ts";

const usage = `usage: faultline start [--data DIR] [--port N] [--host ADDRESS]

Runs ingest, symbolicator and Postgres together; needs no other service.
  --data DIR      where everything is kept (./data)
  --port N        where to listen (8080)
  --host ADDRESS  127.0.0.1, this machine only, by default; 0.0.0.0 opens it to others (then set FAULTLINE_URL to
                  the address they reach it at)
The environment configures the rest, as for faultline ingest and symbolicator.
`;

const options = {
  data: { type: "string", default: DEFAULT_DATA },
  port: { type: "string", default: "8080" },
  host: { type: "string", default: "127.0.0.1" },
  help: { type: "boolean" },
} as const;

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const stopped = untilStopped();
  const postgres = await startEmbeddedPostgres(values.data);
  try {
    const config = configOf(values, postgres.url);
    await serve(config, values.data, postgres, stopped);
  } finally {
    await postgres.stop();
  }
  return 0;
}

function configOf(
  values: { data: string; port: string; host: string },
  databaseUrl: string,
): Config {
  const { data, port, host } = values;
  return readConfig({
    LOG_LEVEL: "warn", // the terminal is for the person; the environment may say otherwise
    ...process.env,
    DATABASE_URL: databaseUrl,
    REDIS_URL: "",
    FAULTLINE_BLOBS: join(data, "blobs"),
    FAULTLINE_SPOOL: join(data, "spool"),
    HOST: host,
    PORT: port,
  });
}

/** Until `stopped`; throws when Postgres ends before. */
async function serve(
  config: Config,
  data: string,
  postgres: EmbeddedPostgres,
  stopped: Promise<void>,
): Promise<void> {
  const [{ startIngest }, { startSymbolicator }] = await Promise.all([
    import("@faultline/ingest"),
    import("@faultline/symbolicator"),
  ]);
  process.on("uncaughtException", (fault) => endWithPostgres(fault, postgres));
  const key = await withPool(config.databaseUrl, prepare);
  const log = openLog("start", config.logLevel);
  await using services = new AsyncDisposableStack();
  const { registry } = services.adopt(await startSymbolicator(config, log), (one) => one.close());
  const ingest = services.adopt(
    await startIngest(config, log, { registry }).catch(explainPort),
    (one) => one.close(),
  );
  const url = config.url ?? `http://${hostInUrl(config.host)}:${ingest.port}`;
  const credentials = await withPool(config.databaseUrl, (pool) =>
    ensureCredentials(pool, data, key, url),
  );
  process.stdout.write(welcome(url, credentials));
  await Promise.race([stopped, postgres.ended.then(refuseEnd)]);
}

async function prepare(pool: Pool): Promise<FirstKey> {
  await migrate(pool);
  await ensurePartitions(pool, Date.now());
  return await ensureKey(pool);
}

/** An address to call, for one to listen on. */
function hostInUrl(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

function explainPort(error: NodeJS.ErrnoException): never {
  if (error.code !== "EADDRINUSE") throw error;
  throw new CliError("usage", `${error.message}: give another --port`, { cause: error });
}

/**
 * A connection that is lost with Postgres may fail where nobody listens yet: what is told then is that Postgres
 * ended, when it did, and the error itself otherwise.
 */
function endWithPostgres(fault: Error, postgres: EmbeddedPostgres): void {
  const end = (reason: string): never => {
    process.stderr.write(`faultline start: ${reason}\n`);
    process.exit(1);
  };
  void postgres.ended.then(end);
  setTimeout(end, 1000, fault.stack ?? fault.message);
}

/** Services without their database have nothing left to finish: what does not close by then is ended. */
const CLOSE_WITHOUT_POSTGRES_MS = 10_000;

function refuseEnd(reason: string): never {
  setTimeout(() => {
    process.stderr.write(`faultline start: ${reason}\n`);
    process.exit(1);
  }, CLOSE_WITHOUT_POSTGRES_MS).unref();
  throw new CliError("postgres-failed", reason);
}
