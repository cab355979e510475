/** POST /api/v1/crashes with minidumps: recognised, checked, stored without the environment. */
import { randomBytes, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Attachment, openBlobStore } from "@faultline/shared";
import { synthMinidump } from "@faultline/testkit";
import { clearCrashes } from "../../../test/postgres.ts";
import { oneDump } from "./minidumps.ts";
import { expectTaken, senderOf, type Sender } from "./sender.ts";
import { dumpText, openSetting, traces, type Setting, type TestPart } from "./setting.ts";

let at: Setting;
let send: Sender;
beforeAll(async () => {
  at = await openSetting();
  send = senderOf(at);
});
afterAll(() => at.close());
beforeEach(() => clearCrashes(at.pool));

const attachmentsOf = async (id: string): Promise<readonly Attachment[]> => {
  const { rows } = await at.pool.query<{ attachments: Attachment[] }>(
    "select attachments from crashes where id = $1",
    [id],
  );
  return rows[0]?.attachments ?? [];
};

/** The file as it is stored. */
async function storedFile(attachment: Attachment | undefined): Promise<Buffer> {
  const store = await openBlobStore(at.config.blobs);
  return await readFile(store.path(attachment?.blob ?? ""));
}

describe("a minidump is told", () => {
  const parts: [string, (dump: Buffer) => TestPart][] = [
    ["by its name", (body) => ({ name: "minidump", filename: "c.dmp", body })],
    ["as Crashpad calls it", (body) => ({ name: "upload_file_minidump", filename: "c.dmp", body })],
    ["by its first bytes", (body) => ({ name: "anything", filename: "c.dmp", body })],
    ["as a field", (body) => ({ name: "minidump", body })],
    ["in gzip", (body) => ({ name: "minidump", filename: "c.dmp.gz", body: gzipSync(body) })],
    ["in zstd", (body) => ({ name: "minidump", filename: "c.z", body: zstdCompressSync(body) })],
  ];
  test.each(parts)("%s", async (_name, part) => {
    const dump = oneDump();
    const { id } = expectTaken(await send.form([part(dump)]));
    const [attachment, ...others] = await attachmentsOf(id);
    expect(others).toEqual([]);
    expect(attachment).toMatchObject({ kind: "minidump", size: dump.length, at: null });
    expect((await storedFile(attachment)).equals(dump)).toBe(true);
  });

  test.each(["application/octet-stream", "application/x-dmp", "text/plain"])(
    "as the whole body, of type %s",
    async (type) => {
      const payload = oneDump();
      const { id } = expectTaken(await send.post({ headers: { "content-type": type }, payload }));
      expect(await attachmentsOf(id)).toMatchObject([{ name: "minidump", kind: "minidump" }]);
    },
  );

  test("among several, and before them all: the one that is named so", async () => {
    const { id } = expectTaken(
      await send.form([
        { name: "upload_file_minidump_gpu", filename: "gpu.dmp", body: oneDump() },
        { name: "other", filename: "o.dmp", body: oneDump() },
        { name: "upload_file_minidump", filename: "main.dmp", body: oneDump() },
      ]),
    );
    expect((await attachmentsOf(id)).map(({ name, kind }) => [name, kind])).toEqual([
      ["main.dmp", "minidump"],
      ["gpu.dmp", "minidump"],
      ["o.dmp", "minidump"],
    ]);
  });

  test("with faulthandler's text beside it, by name or by what it says", async () => {
    const log = `started\n${"x".repeat(100_000)}\n${dumpText("log")}`;
    const dump = { name: "minidump", filename: "c.dmp", body: oneDump() };
    const stderr = { name: "log", filename: "stderr.log", body: log };
    const named = { name: "faulthandler", filename: "f.txt", body: dumpText("named") };
    const kindsOf = async (sent: TestPart[]): Promise<unknown> =>
      Object.fromEntries(
        (await attachmentsOf(expectTaken(await send.form(sent)).id)).map((one) => [
          one.name,
          one.kind,
        ]),
      );
    expect(await kindsOf([stderr, dump])).toEqual({
      "c.dmp": "minidump",
      "stderr.log": "faulthandler",
    });
    dump.body = oneDump();
    expect(await kindsOf([stderr, dump, named])).toEqual({
      "c.dmp": "minidump",
      "stderr.log": "other",
      "f.txt": "faulthandler",
    });
  });
});

test("an empty text beside a minidump is no reason to lose it", async () => {
  const { id } = expectTaken(
    await send.form([
      { name: "faulthandler", filename: "f.txt", body: "" },
      { name: "minidump", filename: "c.dmp", body: oneDump() },
    ]),
  );
  expect((await attachmentsOf(id)).map(({ kind }) => kind)).toEqual(["minidump", "other"]);
});

