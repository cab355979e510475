import { expect, test } from "vitest";
import { openPool } from "../src/index.ts";
import { freshDatabase } from "../../../test/postgres.ts";

test("a connection in use that the server ends rejects the next query, and does not end the process", async () => {
  const database = await freshDatabase();
  const pool = openPool(database.url, "test", 1);
  const client = await pool.connect();
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const ended = new Promise<void>((done) => client.once("end", () => done()));
  await database.pool.query("select pg_terminate_backend($1)", [rows[0]?.pid]);
  await ended;
  await expect(client.query("select 1")).rejects.toThrow(/not queryable|terminated/);
  client.release(true);
  expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await pool.end();
  await database.drop();
});
