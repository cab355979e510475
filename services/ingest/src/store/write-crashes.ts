/** A batch of crashes → Postgres, once each; and what an error of it means. */
import {
  acceptCrashes,
  crashIdTime,
  crashProjects,
  ensurePartitions,
  newCrashId,
  type Accepted,
  type NewCrash,
  type Pool,
} from "@faultline/shared";
import { clientKey } from "../accept-crash.ts";

/**
 * Stores crashes durably, answering one result a crash, in order. A client's own id that another project
 * holds already becomes a key of its own project, so that nobody can take a crash away by guessing ids.
 */
export async function writeCrashes(
  pool: Pool,
  crashes: readonly NewCrash[],
): Promise<readonly Accepted[]> {
  const results = new Map<NewCrash, Accepted>();
  const first = firstOfEachId(crashes);
  await write(pool, first, results);
  // the same id twice in one batch: the second finds what the first left
  await write(
    pool,
    crashes.filter((crash) => !results.has(crash)),
    results,
  );
  const renamed = await renameForeign(pool, crashes, results);
  const settled = await acceptAll(pool, [...renamed.values()]);
  return crashes.map((crash) => {
    const other = renamed.get(crash);
    return (other === undefined ? results.get(crash) : settled.get(other)) as Accepted;
  });
}

function firstOfEachId(crashes: readonly NewCrash[]): readonly NewCrash[] {
  const seen = new Set<string>();
  return crashes.filter((crash) => seen.size !== seen.add(crash.id).size);
}

async function write(
  pool: Pool,
  crashes: readonly NewCrash[],
  results: Map<NewCrash, Accepted>,
): Promise<void> {
  for (const [crash, accepted] of await acceptAll(pool, crashes)) results.set(crash, accepted);
}

async function acceptAll(
  pool: Pool,
  crashes: readonly NewCrash[],
): Promise<ReadonlyMap<NewCrash, Accepted>> {
  if (crashes.length === 0) return new Map();
  const accepted = await acceptCrashes(pool, crashes);
  return new Map(crashes.map((crash, at) => [crash, accepted[at] as Accepted])); // one a crash, by contract
}

/** The crashes whose own id turned out to be another project's, each with its new name. */
async function renameForeign(
  pool: Pool,
  crashes: readonly NewCrash[],
  results: ReadonlyMap<NewCrash, Accepted>,
): Promise<ReadonlyMap<NewCrash, NewCrash>> {
  const repeated = crashes.filter((crash) => crash.key === null && results.get(crash)?.duplicate);
  if (repeated.length === 0) return new Map();
  const holders = await crashProjects(
    pool,
    repeated.map((crash) => crash.id),
  );
  const foreign = repeated.filter((crash) => holders.get(crash.id) !== crash.projectId);
  return new Map(
    foreign.map((crash) => [
      crash,
      { ...crash, id: newCrashId(crash.receivedAt), key: clientKey(crash.id) },
    ]),
  );
}

const NO_PARTITION = "23514";

/** Like writeCrashes, for crashes that may have waited long: makes the partition of their day when it is missing. */
export async function writeLateCrashes(
  pool: Pool,
  crashes: readonly NewCrash[],
): Promise<readonly Accepted[]> {
  try {
    return await writeCrashes(pool, crashes);
  } catch (error) {
    if (sqlState(error) !== NO_PARTITION) throw error;
    for (const crash of crashes) await ensurePartitions(pool, crashIdTime(crash.id) ?? Date.now());
    return await writeCrashes(pool, crashes);
  }
}

/** SQLSTATE of a Postgres error, null for any other. */
export function sqlState(error: unknown): string | null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

/** Postgres Appendix A: 22 data exception, 23 integrity violation: the rows' own fault, trying again is no use. */
export function isRowFault(error: unknown): boolean {
  const state = sqlState(error);
  return state !== null && /^2[23]/.test(state) && state !== NO_PARTITION;
}

/**
 * The database is away, full or on its way down rather than the statement wrong: no SQLSTATE at all
 * (the connection), 08 connection, 53 resources, 57 operator intervention, 58 system error, XX internal.
 */
export function isDatabaseAway(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== null) return /^(08|53|57|58|XX)/.test(state);
  return (
    error instanceof Error &&
    connectionErrors.test(`${error.message} ${String((error as NodeJS.ErrnoException).code)}`)
  );
}

/** pg and pg-pool say these only in words; the codes are Node's. */
const connectionErrors =
  /connection terminated|connection timeout|timeout exceeded when trying to connect|query read timeout|client has encountered a connection error|not queryable|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOENT/i;
