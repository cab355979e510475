/** The example shop, built and run as a real one would be: shop/pack.py makes a release, a host runs it until it dies. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const packScript = fileURLToPath(new URL("shop/pack.py", import.meta.url));
const RUN_TIMEOUT_MS = 20_000;

/** What dies where. The first three are one bug, met on three hosts and by two ways. */
export const runs = [
  { command: "import-catalog", host: "worker-1" },
  { command: "import-catalog", host: "worker-2" },
  { command: "show-product", host: "web-1" },
  { command: "quote", host: "web-1" },
  { command: "search", host: "web-2" },
  { command: "print-invoice", host: "worker-1" },
  { command: "close-books", host: "worker-2" },
  { command: "check-ledger", host: "worker-2" },
  { command: "sync-stock", host: "worker-1" },
  { command: "read-sales", host: "worker-1" },
] as const;

export interface Python {
  readonly program: string;
  /** "3.11.2" */
  readonly version: string;
}

/** The interpreter at `program`; null where there is none, or one that `-X faulthandler` is unknown to. */
export async function findPython(program: string): Promise<Python | null> {
  const script = "import faulthandler, platform, ctypes; print(platform.python_version())";
  try {
    const { stdout } = await promisify(execFile)(program, ["-X", "faulthandler", "-c", script]);
    return { program, version: stdout.trim() };
  } catch {
    return null;
  }
}

/** Makes `folder`/app, what the hosts run, and `folder`/symbols.zip, what the crash server gets. */
export async function packShop(python: Python, folder: string): Promise<void> {
  await promisify(execFile)(python.program, ["-I", packScript, folder]);
}

export interface Death {
  readonly pid: number;
  /** Everything the program wrote to standard error. */
  readonly stderr: string;
  /** "SIGSEGV", "exit code 1", … */
  readonly end: string;
}

/** Runs one command of the packed shop until it dies. No core file is left behind. */
export async function runShop(python: Python, folder: string, command: string): Promise<Death> {
  const line = [python.program, "-X", "faulthandler", "-m", "shop", command];
  const child = spawn("sh", ["-c", 'ulimit -c 0; exec "$@"', "sh", ...line], {
    cwd: join(folder, "app"),
    stdio: ["ignore", "ignore", "pipe"],
    timeout: RUN_TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  const [stderr, [code, signal]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  return { pid: child.pid ?? 0, stderr, end: signal ?? `exit code ${code}` };
}
