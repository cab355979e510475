/** The all-in-one server, started for as long as it is needed, and its keys read from where it keeps them. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";

const command = fileURLToPath(new URL("../packages/cli/bin/faultline.cjs", import.meta.url));
const READY_MS = 60_000;

/** A server, and what it takes to talk to it. */
export interface Server {
  /** Without a closing slash. */
  readonly url: string;
  /** Ingest key: may only send crashes. */
  readonly key: string;
  /** API token: may read, and upload symbols. */
  readonly token: string;
}

export interface OwnServer extends Server {
  readonly pid: number;
  stop(): Promise<void>;
}

/** `dsn`: http://KEY@HOST:PORT/PROJECT, as `faultline start` prints it. */
export function serverOf(dsn: string, token: string): Server {
  const { origin, username, pathname } = new URL(dsn);
  return { url: origin + pathname.replace(/\/+\d*$/, ""), key: username, token };
}

/** Runs `faultline start` on data folder `data` at a free port; answers when it takes crashes. */
export async function startAllInOne(data: string): Promise<OwnServer> {
  const port = await freePort();
  const args = [command, "start", "--data", data, "--port", String(port)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  const endWithUs = (): boolean => child.kill();
  process.once("exit", endWithUs);
  child.once("exit", () => process.off("exit", endWithUs));
  await ready(child, `http://127.0.0.1:${port}/readyz`, () => complaints);
  const credentials = await readFile(join(data, "credentials"), "utf8");
  const value = (name: string): string =>
    new RegExp(`^${name}=(\\S+)$`, "m").exec(credentials)?.[1] ?? "";
  return {
    ...serverOf(value("FAULTLINE_DSN"), value("FAULTLINE_TOKEN")),
    pid: child.pid ?? 0,
    async stop() {
      if (!child.kill()) return;
      await once(child, "exit");
    },
  };
}

async function ready(child: ChildProcess, url: string, complaints: () => string): Promise<void> {
  for (const deadline = Date.now() + READY_MS; ; await sleep(50)) {
    const ok = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) return;
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill();
      throw new Error(`faultline start did not get ready: ${complaints()}`);
    }
  }
}

/** A port nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
