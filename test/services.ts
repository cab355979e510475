/** The services as an operator runs them: processes of the `faultline` command, told by their environment. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createIngestKey,
  createProject,
  createToken,
  openPool,
  tokenScopes,
} from "@faultline/shared";
import { freePort } from "./postgres-server.ts";

const command = fileURLToPath(new URL("../packages/cli/bin/faultline.cjs", import.meta.url));
const READY_MS = 30_000;

/** What all services of one installation share. */
export interface Installation {
  readonly databaseUrl: string;
  /** Null: the queue lives in Postgres. */
  readonly redisUrl: string | null;
  /** Folder for blobs and spools. */
  readonly folder: string;
  /** Further environment variables. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface ServiceProcess {
  readonly pid: number;
  /** Ends it without a chance to clean up. */
  kill(): Promise<void>;
  /** Ends it as an orchestrator does: SIGTERM. Answers with its exit code. */
  stop(): Promise<number | null>;
  /** The last of what it logged. */
  log(): string;
}

export interface IngestProcess extends ServiceProcess {
  readonly port: number;
  readonly url: string;
}

/** `port`: to come back where a killed one was. Its spool is the port's own. */
export async function startIngest(
  installation: Installation,
  port?: number,
): Promise<IngestProcess> {
  const at = port ?? (await freePort());
  const service = spawnService("ingest", installation, {
    HOST: "127.0.0.1",
    PORT: String(at),
    FAULTLINE_SPOOL: `${installation.folder}/spool-${at}`,
  });
  const url = `http://127.0.0.1:${at}`;
  await ready(service, `${url}/livez`);
  return { ...service, port: at, url };
}

export function startSymbolicator(installation: Installation): ServiceProcess {
  return spawnService("symbolicator", installation, {});
}

function spawnService(
  name: string,
  { databaseUrl, redisUrl, folder, settings }: Installation,
  own: Record<string, string>,
): ServiceProcess & { readonly child: ChildProcess } {
  const { DATABASE_URL: _d, REDIS_URL: _r, FAULTLINE_URL: _u, ...inherited } = process.env;
  const environment = {
    ...inherited,
    DATABASE_URL: databaseUrl,
    ...(redisUrl === null ? {} : { REDIS_URL: redisUrl }),
    FAULTLINE_BLOBS: `${folder}/blobs`,
    LOG_LEVEL: "warn",
    ...own,
    ...settings,
  };
  const child = spawn(process.execPath, [command, name], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let logged = "";
  const keep = (chunk: Buffer): string => (logged = (logged + chunk.toString()).slice(-20_000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const endWithUs = (): boolean => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  child.once("exit", () => process.off("exit", endWithUs));
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, "exit");
    }
    return child.exitCode;
  };
  return {
    child,
    pid: child.pid ?? 0,
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    log: () => logged,
  };
}

async function ready(
  service: ServiceProcess & { readonly child: ChildProcess },
  url: string,
): Promise<void> {
  for (const deadline = Date.now() + READY_MS; ; await sleep(30)) {
    const ok = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) return;
    if (service.child.exitCode !== null || Date.now() > deadline) {
      await service.kill();
      throw new Error(`the service did not get ready: ${service.log()}`);
    }
  }
}

export interface Access {
  readonly projectId: number;
  /** Ingest key. */
  readonly key: string;
  /** API token with every scope. */
  readonly token: string;
}

/** A project with a key and a token, made where `faultline project` and `faultline token` make them. */
export async function createAccess(databaseUrl: string, slug = "shop"): Promise<Access> {
  const pool = openPool(databaseUrl, "test", 1);
  try {
    const project = await createProject(pool, slug, slug);
    if (project === null) throw new Error(`there is a project ${slug} already`);
    const { key } = await createIngestKey(pool, project.id, "test");
    const { secret } = await createToken(pool, {
      label: "test",
      projectId: project.id,
      scopes: tokenScopes,
      expiresAt: null,
    });
    return { projectId: project.id, key, token: secret };
  } finally {
    await pool.end();
  }
}
