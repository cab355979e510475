/** POST /api/minidump, as crash handlers speak to it. */
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  MAX_ATTACHMENTS,
  MAX_TEXT_BYTES,
  type Attachment,
  type CrashMetadata,
} from "@faultline/shared";
import { synthMinidump } from "@faultline/testkit";
import type { InjectOptions, LightMyRequestResponse } from "fastify";
import { clearCrashes } from "../../../test/postgres.ts";
import { describeAnswers, type Described } from "./described.ts";
import { oneDump } from "./minidumps.ts";
import {
  dumpText,
  form,
  inTime,
  openSetting,
  traces,
  type Setting,
  type TestPart,
} from "./setting.ts";

let at: Setting;
let described: Described;
let port: number;
beforeAll(async () => {
  at = await openSetting();
  described = await describeAnswers(at.app);
  await at.app.listen({ host: "127.0.0.1", port: 0 });
  port = (at.app.server.address() as AddressInfo).port;
});
afterAll(() => at.close());
beforeEach(() => clearCrashes(at.pool));

/** Text fields first, then files, as Crashpad orders them. */
const crashpadParts = (
  dump: Buffer,
  fields: Readonly<Record<string, string>> = {},
  name = `${randomUUID()}.dmp`,
): TestPart[] => [
  ...Object.entries(fields).map(([field, body]) => ({ name: field, body })),
  {
    name: "upload_file_minidump",
    filename: name,
    type: "application/octet-stream",
    body: dump,
  },
];

async function send(
  parts: readonly TestPart[] | InjectOptions,
  url = `/api/minidump?key=${at.key}`,
): Promise<LightMyRequestResponse> {
  const options = "length" in parts ? form(parts) : parts;
  const answer = await at.app.inject({ method: "POST", url, ...options });
  described.check("POST", url.replace("/minidump/", "/minidump"), answer);
  return answer;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function expectTaken(answer: LightMyRequestResponse): string {
  expect(answer.body).toMatch(UUID);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({ "content-type": "text/plain", "content-length": "36" });
  return answer.body;
}

interface Row {
  readonly release: string | null;
  readonly environment: string | null;
  readonly host: string | null;
  readonly metadata: CrashMetadata;
  readonly attachments: readonly Attachment[];
}
const rowOf = async (id: string): Promise<Row> => {
  const { rows } = await at.pool.query<Row>("select * from crashes where id = $1", [id]);
  expect(rows).toHaveLength(1);
  return rows[0] as Row;
};

/** Bytes over a socket of its own; answers with all that comes back. */
async function exchange(request: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  for (const piece of request) socket.write(piece);
  return await textOf(socket);
}

const chunked = (bytes: Buffer, size: number): Buffer =>
  Buffer.concat([
    ...Array.from({ length: Math.ceil(bytes.length / size) }, (_, one) => {
      const chunk = bytes.subarray(one * size, (one + 1) * size);
      return Buffer.concat([
        Buffer.from(`${chunk.length.toString(16)}\r\n`),
        chunk,
        Buffer.from("\r\n"),
      ]);
    }),
    Buffer.from("0\r\n\r\n"),
  ]);

describe("Crashpad", () => {
  test("headers as Crashpad spells them: HTTP/1.0, chunked, gzip; a Content-Length it finds", async () => {
    const { headers, payload } = form(crashpadParts(oneDump(), { prod: "shop", ver: "1.2" }));
    const query = "product=shop&version=1.2&guid=7fbd1fb8-0dc5-4ce6-a03a-7fbd1fb80dc5";
    const answer = await exchange([
      `POST /api/minidump?key=${at.key}&${query} HTTP/1.0\r\n`,
      `Content-Encoding: gzip\r\nContent-Type: ${headers["content-type"]}\r\n`,
      "Transfer-Encoding: chunked\r\n\r\n",
      chunked(gzipSync(payload), 100),
    ]);
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    expect(body).toMatch(UUID);
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head).toMatch(/^Content-Length: 36\r?$/m);
    expect(head).toMatch(/^Content-Type: text\/plain\r?$/m);
    expect(head).not.toMatch(/transfer-encoding/i);
    const { release, metadata } = await rowOf(body);
    expect(release).toBe("1.2");
    expect(metadata.tags).toEqual({
      prod: "shop",
      product: "shop",
      ver: "1.2",
      version: "1.2",
      guid: "7fbd1fb8-0dc5-4ce6-a03a-7fbd1fb80dc5",
    });
  });

  test("a report sent again is one crash, whatever its client is called", async () => {
    const dump = oneDump();
    const name = `${randomUUID()}.dmp`;
    const again = (guid: string) => send(crashpadParts(dump, { guid }, name));
    const id = expectTaken(await again("a"));
    expect(expectTaken(await again("a"))).toBe(id);
    expect(expectTaken(await again("b"))).toBe(id);
    expect(expectTaken(await send(crashpadParts(oneDump(), { guid: "a" })))).not.toBe(id);
  });

  test("further dumps and files", async () => {
    const parts = [
      { name: "crashpad.log", filename: "crashpad.log", body: "started\n" },
      ...crashpadParts(oneDump(), {}, "main.dmp"),
      { name: "upload_file_minidump_gpu", filename: "gpu.dmp", body: oneDump() },
    ];
    const { attachments } = await rowOf(expectTaken(await send(parts)));
    expect(attachments.map(({ name, kind }) => [name, kind])).toEqual([
      ["main.dmp", "minidump"],
      ["crashpad.log", "other"],
      ["gpu.dmp", "minidump"],
    ]);
  });
});

