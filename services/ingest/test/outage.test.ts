/** Postgres ends, hangs or refuses, the disk is full, the queue is away: a 200 holds, and never is there an error for a valid crash. */
import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from "vitest";
import { openBlobStore, openPool, Registry, type Config, type Pool } from "@faultline/shared";
import {
  freePort,
  startPostgresServer,
  type PostgresServer,
} from "../../../test/postgres-server.ts";
import { startIngest, type Ingest, type IngestExtras } from "../src/index.ts";
import { encodeCrash } from "../src/store/spool-record.ts";
import { newCrash } from "./crash-rows.ts";
import { oneDump } from "./minidumps.ts";
import { type Access, addProject, bearer, configFor, dumpText, inTime, log } from "./setting.ts";

let server: PostgresServer;
beforeAll(async () => void (server = await startPostgresServer()));
afterAll(() => server.close());

let config: Config;
let pool: Pool;
let access: Access;
let folder: string;
const started: Ingest[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "faultline-outage-"));
  config = configFor(await server.createDatabase(), folder);
  pool = openPool(config.databaseUrl, "test", 4);
  access = await addProject(pool, "shop");
});
afterEach(async () => {
  for (const one of started.splice(0)) await one.close();
  await pool.end();
  await rm(folder, { recursive: true, force: true });
});

async function start(extras: IngestExtras = {}, change: Partial<Config> = {}): Promise<Ingest> {
  const one = await startIngest({ ...config, ...change }, log, extras);
  started.push(one);
  return one;
}

interface Taken {
  readonly id: string;
  readonly duplicate: boolean;
}

async function send(to: Ingest, about: string, query = ""): Promise<Taken> {
  const answer = await fetch(`${to.url}/api/v1/crashes${query}`, {
    method: "POST",
    headers: { ...bearer(access.key), "content-type": "text/plain" },
    body: dumpText(about),
  });
  expect(answer.status, `says ${await answer.clone().text()}`).toBe(200);
  return (await answer.json()) as Taken;
}

const stored = async (): Promise<string[]> =>
  (await pool.query<{ id: string }>("select id from crashes order by id")).rows.map(
    (row) => row.id,
  );
