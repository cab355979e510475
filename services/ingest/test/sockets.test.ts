/** What only a real connection can do: stop half way, drag on, send a gigabyte, speak no HTTP. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INLINE_BYTES } from "@faultline/shared";
import { clearCrashes, freshDatabase, type TestDatabase } from "../../../test/postgres.ts";
import { startIngest, type Ingest } from "../src/index.ts";
import {
  type Access,
  addProject,
  bearer,
  configFor,
  dumpText,
  form,
  inTime,
  log,
  traces,
} from "./setting.ts";

let database: TestDatabase;
let folder: string;
let access: Access;
let ingest: Ingest;
beforeAll(async () => {
  database = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), "faultline-sockets-"));
  access = await addProject(database.pool, "shop");
  ingest = await startIngest(configFor(database.url, folder), log);
});
afterAll(async () => {
  await ingest.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const nothing = { rows: 0, files: [] };
const left = (): Promise<unknown> => traces(database.pool, folder);

function head(
  headers: Readonly<Record<string, string | number>>,
  path = "/api/v1/crashes",
): string {
  const all = { host: "test", ...bearer(access.key), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** Everything the server says until it, or `ms`, ends the connection. */
async function talk(pieces: Iterable<string | Buffer>, ms = 10_000): Promise<string> {
  const socket = connect(ingest.port, "127.0.0.1");
  let said = "";
  socket.on("data", (chunk) => (said += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  for (const piece of pieces) {
    if (socket.destroyed) break;
    if (!socket.write(piece)) await drained(socket);
  }
  await Promise.race([once(socket, "close"), sleep(ms), answered(socket, () => said)]);
  socket.destroy();
  return said;
}

const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once("drain", () => resolve()).once("close", () => resolve());
  });

async function answered(socket: Socket, said: () => string): Promise<void> {
  while (!socket.destroyed && !/\r\n\r\n[\s\S]*\}$/.test(said())) await sleep(5);
}

test("a body that stops half way is no crash, and leaves nothing", async () => {
  const { headers, payload } = form([
    { name: "faulthandler", body: dumpText("half") },
    { name: "core", filename: "core", body: Buffer.alloc(INLINE_BYTES * 3, "c") },
  ]);
  const text = dumpText("half");
  const halves = [
    [head({ "content-type": "text/plain", "content-length": 10_000 }), text],
    [head({ "content-type": "text/plain", "content-length": 10_000_000 }), text],
    [
      head({ "content-type": "text/plain", "transfer-encoding": "chunked" }),
      `${text.length.toString(16)}\r\n${text}\r\n`,
    ],
    [
      head({ ...headers, "content-length": payload.length }),
      payload.subarray(0, payload.length - 1),
    ],
    [head({ ...headers, "content-length": payload.length }), payload.subarray(0, INLINE_BYTES * 2)],
    [
      head({ ...headers, "transfer-encoding": "chunked" }),
      `${payload.length.toString(16)}\r\n`,
      payload.subarray(0, INLINE_BYTES * 2),
    ],
  ];
  for (const pieces of halves) {
    const socket = connect(ingest.port, "127.0.0.1");
    socket.on("error", () => undefined);
    let said = "";
    socket.on("data", (chunk) => (said += chunk.toString("latin1")));
    for (const piece of pieces) socket.write(piece);
    await sleep(100);
    socket.destroy();
    expect(said).toBe("");
  }
  await expect.poll(left, inTime).toEqual(nothing);
});

test("a connection closed in one direction half way gets no 200", async () => {
  const socket = connect({ port: ingest.port, host: "127.0.0.1", allowHalfOpen: true });
  let said = "";
  socket.on("data", (chunk) => (said += chunk.toString("latin1")));
  socket.end(`${head({ "content-type": "text/plain", "content-length": 10_000 })}half`);
  await once(socket, "close");
  expect(said).not.toContain("200 OK");
  await expect.poll(left, inTime).toEqual(nothing);
});

function* gigabyte(start: string): Generator<string | Buffer> {
  const chunk = Buffer.alloc(1 << 20, "File x.py, line 1 in f\n");
  yield start;
  for (let sent = 0; sent < 1024; sent++) {
    yield `${chunk.length.toString(16)}\r\n`;
    yield chunk;
    yield "\r\n";
  }
  yield "0\r\n\r\n";
}

