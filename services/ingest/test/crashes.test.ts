/** POST /api/v1/crashes: what is taken, how often it counts, and what a refusal leaves. */
import { randomBytes, randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  CLIENT_ID_MAX_AGE_MS,
  crashIdTime,
  INLINE_BYTES,
  MAX_ATTACHMENTS,
  MAX_METADATA_BYTES,
  MAX_TEXT_BYTES,
  newCrashId,
  revokeIngestKey,
} from "@faultline/shared";
import type { InjectOptions, LightMyRequestResponse } from "fastify";
import { MAX_AUTH_FAILURES, MAX_CRASH_PARTS } from "../src/limits.ts";
import {
  addProject,
  bearer,
  dumpText,
  form,
  openSetting,
  traces,
  type Setting,
  type TestPart,
} from "./setting.ts";

let at: Setting;
beforeAll(async () => void (at = await openSetting()));
afterAll(() => at.close());
beforeEach(() => at.pool.query("truncate crashes, pending, crash_keys"));

interface Taken {
  readonly id: string;
  readonly url: string;
  readonly duplicate: boolean;
}

/** `key` null: no Authorization but that of the options. */
const post = (
  options: InjectOptions,
  key: string | null = at.key,
): Promise<LightMyRequestResponse> =>
  at.app.inject({
    method: "POST",
    url: "/api/v1/crashes",
    ...options,
    headers: { ...(key === null ? {} : bearer(key)), ...options.headers },
  });

const sendForm = (parts: readonly TestPart[], key = at.key): Promise<LightMyRequestResponse> => {
  const { headers, payload } = form(parts);
  return post({ headers, payload }, key);
};

const textType = { "content-type": "text/plain" };
const sendText = (text: string, query = ""): Promise<LightMyRequestResponse> =>
  post({ url: `/api/v1/crashes${query}`, headers: textType, payload: text });

