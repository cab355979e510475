/**
 * One crash from its dump to its explained group, over HTTP, through the services as processes: the example shop's
 * kept release and deaths (examples/kept), read back against the shop's own sources.
 */
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PythonFrame } from "@faultline/shared";
import { drained } from "./accounts.ts";
import { apiOf, crashForm, type Api, type Sent } from "./api.ts";
import { embeddedInstallation } from "./installation.ts";

interface Death {
  readonly command: string;
  readonly stderr: string;
}

const examples = new URL("../../examples/", import.meta.url);
const { deaths } = JSON.parse(await readFile(new URL("kept/deaths.json", examples), "utf8")) as {
  deaths: Death[];
};
const dumpOf = (command: string): string =>
  deaths.find((death) => death.command === command)?.stderr ?? "";

/** What the shop's source says at the place where the example dies. */
const thumbnails = await readFile(new URL("shop/shop/media/thumbnails.py", examples), "utf8");
const lines = thumbnails.split("\n");
const crashLine = lines.findIndex((line) => line.includes("ctypes.string_at(self.")) + 1;
const defLine = lines.findIndex((line) => line.includes("def header(self")) + 1;

let at: Awaited<ReturnType<typeof embeddedInstallation>>;
let api: Api;
beforeAll(async () => {
  at = await embeddedInstallation();
  const ingest = await at.ingest();
  at.symbolicator();
  api = apiOf(ingest.url, at.key, at.token);
});
afterAll(() => at.close());

test("symbols are taken file by file, and again are duplicates", async () => {
  const archive = new Blob([await readFile(new URL("kept/symbols.zip", examples))]);
  const upload = async (): Promise<{ files: { name: string; status: string }[] }> => {
    const form = new FormData();
    form.set("release", "1.0");
    form.set("file", archive, "symbols.zip");
    const answer = await api.post("/api/v1/symbols", form);
    expect(answer.status).toBe(200);
    return (await answer.json()) as { files: { name: string; status: string }[] };
  };
  const first = await upload();
  expect(first.files.find((file) => file.name.endsWith("thumbnails.pyc"))?.status).toBe("accepted");
  await symbolsReady();
  const again = await upload();
  expect(new Set(again.files.map((file) => file.status))).toEqual(new Set(["duplicate"]));
});

test("the report names the method, its definition and its source", async () => {
  const dump = dumpOf("import-catalog");
  const metadata = { release: "1.0", environment: "production", host: "web-1", pid: 4711 };
  const core = new Blob([new Uint8Array([1, 2, 3, 0, 255])]);
  const { id, duplicate } = await api.send(crashForm(dump, metadata, { "notes.bin": core }));
  expect(duplicate).toBe(false);
  const report = await api.report(id);
  expect(report).toMatchObject({ version: 1, kind: "signal", reason: "SIGSEGV" });
  const stack = report.threads[report.crashingThread ?? -1]?.stack ?? [];
  const frame = stack.find((one) => one.function === "header") as PythonFrame;
  expect(frame).toMatchObject({
    language: "python",
    module: "shop.media.thumbnails",
    qualname: "Codec.header",
    file: "/srv/shop/shop/media/thumbnails.py",
    line: crashLine,
    definitionLine: defLine,
    arguments: ["self", "path"],
    inApp: true,
    foundBy: "faulthandler",
  });
  expect(frame.source?.line).toBe(lines[crashLine - 1]);
  // the line holds two calls, ctypes.string_at(…) around self.address_of_header(…): which one died is not known
  expect(report.grouping?.frames).toHaveLength(stack.length);

  const text = await (await api.get(`/api/v1/crashes/${id}.txt`)).text();
  expect(text).toContain("Codec.header");
  expect(text).toContain("SIGSEGV");
  const kept = await api.get(`/api/v1/crashes/${id}/attachments/stderr.txt`);
  expect(await kept.text()).toBe(dump);
  const other = await api.get(`/api/v1/crashes/${id}/attachments/notes.bin`);
  expect(new Uint8Array(await other.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3, 0, 255]));
});