describe("Breakpad", () => {
  test("libcurl's form: no gzip, no Expect, a length", async () => {
    const { headers, payload } = form([
      { name: "prod", body: "shop" },
      { name: "ver", body: "1.2" },
      // its own UUIDs have groups of 8-4-4-8-8 digits
      ...crashpadParts(oneDump(), {}, "7fbd1fb8-0dc5-4ce6-a03a7fbd-1fb80dc5.dmp"),
    ]);
    const answer = await exchange([
      `POST /api/minidump?key=${at.key} HTTP/1.1\r\nUser-Agent: Breakpad/1.0 (Linux)\r\nHost: x\r\n`,
      `Accept: */*\r\nContent-Length: ${payload.length}\r\nConnection: close\r\n`,
      `Content-Type: ${headers["content-type"]}\r\n\r\n`,
      payload,
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const { release, metadata } = await rowOf(answer.slice(-36));
    expect([release, metadata.tags]).toEqual([
      "1.2",
      { prod: "shop", ver: "1.2", product: "shop" },
    ]);
  });
});

describe("the key", () => {
  const basic = (key: string) => `Basic ${Buffer.from(`${key}:`).toString("base64")}`;
  test.each<[string, (key: string) => { url?: string; headers?: Record<string, string> }]>([
    ["key in the query", (key) => ({ url: `/api/minidump?key=${key}` })],
    ["api_key", (key) => ({ url: `/api/minidump?api_key=${key}` })],
    ["a slash behind the path", (key) => ({ url: `/api/minidump/?key=${key}` })],
    [
      "Sentry's path",
      (key) => ({ url: `/api/1/minidump/?sentry_client=sentry.native/0.7&sentry_key=${key}` }),
    ],
    [
      "X-Sentry-Auth",
      (key) => ({ headers: { "x-sentry-auth": `Sentry sentry_version=7, sentry_key=${key}` } }),
    ],
    [
      "Authorization, Sentry",
      (key) => ({ headers: { authorization: `Sentry sentry_key=${key}, sentry_version=7` } }),
    ],
    ["Authorization, Basic", (key) => ({ headers: { authorization: basic(key) } })],
    ["Authorization, Bearer", (key) => ({ headers: { authorization: `Bearer ${key}` } })],
  ])("%s", async (_name, place) => {
    const { url = "/api/minidump", headers } = place(at.key);
    const whole = form(crashpadParts(oneDump()));
    expectTaken(await send({ ...whole, headers: { ...whole.headers, ...headers } }, url));
  });

  test("none, and a wrong one", async () => {
    const parts = crashpadParts(oneDump());
    const none = await send(parts, "/api/minidump");
    expect([none.statusCode, none.body]).toEqual([401, expect.stringMatching(/^no-credentials: /)]);
    const wrong = await send(parts, `/api/minidump?key=${"0".repeat(32)}`);
    expect([wrong.statusCode, wrong.body]).toEqual([
      401,
      expect.stringMatching(/^bad-credentials: /),
    ]);
  });
});

describe("the body", () => {
  test.each(["application/octet-stream", "application/x-dmp", "application/x-www-form-urlencoded"])(
    "the dump alone as %s, the rest in the query",
    async (type) => {
      const url = `/api/minidump?key=${at.key}&ver=1.2&ver=1.3&hostname=web-1&id=shop`;
      const dump = { headers: { "content-type": type }, payload: oneDump() };
      const row = await rowOf(expectTaken(await send(dump, url)));
      expect(row).toMatchObject({ release: "1.2", host: "web-1" });
      expect(row.metadata.tags).toEqual({ ver: "1.2", hostname: "web-1", id: "shop" });
      expect(row.attachments).toMatchObject([{ name: "minidump", kind: "minidump" }]);
    },
  );

  test("multipart/mixed, and the dump without a name of its own", async () => {
    const whole = form([{ name: "dump", body: oneDump() }]);
    whole.headers["content-type"] = whole.headers["content-type"].replace("form-data", "mixed");
    expectTaken(await send(whole));
  });

  test("a multipart body inside the field, as Electron on Linux had it", async () => {
    const dump = oneDump();
    const inner = form([
      { name: "ptype", body: "renderer" },
      { name: "upload_file_minidump", filename: "dump", body: dump },
      { name: "after", body: "more" },
    ]);
    // its boundary is another one than that of the body around it
    const nested = Buffer.from(
      inner.payload.toString("latin1").replaceAll("----test", "--in"),
      "latin1",
    );
    const parts = crashpadParts(nested, { prod: "Electron" });
    const { attachments, metadata } = await rowOf(
      expectTaken(await send([...parts, { name: "platform", body: "linux" }])),
    );
    expect(attachments).toMatchObject([{ kind: "minidump", size: dump.length }]);
    expect(metadata.tags).toMatchObject({ prod: "Electron", platform: "linux" });
  });

  test("faulthandler's text, as a field, a file, or in a log", async () => {
    for (const part of [
      { name: "faulthandler", body: dumpText("field") },
      { name: "faulthandler", filename: "f.txt", body: dumpText("file") },
      { name: "python_stack", body: dumpText("named otherwise") },
      { name: "log", filename: "stderr.log", body: `started\n${dumpText("log")}` },
    ]) {
      const { attachments } = await rowOf(
        expectTaken(await send([part, ...crashpadParts(oneDump())])),
      );
      expect(attachments.map(({ kind }) => kind)).toEqual(["minidump", "faulthandler"]);
    }
  });

  test("Mozilla's and Sentry's annotations, and our metadata over them", async () => {
    const sentry = { release: "shop@1", tags: { region: "eu" } };
    const extra = { ProductName: "shop", Version: "1.0" };
    const metadata = { release: "2.0", tags: { canary: true }, pid: 7 };
    const row = await rowOf(
      expectTaken(
        await send([
          { name: "sentry", body: JSON.stringify(sentry) },
          { name: "extra", type: "application/json", body: JSON.stringify(extra) },
          ...crashpadParts(oneDump()),
          { name: "metadata", body: JSON.stringify(metadata) },
        ]),
      ),
    );
    expect(row.release).toBe("2.0");
    expect(row.metadata).toMatchObject({
      pid: 7,
      tags: { region: "eu", ProductName: "shop", Version: "1.0", product: "shop", canary: "true" },
    });
  });

  test("sentry-native's event", async () => {
    // {"release": "shop@1", "environment": "prod", "tags": {"region": "eu"}, "level": "fatal"} in MessagePack
    const event = Buffer.concat([
      Buffer.from([0x84]),
      ...["release", "shop@1", "environment", "prod", "level", "fatal", "tags"].map((text) =>
        Buffer.from(`${String.fromCodePoint(0xa0 + text.length)}${text}`, "latin1"),
      ),
      Buffer.from("\x81\xa6region\xa2eu", "latin1"),
    ]);
    const files = [
      { name: "__sentry-event", filename: "__sentry-event", body: event },
      { name: "__sentry-breadcrumb1", filename: "__sentry-breadcrumb1", body: Buffer.from([0x90]) },
    ];
    const row = await rowOf(expectTaken(await send([...crashpadParts(oneDump()), ...files])));
    expect(row).toMatchObject({ release: "shop@1", environment: "prod" });
    expect(row.metadata.tags).toMatchObject({ region: "eu", level: "fatal" });
    expect(row.attachments.map(({ kind }) => kind)).toEqual(["minidump", "other", "other"]);
    files[0] = { name: "__sentry-event", filename: "e", body: Buffer.from("no event") };
    expectTaken(await send([...crashpadParts(oneDump()), ...files]));
  });

  test("too many files and a field too long are left out, the crash is not lost", async () => {
    const files = Array.from({ length: MAX_ATTACHMENTS + 3 }, (_, one) => ({
      name: `f${one}`,
      filename: `f${one}`,
      body: "x",
    }));
    const long = { name: "long", body: "x".repeat(300_000) };
    for (const parts of [
      [...crashpadParts(oneDump(), {}, "c.dmp"), ...files, long],
      [long, ...files, ...crashpadParts(oneDump(), {}, "c.dmp")],
    ]) {
      const { attachments, metadata } = await rowOf(expectTaken(await send(parts)));
      expect(attachments[0]).toMatchObject({ name: "c.dmp", kind: "minidump" });
      expect(attachments).toHaveLength(MAX_ATTACHMENTS);
      expect(metadata.annotationsLeftOut).toBe(5);
    }
  });

  test("an empty text, one that is too long, a second one: the dump is a crash all the same", async () => {
    const kindsOf = async (parts: TestPart[]): Promise<string[]> => {
      const row = await rowOf(expectTaken(await send([...parts, ...crashpadParts(oneDump())])));
      return row.attachments.map(({ kind }) => kind);
    };
    const text = (body: string): TestPart => ({
      name: "faulthandler",
      filename: "f.txt",
      body,
    });
    expect(await kindsOf([text("")])).toEqual(["minidump", "other"]);
    expect(await kindsOf([text("x".repeat(MAX_TEXT_BYTES + 1))])).toEqual(["minidump", "other"]);
    expect(await kindsOf([text("first"), text("second")])).toEqual([
      "minidump",
      "faulthandler",
      "other",
    ]);
  });
});

test("no byte of the environment is stored", async () => {
  const secret = `hunter2-${randomUUID()}`;
  const dump = Buffer.from(synthMinidump().linux("environ", `K=${secret}\0`).finish());
  const fields = {
    environ: `K=${secret}`,
    "switch-1": `--k=${secret}`,
    "sentry[extra][argv]": secret,
  };
  const id = expectTaken(
    await send(crashpadParts(dump, fields), `/api/minidump?key=${at.key}&argv=${secret}`),
  );
  expect(JSON.stringify(await rowOf(id))).not.toContain(secret);
});

describe("a refusal is one line, of a status that no client repeats, and nothing is kept", () => {
  const dump = oneDump();
  const half = (): InjectOptions => {
    const { headers, payload } = form(crashpadParts(dump));
    return { headers, payload: payload.subarray(0, payload.length - 20) };
  };
  test.each<[string, string, () => readonly TestPart[] | InjectOptions]>([
    ["text for a dump", "bad-minidump", () => crashpadParts(Buffer.from("no dump at all"))],
    ["a dump cut short", "bad-minidump", () => crashpadParts(dump.subarray(0, 40))],
    ["an empty dump", "empty-dump", () => crashpadParts(Buffer.alloc(0))],
    ["no dump", "no-dump", () => [{ name: "prod", body: "x" }]],
    ["half a form", "bad-body", half],
    ["text alone", "bad-minidump", () => ({ payload: Buffer.from("Fatal Python error: x") })],
    [
      "a form without a boundary",
      "bad-body",
      () => ({ headers: { "content-type": "multipart/form-data" }, payload: dump }),
    ],
  ])("%s", async (_name, code, request) => {
    const before = await traces(at.pool, at.folder);
    const answer = await send(request());
    expect(answer.statusCode).toBe(400);
    expect(answer.body).toMatch(new RegExp(`^${code}: .*\\n$`));
    expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
    expect(await traces(at.pool, at.folder)).toEqual(before);
  });

  test("a form cut at any byte", async () => {
    const { headers, payload } = form(crashpadParts(dump, { prod: "x" }));
    for (let length = 0; length < payload.lastIndexOf("--"); length += 7) {
      const answer = await send({ headers, payload: payload.subarray(0, length) });
      expect(answer.body, `cut at byte ${length}`).toMatch(/^(?:bad-body|bad-minidump): /);
    }
    expect((await traces(at.pool, at.folder)).rows).toBe(0);
  });
});

test("a connection that ends inside a large dump leaves nothing", async () => {
  const before = await traces(at.pool, at.folder);
  const { headers, payload } = form(
    crashpadParts(Buffer.concat([oneDump(), randomBytes(2_000_000)])),
  );
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(
    `POST /api/minidump?key=${at.key} HTTP/1.1\r\nHost: x\r\nContent-Type: ${headers["content-type"]}\r\nContent-Length: ${payload.length}\r\n\r\n`,
  );
  socket.write(payload.subarray(0, 1_500_000));
  await expect
    .poll(async () => (await traces(at.pool, at.folder)).files.length, inTime)
    .toBe(before.files.length + 1);
  socket.destroy();
  await expect.poll(() => traces(at.pool, at.folder), inTime).toEqual(before);
});
