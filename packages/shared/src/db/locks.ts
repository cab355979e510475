/** Advisory locks: held by a connection, so that a process that dies lets go. */
import type { Pool, Queryable } from "./pool.ts";

/** Numbers that tell the locks of this house apart; the second of a pair comes from what is locked. */
export const LockSpace = {
  nativeBuild: 0x0fa1_7005,
  repairs: 0x0fa1_7007,
  joining: 0x0fa1_7008,
} as const;

/**
 * Runs `work` while holding the lock, on the connection that holds it; null at once when another has it. The lock is
 * free when this settles, also after a failure: whoever tries again must not find it taken by nobody.
 */
export async function withTryLock<Result>(
  pool: Pool,
  space: number,
  name: string,
  work: (db: Queryable) => Promise<Result>,
): Promise<Result | null> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      "select pg_try_advisory_lock($1, hashtext($2)) as locked",
      [space, name],
    );
    if (rows[0]?.locked !== true) return null;
    try {
      return await work(client);
    } finally {
      await client.query("select pg_advisory_unlock($1, hashtext($2))", [space, name]);
    }
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}
