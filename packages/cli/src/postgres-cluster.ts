/** The files of our own Postgres below the data folder, and running its programs on them. */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { processExists } from "./data-lock.ts";
import { CliError } from "./error.ts";
import { findPostgres, type PostgresPrograms } from "./postgres-programs.ts";
import { type Account, accountFor, asAccount, isRoot } from "./unprivileged.ts";

/** The superuser of the cluster, and the database that initdb makes. */
export const USER = "faultline";
export const DATABASE = "postgres";

export interface Cluster {
  /** Absolute path of the data folder. */
  readonly data: string;
  /** What Postgres calls its data directory. */
  readonly folder: string;
  readonly log: string;
  readonly programs: PostgresPrograms;
  /** Who runs Postgres; null: we ourselves. */
  readonly account: Account | null;
}

/** What a running server notes of itself (miscadmin.h, LOCK_FILE_LINE_*). */
export interface Postmaster {
  readonly pid: number;
  readonly socketFolder: string;
  readonly ready: boolean;
}

/** Opens the cluster below `data`, making it first where there is none. */
export async function openCluster(data: string): Promise<Cluster> {
  const folder = resolve(data, "postgres");
  const cluster = {
    data: resolve(data),
    folder,
    log: resolve(data, "postgres.log"),
    programs: findPostgres(),
    account: accountFor(existsSync(folder) ? folder : data),
  };
  if (existsSync(folder)) refuseForeign(folder);
  else await createCluster(cluster);
  return cluster;
}

function refuseForeign(folder: string): void {
  const { uid } = statSync(folder);
  if (isRoot() || process.geteuid === undefined || uid === process.geteuid()) return;
  throw new CliError(
    "data-not-ours",
    `${folder} belongs to user id ${uid}, and this is user id ${process.geteuid()}: run as that user or as root, or give another --data`,
  );
}

/** The order of text is Postgres's own C.UTF-8: the same on every machine, whatever locales it has. */
const initOptions = [
  `--username=${USER}`,
  "--auth=trust",
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  "--no-instructions",
];

/** Under a temporary name until it is whole: a folder named `postgres` is always a finished cluster. */
async function createCluster(cluster: Cluster): Promise<void> {
  const draft = `${cluster.folder}.new`;
  rmSync(draft, { recursive: true, force: true });
  makePrivateFolder(draft, cluster.account);
  await runProgram(cluster, cluster.programs.initdb, ["-D", draft, ...initOptions]);
  renameSync(draft, cluster.folder);
  syncFolder(cluster.data);
}

export function makePrivateFolder(folder: string, owner: Account | null): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  fsyncSync(handle);
  closeSync(handle);
}

/** Null when no server has this cluster open, as far as its note tells. */
export function readPostmaster(folder: string): Postmaster | null {
  let text: string;
  try {
    text = readFileSync(join(folder, "postmaster.pid"), "utf8");
  } catch {
    return null;
  }
  const lines = text.split("\n").map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !processExists(pid) || !isPostgres(pid)) return null;
  return { pid, socketFolder: lines[4] ?? "", ready: lines[7] === "ready" };
}

/** True also where it cannot be told. */
function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8") === "postgres\n";
  } catch {
    return true;
  }
}

/** Ends the server that a killed faultline left behind; the caller owns the data folder. */
export async function stopLeftBehind(cluster: Cluster): Promise<void> {
  const left = readPostmaster(cluster.folder);
  if (left === null) {
    // Postgres itself sees through a note whose process is gone, but not when another one has its number.
    removeReusedNote(cluster.folder);
    return;
  }
  await runProgram(cluster, cluster.programs.pgCtl, [
    "stop",
    "-D",
    cluster.folder,
    "-m",
    "fast",
    "-w",
    "-t",
    "60",
  ]);
  removeSocketFolder(cluster, left.socketFolder);
}

function removeReusedNote(folder: string): void {
  const note = join(folder, "postmaster.pid");
  const pid = existsSync(note) ? Number.parseInt(readFileSync(note, "utf8"), 10) : NaN;
  if (pid > 0 && processExists(pid)) rmSync(note);
}

/** Only one made for this server, outside the data folder; Postgres has emptied it. */
export function removeSocketFolder(cluster: Cluster, folder: string): void {
  if (folder === join(cluster.data, "socket")) return;
  try {
    rmdirSync(folder);
  } catch {
    // not empty or already gone: the system clears its temporary folder
  }
}

/** Starts a program of Postgres in its own session, so that Ctrl-C in our terminal reaches us alone. */
export function spawnProgram(
  cluster: Cluster,
  program: string,
  args: readonly string[],
  stdio: StdioOptions,
): ChildProcess {
  const words = [...(cluster.account === null ? [] : asAccount(cluster.account)), program, ...args];
  return spawn(words[0] ?? program, words.slice(1), {
    stdio,
    detached: true,
    cwd: "/",
    // nothing of ours: PGPORT, PGDATA and the like would speak to it
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
  });
}

/** Runs a program to its end. Throws CliError `postgres-failed` with what it printed. */
export async function runProgram(
  cluster: Cluster,
  program: string,
  args: readonly string[],
): Promise<void> {
  const child = spawnProgram(cluster, program, args, ["ignore", "pipe", "pipe"]);
  let printed = "";
  const keep = (text: string): void => {
    printed = (printed + text).slice(-PRINTED_CHARS);
  };
  child.stdout?.setEncoding("utf8").on("data", keep);
  child.stderr?.setEncoding("utf8").on("data", keep);
  const code = await exitOf(child);
  if (code !== 0)
    throw new CliError("postgres-failed", `${program} ended with ${code}:\n${printed.trim()}`);
}

/** The last of what a failed program printed is shown. */
const PRINTED_CHARS = 4_000;

/** Exit code, or the signal's name. Throws CliError when the program could not be run. */
export function exitOf(child: ChildProcess): Promise<number | string> {
  return new Promise((done, refuse) => {
    child.on("close", (code, signal) => done(code ?? signal ?? "no exit code"));
    child.on("error", (error: NodeJS.ErrnoException) => {
      const noSetpriv = error.code === "ENOENT" && child.spawnfile === "setpriv";
      refuse(
        new CliError(
          "postgres-failed",
          noSetpriv
            ? "Postgres does not run as root, and setpriv, which would run it as another user, is missing: install util-linux, or run faultline as a user other than root"
            : `cannot run ${child.spawnfile}: ${error.message}`,
          { cause: error },
        ),
      );
    });
  });
}
