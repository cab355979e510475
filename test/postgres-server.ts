/**
 * A Postgres server of one's own, for tests that stop it under the code they test and for benchmarks:
 * the embedded programs, and a cluster in a temporary folder. Tests that need only a database take
 * `freshDatabase` of postgres.ts.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { ensurePartitions, migrate, openPool } from "@faultline/shared";
import { findPostgres } from "../packages/cli/src/postgres-programs.ts";
import { accountFor, asAccount } from "../packages/cli/src/unprivileged.ts";

export interface PostgresServer {
  /** A database of this server, by its name. */
  url(database: string): string;
  /** Makes a database with every migration applied and the partitions of now; answers with its URL. */
  createDatabase(): Promise<string>;
  /** Ends the server at once, as a crash would; the data stays. */
  stop(): Promise<void>;
  /** Brings a stopped server back, at the same port. */
  start(): Promise<void>;
  /** Stops the server and removes its data. */
  close(): Promise<void>;
}

const READY_MS = 20_000;

const baseSettings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  log_min_messages: "fatal",
};

/** No test here is about power cuts, so nothing waits for the disk. */
export const forTests = { fsync: "off", full_page_writes: "off", shared_buffers: "64MB" };

/** `settings`: as in postgresql.conf. */
export async function startPostgresServer(
  settings: Readonly<Record<string, string>> = forTests,
): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), "faultline-postgres-"));
  const account = accountFor(folder);
  if (account !== null) await chown(folder, account.uid, account.gid);
  const prefix = account === null ? [] : asAccount(account);
  const data = join(folder, "data");
  await initialise(prefix, data);
  const port = await freePort();
  const options = Object.entries({ ...baseSettings, ...settings, port }).flatMap(
    ([name, value]) => ["-c", `${name}=${value}`],
  );
  const command = [...prefix, findPostgres().postgres, "-D", data, ...options];
  const url = (database: string): string => `postgres://postgres@127.0.0.1:${port}/${database}`;
  let server = await launch(command, url("postgres"));
  let databases = 0;
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill("SIGQUIT"); // Postgres: immediate shutdown
    await once(server, "exit");
  };
  return {
    url,
    async createDatabase() {
      const name = `faultline_${++databases}`;
      await createMigratedDatabase(url("postgres"), name, url(name));
      return url(name);
    },
    stop,
    async start() {
      server = await launch(command, url("postgres"));
    },
    async close() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function initialise(prefix: readonly string[], data: string): Promise<void> {
  const options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"];
  const [program = "", ...args] = prefix.concat(findPostgres().initdb, "--no-sync", options);
  await promisify(execFile)(program, [...args, `--pgdata=${data}`]);
}

async function launch([program = "", ...args]: string[], url: string): Promise<ChildProcess> {
  const server = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  server.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  const endWithUs = (): boolean => server.kill("SIGQUIT");
  process.once("exit", endWithUs);
  server.once("exit", () => process.off("exit", endWithUs));
  for (const deadline = Date.now() + READY_MS; !(await answers(url)); await sleep(25)) {
    if (server.exitCode !== null || Date.now() > deadline) {
      server.kill("SIGKILL");
      throw new Error(`the test Postgres did not start: ${said}`);
    }
  }
  return server;
}

async function answers(url: string): Promise<boolean> {
  const pool = openPool(url, "test", 1);
  try {
    await pool.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await pool.end();
  }
}

/** Makes database `name` on the server of `admin`, then the tables and partitions at its own `url`. */
export async function createMigratedDatabase(
  admin: string,
  name: string,
  url: string,
): Promise<void> {
  const server = openPool(admin, "test", 1);
  try {
    await server.query(`create database ${name}`);
  } finally {
    await server.end();
  }
  const pool = openPool(url, "test", 1);
  try {
    await migrate(pool);
    await ensurePartitions(pool, Date.now());
  } finally {
    await pool.end();
  }
}

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
