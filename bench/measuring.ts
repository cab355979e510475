/** What the benchmarks of the services share: waiting, and saying what was measured. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "@faultline/shared";
import type { LoadResult } from "./load-generator.ts";

export const say = (line: string): void => void process.stdout.write(`  ${line}\n`);
export const perSecond = (value: number): string => `${Math.round(value).toLocaleString("en")}/s`;
export const rate = (result: LoadResult): string => perSecond(result.accepted / result.seconds);

export function percentiles(sorted: readonly number[]): string {
  const at = (share: number): string =>
    `${(sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}`;
}

export function sayRefused({ refused }: LoadResult): void {
  for (const [status, count] of Object.entries(refused)) {
    say(
      `  NOT accepted: ${count} answers ${status === "0" ? "missing (connection ended)" : status}`,
    );
  }
}

/** Waits until no crash waits for processing. */
export async function drained(pool: Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query("select 1 from pending limit 1");
    if (rows.length === 0) return;
    await sleep(50);
  }
}
