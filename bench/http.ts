/**
 * End to end over HTTP: ingest, symbolicator, Redis and Postgres as separate processes, and the load
 * generator, all on this machine.
 *
 * At every level of crashes already stored the same is measured: a burst, sent as fast as it is taken and then
 * drained, and a steady load, some of whose crashes are asked for until they can be read.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Pool } from "@faultline/shared";
import { startSymbolicator, type Installation } from "../test/services.ts";
import { type Services, withServices, withStorage } from "./installation.ts";
import type { LoadOrder, LoadResult } from "./load-generator.ts";
import { baseOrder, BURST, generate, STEADY_RATE, steadyOrder } from "./load.ts";
import { drained, percentiles, perSecond, rate, say, sayRefused } from "./measuring.ts";
import { cpuSecondsOf, describe, memoryOf } from "./memory.ts";
import type { Storage } from "./storage.ts";
import { uploadSymbols } from "./symbols.ts";

/** Crashes already stored when the measurements begin. */
const LEVELS = (process.env["BENCH_LEVELS"] ?? "1000,10000,100000").split(",").map(Number);

interface Bench extends Services {
  readonly storage: Storage;
  readonly pool: Pool;
  /** Crashes a second that the bare server accepts. */
  readonly bare: number;
}

export async function benchHttp(): Promise<void> {
  await withStorage(async ({ installation, pool }) => {
    const bare = await benchBare(installation);
    await withServices(installation, async (services) => {
      say(await uploadSymbols(services.ingest.url, services.access.token));
      const bench = { ...services, storage: installation, pool, bare };
      await benchLevels(bench);
      await benchApart(bench, installation);
    });
  });
}

async function benchLevels(bench: Bench): Promise<void> {
  for (const [at, level] of LEVELS.entries()) {
    await fillTo(bench, level);
    say(`with ${level.toLocaleString("en")} crashes stored:`);
    await benchBurst(bench, 100 + at);
    await benchSteady(bench, 200 + at);
    await sayMemory(bench);
  }
}

async function fillTo(bench: Bench, level: number): Promise<void> {
  const { rows } = await bench.pool.query<{ count: number }>("select count(*) from crashes");
  const missing = level - (rows[0]?.count ?? 0);
  if (missing > 0) await load(bench, { count: missing, seed: level });
  await drained(bench.pool);
}

/** As fast as it is taken, while the symbolicator works; then until nothing waits. */
async function benchBurst(bench: Bench, seed: number): Promise<void> {
  const cpuBefore = await cpuSeconds(bench);
  const started = performance.now();
  const result = await load(bench, { count: BURST, seed });
  await drained(bench.pool);
  const cpu = (await cpuSeconds(bench)).map((after, at) => after - (cpuBefore[at] ?? 0));
  const seconds = (performance.now() - started) / 1000;
  say(
    `  accepted ${rate(result)} while processing (${ratio(result, bench.bare)} of the bare server)`,
  );
  say(
    `  processed ${perSecond(result.accepted / seconds)}, fully drained ${seconds.toFixed(1)} s after the first POST`,
  );
  say(
    `  answer to a POST: ${percentiles(result.answered)}; load generator: ${Math.round(result.cpu * 100)} % of a core`,
  );
  const [accept, work] = cpu.map((used) => ((used / result.accepted) * 1000).toFixed(2));
  say(`  processor time of a crash: ingest ${accept} ms, symbolicator ${work} ms`);
  sayRefused(result);
}

const cpuSeconds = ({ ingest, symbolicator }: Bench): Promise<number[]> =>
  Promise.all([cpuSecondsOf(ingest.pid), cpuSecondsOf(symbolicator.pid)]);

async function benchSteady(bench: Bench, seed: number): Promise<void> {
  const order = { ...steadyOrder, seed };
  const result = await load(bench, order);
  await drained(bench.pool);
  say(
    `  at ${STEADY_RATE}/s, POST to readable: ${percentiles(result.visible)} (${result.visible.length} watched)`,
  );
  sayRefused(result);
}

/** Accepting and processing, each with the machine to itself: what the halves could do on machines of their own. */
async function benchApart(bench: Bench, installation: Installation): Promise<void> {
  await bench.symbolicator.stop();
  const result = await load(bench, { count: BURST, seed: 300 });
  say(`apart, each with the machine to itself:`);
  say(
    `  accepted ${rate(result)} without a symbolicator (${ratio(result, bench.bare)} of the bare server)`,
  );
  const started = performance.now();
  const symbolicator = startSymbolicator(installation);
  try {
    await drained(bench.pool);
    const seconds = (performance.now() - started) / 1000;
    say(
      `  processed ${perSecond(result.accepted / seconds)} without load, start of the process included`,
    );
  } finally {
    await symbolicator.stop();
  }
}

async function benchBare(storage: Storage): Promise<number> {
  const script = fileURLToPath(new URL("bare-server.ts", import.meta.url));
  const redis = storage.redisUrl === null ? {} : { REDIS_URL: storage.redisUrl };
  const server = spawn(process.execPath, [script], {
    env: { ...process.env, DATABASE_URL: storage.databaseUrl, ...redis },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = await once(server.stdout, "data");
    const port = Number(new URL(String(line).trim()).port);
    await generate({ ...baseOrder, port, count: BURST, seed: 1 }); // warm
    const rates: number[] = [];
    for (const seed of [2, 3, 4]) {
      const { accepted, seconds } = await generate({ ...baseOrder, port, count: BURST, seed });
      rates.push(accepted / seconds);
    }
    const median = rates.toSorted((one, other) => one - other)[1] ?? Number.NaN;
    say(
      `bare server (fastify, batched insert, addBulk, nothing read): ${perSecond(median)} accepted`,
    );
    return median;
  } finally {
    server.kill("SIGKILL");
    await storage.clearQueue();
  }
}

async function load(bench: Bench, order: Partial<LoadOrder>): Promise<LoadResult> {
  const { port } = bench.ingest;
  return await generate({ ...baseOrder, ...bench.access, port, ...order });
}

async function sayMemory({ ingest, symbolicator, storage }: Bench): Promise<void> {
  const [accept, process, servers] = await Promise.all([
    memoryOf(ingest.pid),
    memoryOf(symbolicator.pid),
    storage.memory(),
  ]);
  const parts = [`ingest ${describe(accept)}`, `symbolicator ${describe(process)}`, ...servers];
  say(`  memory: ${parts.join(", ")}`);
}

const ratio = (result: LoadResult, bare: number): string =>
  (result.accepted / result.seconds / bare).toFixed(2);