test("however a dump is sent, and whoever called, one bug is one group", async () => {
  const before = await groupOf(await api.send(crashForm(dumpOf("import-catalog"), {})));
  const curl = { "content-type": "application/x-www-form-urlencoded" };
  const plain = { "content-type": "text/plain" };
  const other = dumpOf("show-product");
  const ways: Sent[] = [
    await api.send(`curl\n${other}`, curl),
    await api.send(`plain\n${other}`, plain),
    await api.send(gzipSync(`gzip\n${other}`), { ...plain, "content-encoding": "gzip" }),
    await api.send(new Blob([`chunked\n${other}`]).stream(), plain),
  ];
  for (const sent of ways) expect(await groupOf(sent)).toBe(before);
});

test("a group tells its counts, releases, hosts and why it is one", async () => {
  const dump = dumpOf("quote");
  const sent = [];
  for (const host of ["web-1", "web-2", "web-2"]) {
    const release = host === "web-1" ? "1.0" : "1.1";
    sent.push(await api.send(crashForm(`${sent.length}\n${dump}`, { release, host })));
  }
  const id = await groupOf(sent[0] as Sent);
  for (const one of sent) await api.report(one.id);
  const group = await api.read<Record<string, unknown>>(`/api/v1/groups/${id}`);
  expect(group).toMatchObject({ count: 3, newestCrash: sent.at(-1)?.id });
  const listed = await api.read<{ groups: { id: number; title: string }[] }>(
    "/api/v1/groups?release=1.1",
  );
  expect(listed.groups.map((one) => String(one.id))).toEqual([id]);
  const { crashes } = await api.read<{ crashes: { id: string }[] }>(`/api/v1/groups/${id}/crashes`);
  expect(crashes.map((one) => one.id)).toEqual(sent.map((one) => one.id).toReversed());
});

test("one text with several dumps is several crashes", async () => {
  const text = ["close-books", "check-ledger", "read-sales"].map(dumpOf).join("worker restarted\n");
  const { rows: before } = await at.pool.query<{ n: number }>("select count(*) as n from reports");
  const { id } = await api.send(crashForm(text, { host: "worker-7" }));
  await drained(at.pool);
  const { rows } = await at.pool.query<{ id: string; parent: string | null; reason: string }>(
    "select c.id, c.parent_id as parent from crashes c where c.host = 'worker-7' order by c.parent_id nulls first, c.id",
  );
  expect(rows).toHaveLength(3);
  expect(rows.map((row) => row.parent)).toEqual([null, id, id]);
  const reasons = await Promise.all(rows.map(async (row) => (await api.report(row.id)).reason));
  expect(new Set(reasons)).toEqual(new Set(["SIGABRT", "SIGBUS", null]));
  const { rows: after } = await at.pool.query<{ n: number }>("select count(*) as n from reports");
  expect((after[0]?.n ?? 0) - (before[0]?.n ?? 0)).toBe(3);
});

test("symbols that come after a crash are used by the next one", async () => {
  const metadata = { release: "2.0" };
  const early = await api.report((await api.send(crashForm(dumpOf("print-invoice"), metadata))).id);
  expect(qualnames(early.threads[0]?.stack)).not.toContain("Printer.page");
  const form = new FormData();
  form.set("release", "2.0");
  form.set("file", new Blob([await readFile(new URL("kept/symbols.zip", examples))]), "s.zip");
  expect((await api.post("/api/v1/symbols", form)).status).toBe(200);
  await symbolsReady();
  const late = await api.send(crashForm(`later\n${dumpOf("print-invoice")}`, metadata));
  const report = await api.report(late.id);
  expect(qualnames(report.threads[0]?.stack)).toContain("Printer.page");
});

const qualnames = (stack: readonly object[] = []): (string | null)[] =>
  stack.map((frame) => ("qualname" in frame ? String(frame.qualname) : null));

async function symbolsReady(): Promise<void> {
  const waiting = async (): Promise<number | undefined> => {
    const { rows } = await at.pool.query<{ n: number }>(
      "select count(*) as n from symbol_files where state = 'stored' and kind = 'pyc'",
    );
    return rows[0]?.n;
  };
  await expect.poll(waiting, { timeout: 20_000 }).toBe(0);
}

/** Id of the group that a crash fell into. */
async function groupOf({ id }: Sent): Promise<string> {
  await api.report(id);
  const { rows } = await at.pool.query<{ id: number }>(
    "select group_id as id from reports where crash_id = $1",
    [id],
  );
  return String(rows[0]?.id);
}
