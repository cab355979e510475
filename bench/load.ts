/** Runs the load generator, a process of its own. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RELEASES } from "./crash-load.ts";
import type { LoadOrder, LoadResult } from "./load-generator.ts";

const script = fileURLToPath(new URL("load-generator.ts", import.meta.url));
const MAX_RESULT_BYTES = 2 ** 28;

/** Crashes sent as fast as they are taken; and those sent at a rate that leaves room, some of them watched. */
export const BURST = 8_000;
export const STEADY_RATE = 200;
const STEADY_SECONDS = 8;
export const steadyOrder = {
  count: STEADY_RATE * STEADY_SECONDS,
  rate: STEADY_RATE,
  watch: 0.2,
} as const;

export const baseOrder: LoadOrder = {
  host: "127.0.0.1",
  port: 0,
  path: "/api/v1/crashes",
  key: "0".repeat(32),
  token: null,
  count: 0,
  connections: 64,
  seed: 1,
  releases: RELEASES,
  rate: null,
  watch: 0,
};

export async function generate(order: LoadOrder): Promise<LoadResult> {
  const options = { maxBuffer: MAX_RESULT_BYTES };
  const run = promisify(execFile)(process.execPath, [script, JSON.stringify(order)], options);
  return JSON.parse((await run).stdout) as LoadResult;
}
