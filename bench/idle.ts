/** Memory of the all-in-one process: when it has just started, and when it has worked and rests again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startAllInOne } from "../examples/server.ts";
import { baseOrder, generate } from "./load.ts";
import { mebibytes, memoryOf } from "./memory.ts";

const REST_MS = 15_000;
const CRASHES = 2_000;

export async function benchIdle(): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), "faultline-idle-"));
  const started = performance.now();
  const server = await startAllInOne(data);
  try {
    const seconds = (performance.now() - started) / 1000;
    await sleep(REST_MS);
    say(`ready ${seconds.toFixed(1)} s after its start, the database made anew`);
    say(`memory of the Node process at rest: ${await resident(server.pid)} (aim: below 150 MB)`);
    const { hostname: host, port } = new URL(server.url);
    await generate({
      ...baseOrder,
      ...server,
      host,
      port: Number(port),
      count: CRASHES,
      rate: 200,
    });
    await sleep(REST_MS);
    say(`at rest again after ${CRASHES} crashes: ${await resident(server.pid)}`);
  } finally {
    await server.stop();
    await rm(data, { recursive: true, force: true });
  }
}

async function resident(pid: number): Promise<string> {
  const memory = await memoryOf(pid);
  return memory === null ? "unknown (no /proc here)" : mebibytes(memory.now);
}

const say = (line: string): void => void process.stdout.write(`  ${line}\n`);
