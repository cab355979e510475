/** POST /api/v1/crashes: what is taken, and how often it counts. */
import { randomBytes, randomUUID } from "node:crypto";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  CLIENT_ID_MAX_AGE_MS,
  crashIdTime,
  INLINE_BYTES,
  newCrashId,
  revokeIngestKey,
} from "@faultline/shared";
import type { LightMyRequestResponse } from "fastify";
import { clearCrashes } from "../../../test/postgres.ts";
import { MAX_AUTH_FAILURES } from "../src/limits.ts";
import { expectTaken, senderOf, textType, type Sender } from "./sender.ts";
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
let send: Sender;
beforeAll(async () => {
  at = await openSetting();
  send = senderOf(at);
});
afterAll(() => at.close());
beforeEach(() => clearCrashes(at.pool));

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
    } = expectTaken(await send.post({ url, headers: { "content-type": type }, payload: text }));
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
    expectTaken(answer);
  });

  test("the key in the query, or as a DSN's user", async () => {
    const basic = `Basic ${Buffer.from(`${at.key}:`).toString("base64")}`;
    expectTaken(await send.post({ url: `/api/v1/crashes?key=${at.key}`, payload: "a" }, null));
    expectTaken(await send.post({ headers: { authorization: basic }, payload: "b" }));
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
    const { id } = expectTaken(await send.form(parts));
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
    expectTaken(
      await send.post({
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
    expectTaken(await send.form(parts));
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
    expectTaken(
      await send.form([
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
    expectTaken(
      await send.form([
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
    const blobs = (row?.attachments ?? []).flatMap(({ blob }) => blob ?? []);
    const names = new Set(files.map((file) => basename(file)));
    expect(blobs.filter((blob) => !names.has(basename(blob)))).toEqual([]);
    expect(files.filter((file) => file.includes("/blobs/tmp/"))).toEqual([]);
  });
});

describe("the same crash is one crash", () => {
  test("by content, from the same host", async () => {
    const first = expectTaken(await send.text(dumpText("same"), "?host=web-1"));
    expect(expectTaken(await send.text(dumpText("same"), "?host=web-1"))).toEqual({
      ...first,
      duplicate: true,
    });
    expect(expectTaken(await send.text(dumpText("same"), "?host=web-2")).duplicate).toBe(false);
    expect(expectTaken(await send.text(dumpText("other"), "?host=web-1")).duplicate).toBe(false);
    expect(await rows()).toHaveLength(3);
  });

  test("by the client's UUIDv7, which is the crash's id", async () => {
    const id = newCrashId(Date.now() - 60_000);
    expect(expectTaken(await send.text("a", `?id=${id.toUpperCase()}`))).toMatchObject({
      id,
      duplicate: false,
    });
    expect(expectTaken(await send.text("b", `?id=${id.replaceAll("-", "")}`))).toMatchObject({
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
    const first = expectTaken(await send.text("a", `?id=${id}`));
    expect(first.id).not.toBe(id);
    expect(Math.abs((crashIdTime(first.id) ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(expectTaken(await send.text("b", `?id=${id}`))).toEqual({ ...first, duplicate: true });
    expect(await rows()).toHaveLength(1);
  });

  test("sent many times at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => send.text(dumpText("burst"))),
    );
    const all = answers.map(expectTaken);
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(all.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    const id = newCrashId(Date.now());
    const named = await Promise.all(
      Array.from({ length: 40 }, (_, count) => send.text(`${count}`, `?id=${id}`)),
    );
    expect(named.map(expectTaken).filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  });

  test("an id that another project holds takes nothing away: the crash gets one of its own", async () => {
    const other = await addProject(at.pool, `other-${randomBytes(4).toString("hex")}`);
    const id = newCrashId(Date.now());
    const sendAs = (key: string, payload: string) =>
      send.post({ url: `/api/v1/crashes?id=${id}`, headers: textType, payload }, key);
    expect(expectTaken(await sendAs(at.key, "ours"))).toMatchObject({ id, duplicate: false });
    const theirs = expectTaken(await sendAs(other.key, "theirs"));
    expect(theirs.duplicate).toBe(false);
    expect(theirs.id).not.toBe(id);
    expect(expectTaken(await sendAs(other.key, "theirs again"))).toEqual({
      ...theirs,
      duplicate: true,
    });
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
        send.post({ url: `/api/v1/crashes?id=${id}`, headers: textType, payload: key }, key),
      ),
    );
    expect(
      answers.map((answer) => expectTaken(answer).duplicate).filter((duplicate) => !duplicate),
    ).toHaveLength(2);
    expect((await rows()).map((row) => row.project_id).toSorted((a, b) => a - b)).toEqual([
      at.projectId,
      other.projectId,
    ]);
  });
});

describe("keys", () => {
  test("a new one opens at once, a revoked one closes within seconds", async () => {
    const other = await addProject(at.pool, `new-${randomBytes(4).toString("hex")}`);
    expectTaken(await send.post({ payload: "x" }, other.key));
    await revokeIngestKey(at.pool, other.key);
    await expect
      .poll(async () => (await send.post({ payload: "x" }, other.key)).statusCode, {
        timeout: 10_000,
        interval: 200,
      })
      .toBe(401);
  });

  test("guessing is answered 429 after a while; a good key from the same address never is", async () => {
    const from = { remoteAddress: "192.0.2.7", payload: "x" };
    const guess = (): Promise<LightMyRequestResponse> =>
      send.post(from, randomBytes(16).toString("hex"));
    const guesses = await Promise.all(Array.from({ length: MAX_AUTH_FAILURES }, guess));
    expect(new Set(guesses.map((one) => one.statusCode))).toEqual(new Set([401]));
    const answer = await guess();
    expect(answer.json()).toMatchObject({
      code: "too-many-requests",
      detail: expect.stringContaining("MAX_AUTH_FAILURES"),
    });
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    expectTaken(await send.post(from));
  });
});
