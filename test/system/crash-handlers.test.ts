/**
 * Crash handlers that know nothing of Faultline: a program in C that speaks as Crashpad and as Breakpad do
 * (crash-sender/sender.c) sends minidumps to the services as processes, and what it sent ends as a group.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stackAt, synthMinidump } from "@faultline/testkit";
import { apiOf, type Api } from "./api.ts";
import { embeddedInstallation } from "./installation.ts";

const run = promisify(execFile);
const source = fileURLToPath(new URL("crash-sender/sender.c", import.meta.url));
const compiler = await run("cc", ["--version"]).then(
  () => "cc",
  () => null,
);
const reason = compiler === null ? " (skipped: there is no C compiler here)" : "";

const SECRET = `hunter2-${randomUUID()}`;
const RANDOM = 0x7ffc_0000_1000n;

/** A process that dies in a library of its own; no two dumps are the same. */
function dumpOf(library: string, pid: number): Uint8Array {
  const base = 0x55_5555_5540_00n;
  const strings = `./shop\0--key=${SECRET}\0TOKEN=${SECRET}\0./shop\0`;
  const stack = stackAt(RANDOM - 64n).u64(0n, base + 0x1300n, 0n, base + 0x1400n, 0n, 0n, 0n, 0n);
  const bytes = Buffer.concat([stack.bytes, Buffer.alloc(16, "r"), Buffer.from(strings)]);
  const registers = { rip: base + 0x1200n, rsp: RANDOM - 64n, rbp: 0n };
  return synthMinidump({ timestamp: 1_795_000_000 + pid })
    .systemInfo({ cpu: "amd64", os: "linux" })
    .module({
      base,
      size: 0x4000,
      name: `/srv/shop/lib/${library}`,
      buildId: "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00",
    })
    .thread({ id: pid, registers, stack: { start: stack.start, bytes } })
    .exception({ threadId: pid, code: 11, flags: 1, address: 0n, registers })
    .miscInfo({ version: 1, processId: pid })
    .linux("environ", `TOKEN=${SECRET}\0`)
    .linux("cmdline", `./shop\0--key=${SECRET}\0`)
    .auxv([6, 4096n], [25, RANDOM], [31, RANDOM + 16n + BigInt(strings.length - 7)])
    .finish();
}

interface Sent {
  readonly code: number;
  readonly body: string;
}

interface CrashView {
  readonly group: number | null;
  readonly release: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly attachments: readonly { readonly name: string; readonly kind: string }[];
}