test("a gigabyte of text is a 413 that names the limit, at little memory", async () => {
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  const said = await talk(
    gigabyte(head({ "content-type": "text/plain", "transfer-encoding": "chunked" })),
    60_000,
  );
  clearInterval(watch);
  expect(said).toMatch(/^HTTP\/1\.1 413 /);
  expect(said).toContain("MAX_TEXT_BYTES");
  expect(most - before).toBeLessThan(200 << 20);
  await expect.poll(left, inTime).toEqual(nothing);
}, 90_000);

describe("whoever sends on after a refusal can send it all", () => {
  const megabyte = Buffer.alloc(1 << 20, "File x.py, line 1 in f\n");
  test.each([
    ["too much text", "413", "/api/v1/crashes", {}],
    ["what is no dump", "400", "/api/minidump", {}],
    ["what is not packed as it says", "400", "/api/v1/crashes", { "content-encoding": "gzip" }],
  ])("%s: %s", async (_, status, path, headers) => {
    const type = { "content-type": "text/plain", "content-length": 64 * megabyte.length };
    const socket = connect(ingest.port, "127.0.0.1");
    let said = "";
    socket.on("data", (chunk) => (said += chunk.toString("latin1")));
    socket.on("error", () => undefined);
    socket.write(head({ ...type, ...headers }, path));
    for (let sent = 0; sent < 64; sent++) if (!socket.write(megabyte)) await drained(socket);
    expect(socket.destroyed).toBe(false);
    await once(socket, "close");
    expect(said).toContain(`HTTP/1.1 ${status} `);
  });
});

test("one that is announced too large is refused before it comes", async () => {
  const said = await talk([head({ "content-type": "text/plain", "content-length": 2 ** 30 }), "x"]);
  expect(said).toMatch(/^HTTP\/1\.1 413 /);
  expect(said).toMatch(/connection: close/i);
});

test("a client that waits for 100 Continue is told to go on", async () => {
  const body = dumpText("continue");
  const socket = connect(ingest.port, "127.0.0.1");
  socket.write(
    head({ "content-type": "text/plain", "content-length": body.length, expect: "100-continue" }),
  );
  const [first] = (await once(socket, "data")) as [Buffer];
  expect(first.toString()).toMatch(/^HTTP\/1\.1 100 /);
  socket.write(body);
  const [second] = (await once(socket, "data")) as [Buffer];
  expect(second.toString()).toMatch(/^HTTP\/1\.1 200 /);
  socket.destroy();
  await clearCrashes(database.pool);
});

test("several crashes on one connection, each answered with its length", async () => {
  const bodies = ["a", "bb", "ccc"].map(dumpText);
  const requests = bodies.map(
    (body) => head({ "content-type": "text/plain", "content-length": body.length }) + body,
  );
  const socket = connect(ingest.port, "127.0.0.1");
  let said = "";
  socket.on("data", (chunk) => (said += chunk.toString("latin1")));
  for (const request of requests) {
    const before = said.length;
    socket.write(request);
    await expect.poll(() => said.slice(before), inTime).toMatch(/\}$/);
    const [, length, answer] =
      /content-length: (\d+)[\s\S]*?\r\n\r\n([\s\S]*)$/i.exec(said.slice(before)) ?? [];
    expect(answer).toHaveLength(Number(length));
  }
  socket.destroy();
  expect(said.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
  await clearCrashes(database.pool);
});

test("what is no HTTP gets a problem document", async () => {
  const said = await talk(["hello\r\n\r\n"]);
  expect(said).toMatch(/^HTTP\/1\.1 400 /);
  expect(said).toContain("application/problem+json");
  const endless = await talk([`GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(100_000)}\r\n\r\n`]);
  expect(endless).toMatch(/^HTTP\/1\.1 431 /);
  expect(endless).toContain("headers-too-large");
});

test("a request under way when we stop is answered, and its crash kept", async () => {
  const other = await startIngest(configFor(database.url, folder), log);
  const body = dumpText("stopping");
  const socket = connect(other.port, "127.0.0.1");
  let said = "";
  socket.on("data", (chunk) => (said += chunk.toString("latin1")));
  socket.write(
    head({ "content-type": "text/plain", "content-length": body.length }) + body.slice(0, 10),
  );
  await sleep(100);
  const closed = other.close();
  await sleep(50);
  socket.write(body.slice(10));
  await closed;
  expect(said).toMatch(/^HTTP\/1\.1 200 /);
  const { rows } = await database.pool.query("select 1 from crashes");
  expect(rows).toHaveLength(1);
  await clearCrashes(database.pool);
});