const spooled = (): Promise<string[]> => readdir(join(config.spool, "crashes"));
const ids = (all: readonly Taken[]): string[] => all.map(({ id }) => id).toSorted();
const health = async (of: Ingest): Promise<{ code: number; body: Record<string, unknown> }> => {
  const answer = await fetch(`${of.url}/readyz`);
  return { code: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

test("a crash handler's minidump while Postgres is away: its 200, one crash, and its file", async () => {
  const ingest = await start();
  await send(ingest, "the key is known");
  await server.stop();
  const dump = oneDump();
  const name = `${randomUUID()}.dmp`;
  const post = async (): Promise<string> => {
    const body = new FormData();
    body.set("ver", "1.2");
    body.set("upload_file_minidump", new Blob([new Uint8Array(dump)]), name);
    const url = `${ingest.url}/api/minidump?key=${access.key}`;
    const answer = await fetch(url, { method: "POST", body });
    expect(answer.status).toBe(200);
    return await answer.text();
  };
  const id = await post();
  expect(await post()).toBe(id);
  await server.start();
  await expect.poll(spooled, inTime).toEqual([]);
  expect(await post()).toBe(id);
  const { rows } = await pool.query<{ release: string; attachments: { blob: string }[] }>(
    "select release, attachments from crashes where id = $1",
    [id],
  );
  expect(rows[0]?.release).toBe("1.2");
  const blobs = await openBlobStore(config.blobs);
  expect(await readFile(blobs.path(rows[0]?.attachments[0]?.blob ?? ""))).toEqual(dump);
}, 60_000);

test("Postgres ends under load: every 200 is in Postgres once it is back, each crash once", async () => {
  const ingest = await start();
  const taken: Taken[] = [];
  const stop = new AbortController();
  const sender = async (name: number): Promise<void> => {
    for (let count = 0; !stop.signal.aborted; count++)
      taken.push(await send(ingest, `load-${name}-${count}`));
  };
  const senders = Array.from({ length: 8 }, (_, name) => sender(name));
  onTestFinished(() => stop.abort());
  await expect.poll(() => taken.length, inTime).toBeGreaterThan(50);
  await server.stop();
  const before = taken.length;
  await expect.poll(() => taken.length, inTime).toBeGreaterThan(before + 50);
  expect((await spooled()).length).toBeGreaterThan(0);
  expect(await health(ingest)).toMatchObject({
    code: 200,
    body: { status: "spooling", database: false },
  });
  await server.start();
  await expect.poll(spooled, inTime).toEqual([]);
  stop.abort();
  await Promise.all(senders);
  await expect.poll(stored, inTime).toEqual(ids(taken));
  const { rows } = await pool.query("select crash_id from pending order by 1");
  expect(rows).toHaveLength(taken.length);
  await expect
    .poll(() => health(ingest))
    .toMatchObject({ body: { status: "ready", spool: { crashes: 0, bytes: 0 } } });
}, 60_000);

test("a start without Postgres knows the keys, takes crashes, and hands them over when it is there", async () => {
  const first = await start();
  await send(first, "before");
  await first.close();
  started.splice(0);
  await server.stop();
  const second = await start();
  const taken = await send(second, "while away");
  const unknown = fetch(`${second.url}/api/v1/crashes?key=${"0".repeat(32)}`, {
    method: "POST",
    body: "x",
  });
  await expect(unknown).rejects.toThrow("fetch failed"); // nobody can tell whether the key is good: the connection is reset
  const groups = await fetch(`${second.url}/api/v1/groups`, { headers: bearer(access.token) });
  expect(groups.status).toBe(503);
  expect(await groups.json()).toMatchObject({ code: "database-away" });
  await second.close();
  started.splice(0);
  expect(await spooled()).toHaveLength(1);
  await server.start();
  await start();
  await expect.poll(stored, inTime).toContain(taken.id);
  await expect.poll(spooled, inTime).toEqual([]);
}, 60_000);

test("dying between Postgres and the spool's removal repeats what is idempotent", async () => {
  const ingest = await start();
  const { id } = await send(ingest, "twice");
  await ingest.close();
  started.splice(0);
  const { rows } = await pool.query<{ received_at: Date }>("select received_at from crashes");
  const receivedAt = rows[0]?.received_at.getTime() ?? 0;
  const again = newCrash(access.projectId, { id, receivedAt, key: null });
  const keyed = newCrash(access.projectId);
  for (const crash of [again, keyed]) {
    await writeFile(
      join(config.spool, "crashes", `${crash.receivedAt}-${crash.id}`),
      encodeCrash(crash),
    );
  }
  await writeFile(
    join(config.spool, "crashes", `${keyed.receivedAt}-${keyed.id}-copy`),
    encodeCrash(keyed),
  );
  await start();
  await expect.poll(spooled, inTime).toEqual([]);
  expect(await stored()).toEqual([id, keyed.id].toSorted());
});

test("a crash of long ago gets the partition of its day; one that Postgres refuses is set aside alone", async () => {
  const long = Date.now() - 20 * 86_400_000;
  const old = newCrash(access.projectId, { id: newCrashIdAt(long), receivedAt: long });
  const good = newCrash(access.projectId);
  const bad = newCrash(access.projectId, { metadata: { ...good.metadata, host: "\0" } });
  await start().then((one) => one.close());
  started.splice(0);
  for (const crash of [old, bad, good]) {
    await writeFile(
      join(config.spool, "crashes", `${crash.receivedAt}-${crash.id}`),
      encodeCrash(crash),
    );
  }
  await start();
  await expect.poll(spooled, inTime).toEqual([]);
  expect(await stored()).toEqual([old.id, good.id].toSorted());
  expect(await readdir(join(config.spool, "damaged"))).toEqual([`${bad.receivedAt}-${bad.id}`]);
});

const newCrashIdAt = (time: number): string => {
  const hex = time.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-0123456789ab`;
};

describe("Postgres is there, but", () => {
  /** Makes every statement on crashes wait for us. */
  async function lock(): Promise<{ release: () => Promise<void> }> {
    const client = await pool.connect();
    await client.query("begin; lock table crashes in access exclusive mode");
    return {
      release: async () => {
        await client.query("rollback");
        client.release();
      },
    };
  }

  test("does not answer: the crash goes to the spool, and is there once", async () => {
    const ingest = await start();
    const held = await lock();
    const [first, second] = await Promise.all([send(ingest, "one"), send(ingest, "two")]);
    expect(await spooled()).toHaveLength(2);
    await held.release();
    await expect.poll(spooled, inTime).toEqual([]);
    expect(await stored()).toEqual(ids([first, second]));
  }, 60_000);

  test("lacks the day's partition: it is made, and the crash stored", async () => {
    const ingest = await start();
    await expect.poll(() => health(ingest), inTime).toMatchObject({ body: { status: "ready" } });
    const day = new Date().toISOString().slice(0, 10).replaceAll("-", "");
    await pool.query(`drop table crashes_${day}`);
    const taken = await send(ingest, "no partition");
    await expect.poll(stored, inTime).toEqual([taken.id]);
  });
});

test("neither Postgres nor room in the spool: the connection is reset, nothing is answered", async () => {
  const ingest = await start({ maxSpoolBytes: 1_000 });
  await server.stop();
  await send(ingest, "fits");
  const second = send(ingest, "too much");
  await expect(second).rejects.toThrow(/fetch failed/);
  const { code, body } = await health(ingest);
  expect({ code, status: body["status"] }).toEqual({ code: 200, status: "spooling" });
  expect(await spooled()).toHaveLength(1);
  await server.start();
  await expect.poll(spooled, inTime).toEqual([]);
  // a connection that was kept since before the outage may be closed in the moment it is used again
  await expect.poll(() => send(ingest, "again").then(() => "taken"), inTime).toBe("taken");
}, 60_000);

test("sent again while Postgres is away, it is the same crash; and once more when it is back", async () => {
  const ingest = await start();
  await server.stop();
  const first = await send(ingest, "again");
  expect(await send(ingest, "again")).toMatchObject({ id: first.id, duplicate: true });
  const own = randomUUID();
  const [one, two] = await Promise.all([1, 2].map((body) => send(ingest, `${body}`, `?id=${own}`)));
  expect(new Set([one?.id, two?.id]).size).toBe(1);
  expect(await spooled()).toHaveLength(2);
  await server.start();
  await expect.poll(spooled, inTime).toEqual([]);
  expect(await send(ingest, "again")).toMatchObject({ id: first.id, duplicate: true });
  expect(await stored()).toHaveLength(2);
}, 60_000);

test("a spool that takes nothing at all does not outlast the outage", async () => {
  const ingest = await start({ maxSpoolBytes: 1 });
  await server.stop();
  await expect(send(ingest, "lost to us")).rejects.toThrow("fetch failed");
  expect(await health(ingest)).toMatchObject({ code: 200, body: { status: "spooling" } });
  await server.start();
  await expect.poll(() => health(ingest), inTime).toMatchObject({ body: { status: "ready" } });
  const taken = await send(ingest, "sent again");
  expect(await stored()).toEqual([taken.id]);
}, 60_000);

test("the queue is away: crashes are taken, wait in Postgres, and the miss is counted", async () => {
  const registry = new Registry();
  const redisUrl = `redis://127.0.0.1:${await freePort()}`;
  const ingest = await start({ registry }, { redisUrl });
  const taken = await send(ingest, "no queue");
  expect(await stored()).toEqual([taken.id]);
  await expect.poll(() => registry.metrics(), inTime).toContain("faultline_jobs_unqueued_total 1");
  expect(await health(ingest)).toMatchObject({
    code: 200,
    body: { status: "ready", queue: { reachable: false, depth: null } },
  });
});

test("the keys' file is for its owner only", async () => {
  await start();
  const file = join(config.spool, "ingest-keys.json");
  expect(JSON.parse(await readFile(file, "utf8"))).toEqual([[access.key, access.projectId]]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});
