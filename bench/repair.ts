/**
 * Late symbols at scale: crashes are stored that lack their release's files, then these are uploaded. How soon the
 * upload is answered, how long until every crash is worked out again, and what those notice that send crashes
 * meanwhile. Ingest, symbolicator, Redis and Postgres as separate processes, and the load generator, all on this machine.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "@faultline/shared";
import { type Services, withServices, withStorage } from "./installation.ts";
import type { LoadOrder, LoadResult } from "./load-generator.ts";
import { baseOrder, BURST, generate, STEADY_RATE, steadyOrder } from "./load.ts";
import { drained, percentiles, perSecond, rate, say, sayRefused } from "./measuring.ts";
import { compileModules, uploadRelease } from "./symbols.ts";

const CRASHES = Number(process.env["BENCH_CRASHES"] ?? 100_000);

interface Bench extends Services {
  readonly pool: Pool;
}

export async function benchRepair(): Promise<void> {
  const archive = await compileModules();
  if (archive === null) return say("no python3 here: nothing can come late");
  await withStorage(({ installation, pool }) =>
    withServices(installation, (services) => benchLate({ ...services, pool }, archive)),
  );
}

async function benchLate(bench: Bench, archive: Uint8Array<ArrayBuffer>): Promise<void> {
  await load(bench, { count: CRASHES, seed: 1 });
  await drained(bench.pool);
  say(`${CRASHES.toLocaleString("en")} crashes stored that lack the files of their release:`);
  const before = await measure(bench, 10);
  sayMeasured("  before", before);
  const begun = performance.now();
  await uploadRelease(bench.ingest.url, bench.access.token, 0, archive);
  say(`  the upload was answered after ${Math.round(performance.now() - begun)} ms`);
  await running(bench.pool);
  const during = await measure(bench, 20);
  const { done } = await repairOf(bench.pool);
  const went = performance.now();
  const { found, improved, moved } = await ended(bench.pool);
  const seconds = (performance.now() - went) / 1000;
  say(
    `  repaired ${improved.toLocaleString("en")} of ${found.toLocaleString("en")} crashes, ${moved} changed their group: ` +
      `done ${((performance.now() - begun) / 1000).toFixed(0)} s after the upload`,
  );
  say(
    `  of these ${done.toLocaleString("en")} beside the load, the others alone: ${perSecond((found - done) / seconds)}`,
  );
  // Crashes whose files are there take more work than those that lack them: this is what `during` is held against.
  const after = await measure(bench, 30);
  sayMeasured("  after", after, before, "before");
  sayMeasured("  during", during, after, "after");
  await sayAccounts(bench.pool);
}

interface Measured {
  readonly burst: LoadResult;
  readonly steady: LoadResult;
}

async function measure(bench: Bench, seed: number): Promise<Measured> {
  const steady = await load(bench, { ...steadyOrder, seed });
  const burst = await load(bench, { count: BURST, seed: seed + 1 });
  await drained(bench.pool);
  return { steady, burst };
}

function sayMeasured(
  when: string,
  { burst, steady }: Measured,
  other?: Measured,
  otherWhen?: string,
): void {
  const speed = burst.accepted / burst.seconds;
  const ratio =
    other === undefined
      ? ""
      : ` (${(speed / (other.burst.accepted / other.burst.seconds)).toFixed(2)} of ${otherWhen})`;
  say(
    `${when}: at ${STEADY_RATE}/s answered in ${percentiles(steady.answered)}, readable in ${percentiles(steady.visible)}`,
  );
  say(`${when}: a burst is accepted at ${rate(burst)}${ratio}, ${percentiles(burst.answered)}`);
  sayRefused(burst);
  sayRefused(steady);
}

interface Repair {
  readonly state: string;
  readonly found: number;
  readonly done: number;
  readonly improved: number;
  readonly moved: number;
}

async function repairOf(pool: Pool): Promise<Repair> {
  const { rows } = await pool.query<Repair>(
    "select state, coalesce(found, 0) as found, done, improved, moved from repairs order by id desc limit 1",
  );
  return rows[0] ?? { state: "none", found: 0, done: 0, improved: 0, moved: 0 };
}

async function running(pool: Pool): Promise<void> {
  while ((await repairOf(pool)).state !== "running") await sleep(20);
}

async function ended(pool: Pool): Promise<Repair> {
  for (;;) {
    const repair = await repairOf(pool);
    if (repair.state === "done") return repair;
    await sleep(100);
  }
}

/** Whatever moved, every crash is counted once. */
async function sayAccounts(pool: Pool): Promise<void> {
  const { rows } = await pool.query<Record<string, number>>(
    `select (select count(*) from reports where state = 'processed') as reports,
            (select sum(count)::bigint from groups) as groups,
            (select sum(all_count)::bigint from groups where parent_id is null) as shown,
            (select sum(count)::bigint from group_hours) as hours,
            (select sum(count)::bigint from group_facets where facet = 'host') as hosts`,
  );
  const counts = Object.entries(rows[0] ?? {}).map(([name, count]) => `${name} ${count}`);
  const isTrue = new Set(Object.values(rows[0] ?? {})).size === 1;
  say(`  counted: ${counts.join(", ")}${isTrue ? "" : ": NOT the same"}`);
}

const load = async (bench: Bench, order: Partial<LoadOrder>): Promise<LoadResult> =>
  await generate({ ...baseOrder, ...bench.access, port: bench.ingest.port, releases: 1, ...order });