describe("what is called a minidump and is none is refused, and nothing kept", () => {
  const dump = oneDump();
  const cut = dump.subarray(0, 40);
  const packed = gzipSync(oneDump(5_000));
  test.each([
    ["text", Buffer.from("MDM is a signature cut short"), "bad-minidump", "MDMP or PMDM"],
    ["nothing", Buffer.alloc(0), "empty-dump", "0 bytes"],
    ["a dump cut inside its directory", cut, "bad-minidump", "directory"],
    ["text in gzip", gzipSync("no dump"), "bad-minidump", "MDMP or PMDM"],
    ["gzip cut short", packed.subarray(0, packed.length - 500), "bad-body", "gzip"],
  ])("%s", async (_name, body, code, detail) => {
    const before = await traces(at.pool, at.folder);
    const large = { name: "core", filename: "core", body: randomBytes(100_000) };
    const answer = await send.form([large, { name: "minidump", filename: "c.dmp", body }]);
    expect(answer.json()).toMatchObject({ code, detail: expect.stringContaining(detail) });
    expect(answer.statusCode).toBe(400);
    expect(await traces(at.pool, at.folder)).toEqual(before);
  });

  test("also when it is only the body's first bytes that say so", async () => {
    const answer = await send.post({ payload: cut });
    expect(answer.json()).toMatchObject({ code: "bad-minidump" });
  });
});

test("no byte of the environment or the command line is stored", async () => {
  const secret = `hunter2-${randomUUID()}`;
  const random = 0x7ffc_0000_1000n;
  const start = Buffer.from(`${"r".repeat(16)}./app\0--key=${secret}\0TOKEN=${secret}\0./app\0`);
  const stack = Buffer.concat([Buffer.alloc(4_096, "frame "), start]);
  const dump = synthMinidump()
    .thread({ id: 1, stack: { start: random - 4_096n, bytes: stack } })
    .auxv([25, random], [31, random + BigInt(start.length - 6)])
    .linux("cmdline", `./app\0--key=${secret}\0`)
    .linux("environ", `TOKEN=${secret}\0`)
    .finish();
  const tags = { "sys.argv": `--key=${secret}`, environ: `TOKEN=${secret}`, region: "eu" };
  const { id } = expectTaken(
    await send.form([
      { name: "metadata", body: JSON.stringify({ tags, modules: [{ environ: secret }] }) },
      { name: "upload_file_minidump", filename: "c.dmp", body: Buffer.from(dump) },
      { name: "environ", filename: "environ", body: `TOKEN=${secret}` },
      { name: "proc", filename: "/proc/7/cmdline", body: `./app\0--key=${secret}` },
      { name: "cmdline", body: `--key=${secret}` },
      { name: "log", filename: "app.log", body: "ended" },
    ]),
  );
  const attachments = await attachmentsOf(id);
  expect(attachments.map(({ name }) => name)).toEqual(["c.dmp", "app.log"]);
  const stored = await storedFile(attachments[0]);
  expect([stored.length, stored.includes("frame frame")]).toEqual([dump.length, true]);
  const { files } = await traces(at.pool, at.folder);
  for (const file of files) expect((await readFile(file)).includes(secret)).toBe(false);
  const { rows } = await at.pool.query("select * from crashes");
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).toContain('"region":"eu"');
  expect(JSON.stringify(rows)).not.toContain(secret);
  expect(Buffer.concat(rows.map((row: { content: Buffer }) => row.content)).includes(secret)).toBe(
    false,
  );
});

test("all of it is, where the operator wants it", async () => {
  const wanting = await openSetting({}, { FAULTLINE_KEEP_ENVIRONMENT: "1" });
  try {
    const dump = Buffer.from(synthMinidump().linux("environ", "TOKEN=hunter2\0").finish());
    const { id } = expectTaken(
      await senderOf(wanting).form([
        { name: "minidump", filename: "c.dmp", body: dump },
        { name: "environ", body: "TOKEN=hunter2" },
      ]),
    );
    const { rows } = await wanting.pool.query<{ attachments: Attachment[] }>(
      "select attachments from crashes where id = $1",
      [id],
    );
    const [stored, other] = rows[0]?.attachments ?? [];
    const store = await openBlobStore(wanting.config.blobs);
    expect((await readFile(store.path(stored?.blob ?? ""))).equals(dump)).toBe(true);
    expect(other?.name).toBe("environ");
  } finally {
    await wanting.close();
  }
});

describe("the same minidump is one crash", () => {
  const report = (name: string, body: Buffer, log = "one line"): TestPart[] => [
    { name: "upload_file_minidump", filename: name, body },
    { name: "log", filename: "app.log", body: log },
  ];

  test("from one host, also when the log beside it has grown", async () => {
    const dump = oneDump();
    const first = expectTaken(await send.form(report("crash.dmp", dump)));
    expect(expectTaken(await send.form(report("crash.dmp", dump, "two lines")))).toEqual({
      ...first,
      duplicate: true,
    });
    expect(expectTaken(await send.form(report("crash.dmp", oneDump()))).duplicate).toBe(false);
  });

  test("for ever, when it is named after its report", async () => {
    const dump = oneDump();
    const name = `${randomUUID()}.dmp`;
    const first = expectTaken(await send.form(report(name, dump)));
    await at.pool.query("update crash_keys set created_at = created_at - interval '1 day'");
    expect(expectTaken(await send.form(report(name, dump)))).toEqual({ ...first, duplicate: true });
    expect(expectTaken(await send.form(report(name, oneDump()))).duplicate).toBe(false);
  });
});

test("files lie on the shelf of their kind", async () => {
  const { id } = expectTaken(
    await send.form([
      { name: "minidump", filename: "c.dmp", body: oneDump() },
      { name: "core", filename: "core", body: randomBytes(100_000) },
    ]),
  );
  const day = new Date().toISOString().slice(0, 10);
  const blobs = (await attachmentsOf(id)).map(({ blob }) => blob ?? "");
  expect(blobs.map((blob) => join(blob, ".."))).toEqual([`dumps/${day}`, `files/${day}`]);
});
