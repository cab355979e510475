/** `faultline ingest`: the HTTP service; any number of them may run. */
import { parseArgs } from "node:util";
import { startIngest } from "@faultline/ingest";
import { openLog, readConfig } from "@faultline/shared";
import { untilStopped } from "../until-stopped.ts";

const usage = `usage: faultline ingest

Accepts crashes and symbols, answers queries. Configured by the environment:
  DATABASE_URL                  Postgres (needed)
  REDIS_URL                     Redis for the queue; without it the queue lives in Postgres
  HOST, PORT                    where to listen (0.0.0.0, 8080)
  FAULTLINE_URL                 the address others reach it at, for links in answers
  FAULTLINE_BLOBS               folder for large files, shared with every ingest and symbolicator (data/blobs)
  FAULTLINE_SPOOL               folder for crashes while Postgres is away, this process's own (data/spool)
  FAULTLINE_RAW_RETENTION_DAYS  days that minidumps are kept, as the symbolicator is told (30)
  FAULTLINE_KEEP_ENVIRONMENT    1: store the environment and command line that crashes bring (0)
  LOG_LEVEL                     debug, info, warn or error (info)
`;

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { help: { type: "boolean" } } });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const stopped = untilStopped();
  const config = readConfig(process.env);
  const ingest = await startIngest(config, openLog("ingest", config.logLevel));
  await stopped;
  await ingest.close();
  return 0;
}
