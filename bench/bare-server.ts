/**
 * The least that could be called the same job, to hold the service against: fastify, one table, batched
 * inserts, addBulk, and only then the answer. It reads nothing of what it is sent: no form, no key, no
 * metadata, no second submission of the same crash. Takes DATABASE_URL and REDIS_URL; prints its port.
 */
import { randomUUID } from "node:crypto";
import { createBatcher, openPool, openQueue, readConfig } from "@faultline/shared";
import Fastify from "fastify";

const config = readConfig(process.env);
const pool = openPool(config.databaseUrl, "bare", 4);
const queue = openQueue(config, "crashes", (error) => process.stderr.write(`${error.message}\n`));
await pool.query("create table if not exists bare (id uuid primary key, body bytea not null)");

const rows = createBatcher<{ id: string; body: Buffer }, void>({
  most: 200,
  lanes: 2,
  async act(items) {
    const values = items.map((_, at) => `($${at * 2 + 1}, $${at * 2 + 2})`).join(",");
    await pool.query(
      `insert into bare (id, body) values ${values}`,
      items.flatMap(({ id, body }) => [id, body]),
    );
    return items.map(() => undefined);
  },
});
const jobs = createBatcher<string, void>({
  most: 200,
  lanes: 2,
  async act(ids) {
    await queue.add(ids.map((id) => ({ id, data: { crashId: id } })));
    return ids.map(() => undefined);
  },
});

const app = Fastify();
app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
app.post("/api/v1/crashes", async (request) => {
  const id = randomUUID();
  await rows.add({ id, body: request.body as Buffer });
  await jobs.add(id);
  return { id };
});
process.stdout.write(`${await app.listen({ host: "127.0.0.1", port: 0 })}\n`);