function taken(answer: LightMyRequestResponse): Taken {
  expect(answer.body).toMatch(/^\{"id":/);
  expect(answer.statusCode).toBe(200);
  expect(answer.headers["content-length"]).toBe(String(Buffer.byteLength(answer.body)));
  expect(answer.headers["transfer-encoding"]).toBeUndefined();
  return answer.json<Taken>();
}

interface Row {
  readonly id: string;
  readonly project_id: number;
  readonly release: string | null;
  readonly host: string | null;
  readonly metadata: Record<string, unknown>;
  readonly attachments: {
    name: string;
    kind: string;
    size: number;
    at: number | null;
    blob: string | null;
  }[];
  readonly content: Buffer | null;
  readonly waits: boolean;
}

const rows = async (): Promise<Row[]> =>
  (
    await at.pool.query<Row>(
      "select c.*, p.crash_id is not null as waits from crashes c left join pending p on p.crash_id = c.id order by c.id",
    )
  ).rows;

describe("what is taken", () => {
  test.each([
    "text/plain",
    "text/x-log; charset=utf-8",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
  ])("the dump alone as %s, what is known of it in the query", async (type) => {
    const text = dumpText(type);
    const url = "/api/v1/crashes?release=1.0&environment=production&host=web-1&pid=12";
    const {
      id,
      url: place,
      duplicate,
    } = taken(await post({ url, headers: { "content-type": type }, payload: text }));
    expect(duplicate).toBe(false);
    expect(place).toBe(`http://localhost:80/api/v1/crashes/${id}`);
    const [row] = await rows();
    expect(row).toMatchObject({
      id,
      project_id: at.projectId,
      release: "1.0",
      host: "web-1",
      waits: true,
    });
    expect(row?.metadata).toMatchObject({ pid: 12 });
    expect(row?.attachments).toMatchObject([
      { name: "faulthandler", kind: "faulthandler", size: text.length, at: 0, blob: null },
    ]);
    expect(row?.content?.toString()).toBe(text);
  });

  test("without a Content-Type at all", async () => {
    const answer = await at.app.inject({
      method: "POST",
      url: "/api/v1/crashes",
      headers: bearer(at.key),
      payload: Buffer.from(dumpText("bare")),
    });
    taken(answer);
  });

  test("the key in the query, or as a DSN's user", async () => {
    const basic = `Basic ${Buffer.from(`${at.key}:`).toString("base64")}`;
    taken(await post({ url: `/api/v1/crashes?key=${at.key}`, payload: "a" }, null));
    taken(await post({ headers: { authorization: basic }, payload: "b" }));
    expect(await rows()).toHaveLength(2);
  });

  test("a form: metadata, the dump and other files, in any order", async () => {
    const core = randomBytes(1_000);
    const parts: TestPart[] = [
      { name: "core", filename: "/var/crash/core.1", body: core },
      { name: "faulthandler", filename: "crash.log", body: dumpText("form") },
      { name: "note", body: "restarted" },
      {
        name: "metadata",
        type: "application/json",
        body: JSON.stringify({ release: "2.0", host: "web-2", tags: { a: 1 } }),
      },
    ];
    const { id } = taken(await sendForm(parts));
    const [row] = await rows();
    expect(row).toMatchObject({ id, release: "2.0", host: "web-2" });
    expect(row?.metadata).toMatchObject({ tags: { a: "1" } });
    expect(row?.attachments.map(({ name, kind }) => [name, kind])).toEqual([
      ["core.1", "other"],
      ["crash.log", "faulthandler"],
      ["note", "other"],
    ]);
    const [first, second] = row?.attachments ?? [];
    expect(
      row?.content?.subarray(first?.at ?? 0, (first?.at ?? 0) + (first?.size ?? 0)).equals(core),
    ).toBe(true);
    expect(row?.content?.subarray(second?.at ?? 0).toString()).toBe(`${dumpText("form")}restarted`);
  });

  test("gzip around the whole form", async () => {
    const { headers, payload } = form([{ name: "faulthandler", body: dumpText("zipped") }]);
    taken(
      await post({
        headers: { ...headers, "content-encoding": "gzip" },
        payload: gzipSync(payload),
      }),
    );
  });

  test("files with one name get names of their own; a second dump is kept as a file", async () => {
    const same = { filename: "dump.log" };
    const parts = ["faulthandler", "faulthandler", "x", "y"].map((name) => ({
      name,
      ...same,
      body: `${name} body`,
    }));
    taken(await sendForm(parts));
    const [row] = await rows();
    expect(row?.attachments.map(({ name, kind }) => [name, kind])).toEqual([
      ["dump.log", "faulthandler"],
      ["dump.log-2", "other"],
      ["dump.log-3", "other"],
      ["dump.log-4", "other"],
    ]);
  });

  test("names that would trip somebody up are made safe", async () => {
    const names = [
      "../../etc/passwd",
      "a\u0000b\u202e.txt",
      "...",
      "C:\\temp\\x.log",
      "ä".repeat(300),
    ];
    taken(
      await sendForm([
        { name: "faulthandler", body: "x" },
        ...names.map((filename) => ({ name: "f", filename, body: "y" })),
      ]),
    );
    const [row] = await rows();
    expect(row?.attachments.map(({ name }) => name)).toEqual([
      "faulthandler",
      "passwd",
      expect.stringMatching(/^a.?b\.txt$/u),
      "attachment",
      "x.log",
      "ä".repeat(200),
    ]);
  });

  test("large files go to the blob store, small ones into the row", async () => {
    const large = randomBytes(INLINE_BYTES + 1);
    const text = `${dumpText("large")}${"x".repeat(INLINE_BYTES)}`;
    taken(
      await sendForm([
        { name: "faulthandler", body: text },
        { name: "core", filename: "core", body: large },
        { name: "n", body: "small" },
      ]),
    );
    const [row] = await rows();
    expect(row?.attachments.map(({ blob, at: offset }) => [blob !== null, offset])).toEqual([
      [true, null],
      [true, null],
      [false, 0],
    ]);
    expect(row?.content?.toString()).toBe("small");
    const { files } = await traces(at.pool, at.folder);
    for (const { blob } of row?.attachments ?? [])
      if (blob !== null) expect(files.join()).toContain(blob);
    expect(files.filter((file) => file.includes("/blobs/tmp/"))).toEqual([]);
  });
});

describe("the same crash is one crash", () => {
  test("by content, from the same host", async () => {
    const first = taken(await sendText(dumpText("same"), "?host=web-1"));
    expect(taken(await sendText(dumpText("same"), "?host=web-1"))).toEqual({
      ...first,
      duplicate: true,
    });
    expect(taken(await sendText(dumpText("same"), "?host=web-2")).duplicate).toBe(false);
    expect(taken(await sendText(dumpText("other"), "?host=web-1")).duplicate).toBe(false);
    expect(await rows()).toHaveLength(3);
  });

  test("by the client's UUIDv7, which is the crash's id", async () => {
    const id = newCrashId(Date.now() - 60_000);
    expect(taken(await sendText("a", `?id=${id.toUpperCase()}`))).toMatchObject({
      id,
      duplicate: false,
    });
    expect(taken(await sendText("b", `?id=${id.replaceAll("-", "")}`))).toMatchObject({
      id,
      duplicate: true,
    });
    expect((await rows()).map((row) => row.content?.toString())).toEqual(["a"]);
  });

  test.each([
    ["a UUIDv4", randomUUID()],
    ["a UUIDv7 of long ago", newCrashId(Date.now() - CLIENT_ID_MAX_AGE_MS - 60_000)],
    ["a UUIDv7 of next week", newCrashId(Date.now() + 7 * 86_400_000)],
  ])("by %s, which leads to an id of ours", async (_name, id) => {
    const first = taken(await sendText("a", `?id=${id}`));
    expect(first.id).not.toBe(id);
    expect(Math.abs((crashIdTime(first.id) ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(taken(await sendText("b", `?id=${id}`))).toEqual({ ...first, duplicate: true });
    expect(await rows()).toHaveLength(1);
  });

  test("sent many times at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => sendText(dumpText("burst"))),
    );
    const all = answers.map(taken);
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(all.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    const id = newCrashId(Date.now());
    const named = await Promise.all(
      Array.from({ length: 40 }, (_, count) => sendText(`${count}`, `?id=${id}`)),
    );
    expect(named.map(taken).filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  });

  test("an id that another project holds takes nothing away: the crash gets one of its own", async () => {
    const other = await addProject(at.pool, `other-${randomBytes(4).toString("hex")}`);
    const id = newCrashId(Date.now());
    const send = (key: string, payload: string) =>
      post({ url: `/api/v1/crashes?id=${id}`, headers: textType, payload }, key);
    expect(taken(await send(at.key, "ours"))).toMatchObject({ id, duplicate: false });
    const theirs = taken(await send(other.key, "theirs"));
    expect(theirs.duplicate).toBe(false);
    expect(theirs.id).not.toBe(id);
    expect(taken(await send(other.key, "theirs again"))).toEqual({ ...theirs, duplicate: true });
    const stored = (await rows()).map((row) => [row.project_id, row.content?.toString()]);
    expect(stored).toEqual(
      expect.arrayContaining([
        [at.projectId, "ours"],
        [other.projectId, "theirs"],
      ]),
    );
    expect(stored).toHaveLength(2);
  });

  test("and so it does when both arrive in one batch", async () => {
    const other = await addProject(at.pool, `other-${randomBytes(4).toString("hex")}`);
    const id = newCrashId(Date.now());
    const answers = await Promise.all(
      [at.key, other.key, at.key, other.key].map((key) =>
        post({ url: `/api/v1/crashes?id=${id}`, headers: textType, payload: key }, key),
      ),
    );
    expect(
      answers.map((answer) => taken(answer).duplicate).filter((duplicate) => !duplicate),
    ).toHaveLength(2);
    expect((await rows()).map((row) => row.project_id).toSorted((a, b) => a - b)).toEqual([
      at.projectId,
      other.projectId,
    ]);
  });
});

describe("what is refused says why, and leaves nothing", () => {
  const dump: TestPart = { name: "faulthandler", body: "x" };
  const big = "b".repeat(INLINE_BYTES * 2);
  const many = (count: number): TestPart[] =>
    Array.from({ length: count }, (_, one) => ({ name: `f${one}`, filename: "f", body: big }));
  const cases: readonly (readonly [
    string,
    number,
    string,
    string,
    () => Promise<LightMyRequestResponse>,
  ])[] = [
    ["no key", 401, "no-credentials", "none", () => post({ payload: big }, null)],
    [
      "an unknown key",
      401,
      "bad-credentials",
      "not known",
      () => post({ payload: big }, "0".repeat(32)),
    ],
    ["an API token", 401, "bad-credentials", "not known", () => post({ payload: big }, at.token)],
    ["an empty text", 400, "empty-dump", "0 bytes", () => sendText("")],
    [
      "an empty part",
      400,
      "empty-dump",
      "0 bytes",
      () => sendForm([{ ...dump, body: "" }, ...many(1)]),
    ],
    ["no dump", 400, "no-dump", "f-2", () => sendForm(many(2))],
    [
      "metadata alone",
      400,
      "no-dump",
      "nothing",
      () => sendForm([{ name: "metadata", body: "{}" }]),
    ],
    [
      "metadata that is none",
      400,
      "bad-metadata",
      "metadata:",
      () => sendForm([...many(1), dump, { name: "metadata", body: "{" }]),
    ],
    ["an id that is no UUID", 400, "bad-metadata", "metadata.id", () => sendText("x", "?id=7")],
    ["a time that is none", 400, "bad-metadata", "metadata.time", () => sendText("x", "?time=now")],
    ["JSON", 415, "unsupported-media-type", "application/json", () => post({ payload: { a: 1 } })],
    [
      "another encoding",
      415,
      "unsupported-encoding",
      "compress",
      () => post({ headers: { ...textType, "content-encoding": "compress" }, payload: "x" }),
    ],
    [
      "gzip that is none",
      400,
      "bad-body",
      "gzip",
      () => post({ headers: { ...textType, "content-encoding": "gzip" }, payload: big }),
    ],
    [
      "a form without a boundary",
      400,
      "bad-body",
      "boundary",
      () => post({ headers: { "content-type": "multipart/form-data" }, payload: big }),
    ],
    ["half a form", 400, "bad-body", "end at byte", () => halfForm()],
    [
      "too many attachments",
      413,
      "too-large",
      "MAX_ATTACHMENTS",
      () => sendForm([dump, ...many(MAX_ATTACHMENTS)]),
    ],
    [
      "too many parts",
      413,
      "too-large",
      "MAX_CRASH_PARTS",
      () =>
        sendForm(
          Array.from({ length: MAX_CRASH_PARTS + 1 }, () => ({ name: "metadata", body: "{}" })),
        ),
    ],
    [
      "too much metadata",
      413,
      "too-large",
      "MAX_METADATA_BYTES",
      () => sendForm([...many(1), { name: "metadata", body: " ".repeat(MAX_METADATA_BYTES + 1) }]),
    ],
    [
      "too long a text",
      413,
      "too-large",
      "MAX_TEXT_BYTES",
      () => sendForm([...many(1), { ...dump, body: "x".repeat(MAX_TEXT_BYTES + 1) }]),
    ],
    [
      "a bomb",
      413,
      "too-large",
      "MAX_TEXT_BYTES",
      () =>
        post({
          headers: { ...textType, "content-encoding": "gzip" },
          payload: gzipSync(Buffer.alloc(MAX_TEXT_BYTES + 1)),
        }),
    ],
  ];

  const halfForm = (): Promise<LightMyRequestResponse> => {
    const { headers, payload } = form([...many(2), dump]);
    return post({ headers, payload: payload.subarray(0, payload.length - 20) });
  };

  test.each(cases)("%s: %i %s", async (_name, status, code, detail, send) => {
    const before = await traces(at.pool, at.folder);
    const answer = await send();
    expect(answer.json()).toEqual({
      type: `/api/docs#problem-${code}`,
      title: expect.any(String),
      status,
      detail: expect.stringContaining(detail),
      code,
      todo: expect.any(String),
    });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
    expect(await traces(at.pool, at.folder)).toEqual(before);
  });

  test("a form cut short at any byte", async () => {
    const { headers, payload } = form([
      { name: "metadata", body: "{}" },
      { ...dump, body: "ab" },
    ]);
    const end = payload.lastIndexOf("--");
    for (let length = 0; length < end; length++) {
      const answer = await post({ headers, payload: payload.subarray(0, length) });
      expect(answer.json(), `cut at byte ${length}`).toMatchObject({ code: "bad-body" });
    }
    expect((await traces(at.pool, at.folder)).rows).toBe(0);
  });

  test("whatever metadata is sent, the crash is stored or refused", async () => {
    const texts = fc.string({ unit: "binary", maxLength: 20 });
    const value = fc.oneof(texts, fc.integer(), fc.jsonValue({ maxDepth: 3 }));
    const keys = [
      "release",
      "environment",
      "host",
      "pid",
      "time",
      "pythonVersion",
      "tags",
      "modules",
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...keys), value),
        texts,
        async (said, filename) => {
          const answer = await sendForm([
            { name: "metadata", body: JSON.stringify(said) },
            {
              name: "faulthandler",
              filename: filename.replaceAll(/[\r\n"]/g, ""),
              body: dumpText("fuzz"),
            },
          ]);
          expect([200, 400, 413]).toContain(answer.statusCode);
          if (answer.statusCode !== 200) expect(answer.json()).toHaveProperty("code");
        },
      ),
      { numRuns: 60 },
    );
    expect(
      (await traces(at.pool, at.folder)).files.filter((file) => file.includes("spool")),
    ).toEqual([]);
  });
});

describe("keys", () => {
  test("a new one opens at once, a revoked one closes within seconds", async () => {
    const other = await addProject(at.pool, `new-${randomBytes(4).toString("hex")}`);
    taken(await post({ payload: "x" }, other.key));
    await revokeIngestKey(at.pool, other.key);
    await expect
      .poll(async () => (await post({ payload: "x" }, other.key)).statusCode, {
        timeout: 10_000,
        interval: 200,
      })
      .toBe(401);
  });

  test("guessing is answered 429 after a while; a good key from the same address never is", async () => {
    const from = { remoteAddress: "192.0.2.7", payload: "x" };
    const guess = (): Promise<LightMyRequestResponse> =>
      post(from, randomBytes(16).toString("hex"));
    const guesses = await Promise.all(Array.from({ length: MAX_AUTH_FAILURES }, guess));
    expect(new Set(guesses.map((one) => one.statusCode))).toEqual(new Set([401]));
    const answer = await guess();
    expect(answer.json()).toMatchObject({
      code: "too-many-requests",
      detail: expect.stringContaining("MAX_AUTH_FAILURES"),
    });
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    taken(await post(from));
  });
});