describe.skipIf(compiler === null)(`crash handlers${reason}`, () => {
  let at: Awaited<ReturnType<typeof embeddedInstallation>>;
  let api: Api;
  let port: number;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "faultline-sender-"));
    await run("cc", ["-std=c11", "-D_GNU_SOURCE", "-O1", "-o", join(folder, "sender"), source]);
    at = await embeddedInstallation();
    const ingest = await at.ingest();
    at.symbolicator();
    port = ingest.port;
    api = apiOf(ingest.url, at.key, at.token);
  });
  afterAll(async () => {
    await at.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function send(
    handler: "crashpad" | "breakpad",
    dump: Uint8Array,
    fields: Readonly<Record<string, string>>,
    { name = `${randomUUID()}.dmp`, query = "" } = {},
  ): Promise<Sent> {
    const file = join(folder, name);
    await writeFile(file, dump);
    const words = Object.entries(fields).map(([field, value]) => `${field}=${value}`);
    const resource = `/api/minidump?key=${at.key}${query}`;
    const args = [handler, "127.0.0.1", String(port), resource, file, name, ...words];
    return await run(join(folder, "sender"), args).then(
      ({ stdout }) => ({ code: 0, body: stdout }),
      ({ code, stdout }: { code: number; stdout: string }) => ({ code, body: stdout }),
    );
  }

  const guid = randomUUID();
  const crashpad = {
    fields: { prod: "shop", ver: "1.2", guid },
    query: `&product=shop&version=1.2&guid=${guid}`,
  };
  const groupOf = async (id: string): Promise<number | null> => {
    await api.report(id);
    return (await api.read<CrashView>(`/api/v1/crashes/${id}`)).group;
  };

  test("a crash sent by both, again and again, is one group, each report one crash", async () => {
    const [first, second, other] = [
      dumpOf("libthumbs.so", 101),
      dumpOf("libthumbs.so", 102),
      dumpOf("libledger.so", 103),
    ];
    const name = `${randomUUID()}.dmp`;
    const sendFirst = () => send("crashpad", first, crashpad.fields, { ...crashpad, name });
    const sent = await sendFirst();
    expect(sent).toEqual({ code: 0, body: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(await Promise.all([sendFirst(), sendFirst()])).toEqual([sent, sent]);

    const group = await groupOf(sent.body);
    expect(group).not.toBeNull();
    const breakpad = await send("breakpad", second, { prod: "shop", ver: "1.3" });
    expect(breakpad).toEqual({ code: 0, body: expect.not.stringMatching(sent.body) });
    expect(await groupOf(breakpad.body)).toBe(group);
    const elsewhere = await send("crashpad", other, crashpad.fields, crashpad);
    expect(await groupOf(elsewhere.body)).not.toBe(group);
    expect(await sendFirst()).toEqual(sent);
    expect(await api.read(`/api/v1/groups/${group}`)).toMatchObject({ count: 2 });

    const report = await api.report(sent.body);
    expect(report).toMatchObject({ reason: "SIGSEGV", os: "linux", cpu: "amd64" });
    expect(report.threads[report.crashingThread ?? -1]?.stack[0]).toMatchObject({
      language: "native",
      module: "libthumbs.so",
    });
  });

  test("what was said is found again: release, tags, the client", async () => {
    const { body } = await send("crashpad", dumpOf("libquote.so", 201), crashpad.fields, crashpad);
    const group = await groupOf(body);
    expect(await api.read(`/api/v1/crashes/${body}`)).toMatchObject({
      release: "1.2",
      tags: { prod: "shop", ver: "1.2", guid, product: "shop", version: "1.2" },
      attachments: [{ kind: "minidump" }],
    });
    const { groups } = await api.read<{ groups: { id: number }[] }>(
      `/api/v1/groups?tag=guid:${guid}`,
    );
    expect(groups.map(({ id }) => id)).toContain(group);
    const { crashes } = await api.read<{ crashes: { id: string }[] }>(
      `/api/v1/crashes?tag=guid:${guid}`,
    );
    expect(crashes[0]?.id).toBe(body);
  });

  test("no byte of the environment or the command line is on disk", async () => {
    const { body } = await send("breakpad", dumpOf("libsales.so", 301), {
      environ: `TOKEN=${SECRET}`,
      ver: "1",
    });
    const { attachments } = await api.read<CrashView>(`/api/v1/crashes/${body}`);
    const path = `/api/v1/crashes/${body}/attachments/${attachments[0]?.name}`;
    const dump = Buffer.from(await (await api.get(path)).arrayBuffer());
    expect(dump.subarray(0, 4).toString()).toBe("MDMP");
    const files = await readdir(at.installation.folder, { recursive: true, withFileTypes: true });
    const stored = files
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name));
    expect(stored.length).toBeGreaterThan(0);
    for (const file of stored) expect((await readFile(file)).includes(SECRET)).toBe(false);
    const { rows } = await at.pool.query(
      "select * from crashes c left join reports r on r.crash_id = c.id",
    );
    expect(JSON.stringify(rows)).not.toContain(SECRET);
  });

  test("what is no minidump is told so, and both give up", async () => {
    const text = Buffer.from("this is no minidump");
    expect((await send("crashpad", text, {})).code).toBe(2);
    expect((await send("breakpad", text, {})).code).toBe(22);
  });
});
