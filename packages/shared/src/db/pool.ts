/** The one way into Postgres: a pool, and a transaction on it. */
import pg from "pg";

export type Pool = pg.Pool;
/** A pool, or a client inside a transaction. */
export type Queryable = Pick<pg.PoolClient, "query">;

// bigint counts arrive as text by default; every count of ours lies far below 2^53
const INT8 = 20;
pg.types.setTypeParser(INT8, Number);

/**
 * A client that survives the loss of its connection: what it was asked rejects, and that is all.
 *
 * pg tells the loss as an event too, and one that nobody listens to ends the process. A pool listens to its
 * idle clients only; one that is checked out and between two queries (a lock held, a transaction) has
 * nobody. Seen when Postgres was killed under `faultline start`. Test: pool.test.ts.
 */
export class LastingClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on("error", () => undefined);
  }
}

/** `name` shows in pg_stat_activity. A query that takes longer than `queryMs` (0: any time) rejects. */
export function openPool(databaseUrl: string, name: string, max: number, queryMs = 0): Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: `faultline-${name}`,
    max,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    query_timeout: queryMs,
    keepAlive: true,
    Client: LastingClient,
  });
  // An idle connection that the server closes is replaced at the next query; without a listener it would end the process.
  pool.on("error", () => undefined);
  return pool;
}

/** Runs `work` in one transaction; rolls back when it throws. `begin`: the statements that open it. */
export async function transaction<T>(
  pool: Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  begin = "begin",
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
