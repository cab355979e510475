/** What is refused leaves nothing behind: no row, no file; and the refusal says what to do. */
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiOf, crashForm, type Api, type Body } from "./api.ts";
import { dumpText } from "./dumps.ts";
import { embeddedInstallation } from "./installation.ts";

let at: Awaited<ReturnType<typeof embeddedInstallation>>;
let api: Api;
let port: number;
beforeAll(async () => {
  at = await embeddedInstallation();
  const ingest = await at.ingest();
  port = ingest.port;
  api = apiOf(ingest.url, at.key, at.token);
});
afterAll(() => at.close());

/** Rows and files of crashes and symbols that the server holds. */
async function leftBehind(): Promise<{ rows: number; files: readonly string[] }> {
  const { rows } = await at.pool.query<{ n: number }>(
    `select (select count(*) from crashes) + (select count(*) from pending) + (select count(*) from crash_keys)
          + (select count(*) from symbol_files) + (select count(*) from release_files) as n`,
  );
  const entries = await readdir(at.installation.folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.endsWith("keys.json")); // the ingest keys, kept for a start without Postgres
  return { rows: rows[0]?.n ?? 0, files };
}

const nothing = { rows: 0, files: [] };
const dump = dumpText(1, 1);
const large = new Blob([new Uint8Array(300_000)]);
const text = { "content-type": "text/plain" };

interface Refusal {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  readonly body: Body;
  readonly headers?: Record<string, string>;
}

const refusals: readonly Refusal[] = [
  {
    name: "an unknown key",
    status: 401,
    code: "bad-credentials",
    body: dump,
    headers: { authorization: `Bearer ${"0".repeat(32)}` },
  },
  {
    name: "no dump among the parts",
    status: 400,
    code: "no-dump",
    body: formOf({ "core.bin": large }),
  },
  { name: "an empty dump", status: 400, code: "empty-dump", body: "", headers: text },
  {
    name: "metadata that is no JSON",
    status: 400,
    code: "bad-metadata",
    body: formOf({ core: large, faulthandler: new Blob([dump]) }, "{"),
  },
  {
    name: "an id that is no UUID",
    status: 400,
    code: "bad-metadata",
    body: crashForm(dump, { id: "4711" }, { core: large }),
  },
  {
    name: "a body that is no crash at all",
    status: 415,
    code: "unsupported-media-type",
    body: "{}",
    headers: { "content-type": "application/json" },
  },
  {
    name: "gzip that is none",
    status: 400,
    code: "bad-body",
    body: dump,
    headers: { ...text, "content-encoding": "gzip" },
  },
  {
    name: "too many attachments",
    status: 413,
    code: "too-large",
    body: crashForm(
      dump,
      {},
      Object.fromEntries(Array.from({ length: 30 }, (_, count) => [`file-${count}`, large])),
    ),
  },
];

function formOf(parts: Readonly<Record<string, Blob>>, metadata = "{}"): FormData {
  const form = new FormData();
  form.set("metadata", metadata);
  for (const [name, part] of Object.entries(parts)) form.set(name, part, name);
  return form;
}

test.each(refusals)("$name: $status $code", async ({ status, code, body, headers }) => {
  const answer = await api.crash(body, headers);
  expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  const problem = (await answer.json()) as Record<string, unknown>;
  expect(problem).toMatchObject({ status, code });
  expect(problem["detail"]).toEqual(expect.any(String));
  expect(answer.status).toBe(status);
  await expect.poll(leftBehind).toEqual(nothing);
});

test("a token that may not: an ingest key reads nothing", async () => {
  const answer = await api.get("/api/v1/groups");
  expect(answer.status).toBe(200);
  const withKey = apiOf(`http://127.0.0.1:${port}`, at.key, at.key);
  expect((await withKey.get("/api/v1/groups")).status).toBe(401);
});

test("symbols that are none", async () => {
  const form = new FormData();
  form.set("release", "1.0");
  form.set("file", new Blob(["this is no zip"]), "broken.zip");
  const answer = await api.post("/api/v1/symbols", form);
  expect(await answer.json()).toMatchObject({
    accepted: 0,
    refused: 1,
    files: [{ name: "broken.zip", status: "refused", reason: expect.any(String) }],
  });
  await expect.poll(leftBehind).toEqual(nothing);
});

test("a body that stops half way, small and large, plain and in parts", async () => {
  const head = `POST /api/v1/crashes HTTP/1.1\r\nhost: test\r\nauthorization: Bearer ${at.key}\r\n`;
  const file = Buffer.alloc(200_000, "x").toString();
  const part = (name: string): string =>
    `--b\r\ncontent-disposition: form-data; name="${name}"; filename="${name}"\r\n\r\n`;
  const halves = [
    `${head}content-type: text/plain\r\ncontent-length: 100000\r\n\r\n${dump}`,
    `${head}content-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n10000\r\n${dump}`,
    `${head}content-type: multipart/form-data; boundary=b\r\ncontent-length: 900000\r\n\r\n${part("faulthandler")}${dump}\r\n${part("core")}${file}`,
    `${head}content-type: multipart/form-data; boundary=b\r\ncontent-length: ${part("faulthandler").length + dump.length}\r\n\r\n${part("faulthandler")}${dump}`,
  ];
  for (const half of halves) {
    const socket = connect(port, "127.0.0.1");
    let answered = "";
    socket.on("data", (chunk) => (answered += chunk.toString()));
    socket.on("error", () => undefined);
    socket.write(half);
    await sleep(150);
    socket.destroy();
    await once(socket, "close");
    expect(answered).not.toMatch(/^HTTP\/1\.1 200/);
  }
  await expect.poll(leftBehind).toEqual(nothing);
});
