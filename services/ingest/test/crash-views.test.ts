/** Reading a crash: its report as JSON and as text, its files. */
import { zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Attachment,
  acceptCrashes,
  childCrashId,
  openBlobStore,
  saveProcessed,
  type Outcome,
} from "@faultline/shared";
import { newCrash } from "./crash-rows.ts";
import { processed, reportOf, seed } from "./processed.ts";
import { readerOf, type Read } from "./reader.ts";
import { addToken, dumpText, openSetting, type Setting } from "./setting.ts";

let at: Setting;
let call: Read;
beforeAll(async () => {
  at = await openSetting();
  call = await readerOf(at);
});
afterAll(() => at.close());

test("processed: its report, as JSON and as text", async () => {
  const crash = await processed(at.pool, at.projectId, "alpha", 1);
  const answer = await call(`/api/v1/crashes/${crash.id.toUpperCase()}`);
  expect(answer.json()).toMatchObject({
    id: crash.id,
    project: "shop",
    state: "processed",
    error: null,
    release: "1.0",
    pid: 7,
    tags: { ä: "ö" },
    parent: null,
    attachments: [{ name: "faulthandler", kind: "faulthandler", size: crash.content?.length }],
    report: { version: 1, reason: "SIGSEGV" },
  });
  const text = await call(`/api/v1/crashes/${crash.id}.txt`);
  expect(text.headers["content-type"]).toBe("text/plain; charset=utf-8");
  expect(text.headers["x-content-type-options"]).toBe("nosniff");
  for (const part of ["SIGSEGV", "Worker.run", "/srv/app/jobs.py", crash.id, "web-1"])
    expect(text.body).toContain(part);
});

test("waiting, and failed", async () => {
  const waiting = newCrash(at.projectId);
  await acceptCrashes(at.pool, [waiting]);
  expect((await call(`/api/v1/crashes/${waiting.id}`)).json()).toMatchObject({
    state: "received",
    report: null,
    release: "1.0",
    processedAt: null,
  });
  expect((await call(`/api/v1/crashes/${waiting.id}.txt`)).body).toContain("waits for processing");
  const failed = await processed(at.pool, at.projectId, "epsilon", 0, {
    error: "took longer than 10000 ms",
    group: null,
    report: null,
  });
  expect((await call(`/api/v1/crashes/${failed.id}`)).json()).toMatchObject({
    state: "failed",
    error: "took longer than 10000 ms",
    report: null,
    group: null,
  });
  expect((await call(`/api/v1/crashes/${failed.id}.txt`)).body).toContain(
    "took longer than 10000 ms",
  );
});

test("its files, and those of the first crash of its text", async () => {
  const parent = newCrash(at.projectId);
  await acceptCrashes(at.pool, [parent]);
  const child = childCrashId(parent.id, 1);
  const outcome = (crashId: string, from: string | null): Outcome => ({
    crashId,
    parent: from,
    projectId: at.projectId,
    receivedAt: new Date(),
    occurredAt: new Date(),
    release: null,
    environment: null,
    host: null,
    tags: {},
    error: null,
    group: seed("zeta", "signal"),
    report: zstdCompressSync(JSON.stringify(reportOf(seed("zeta", "signal")))),
    rulesRevision: 0,
    lacks: [],
  });
  await saveProcessed(at.pool, [
    { crashId: parent.id, outcomes: [outcome(parent.id, null), outcome(child, parent.id)] },
  ]);
  for (const id of [parent.id, child]) {
    const file = await call(`/api/v1/crashes/${id}/attachments/faulthandler`);
    expect(file.body).toBe(dumpText(parent.id));
    expect(file.headers).toMatchObject({
      "content-type": "application/octet-stream",
      "content-length": String(parent.content?.length),
      "content-disposition": `attachment; filename="faulthandler"; filename*=UTF-8''faulthandler`,
      "x-content-type-options": "nosniff",
    });
  }
  expect((await call(`/api/v1/crashes/${child}`)).json()).toMatchObject({
    parent: parent.id,
    attachments: [{ name: "faulthandler" }],
  });
  const missing = await call(`/api/v1/crashes/${child}/attachments/core`);
  expect(missing.json()).toMatchObject({
    code: "not-found",
    detail: expect.stringContaining('"faulthandler"'),
  });
});

test("a file of the blob store, and one whose name and type are traps", async () => {
  const blob = await storeBlob("x".repeat(100_000));
  const name = `ä "quoted"; evil.html`;
  const attachment = { kind: "other" as const, sha256: "00", at: null };
  const crash = newCrash(at.projectId, {
    attachments: [
      { ...attachment, name, contentType: "text/html", size: 0, at: 0, blob: null },
      { ...attachment, name: "core", contentType: "x", size: 100_000, blob },
    ],
  });
  await acceptCrashes(at.pool, [crash]);
  const core = await call(`/api/v1/crashes/${crash.id}/attachments/core`);
  expect([core.body.length, core.headers["content-length"]]).toEqual([100_000, "100000"]);
  const trap = await call(`/api/v1/crashes/${crash.id}/attachments/${encodeURIComponent(name)}`);
  expect(trap.headers["content-type"]).toBe("application/octet-stream");
  expect(trap.headers["content-disposition"]).toBe(
    `attachment; filename="_ _quoted_; evil.html"; filename*=UTF-8''%C3%A4%20%22quoted%22%3B%20evil.html`,
  );
});

test("a minidump wants scope raw, every other file wants read", async () => {
  const store = await openBlobStore(at.config.blobs);
  const writer = await store.create({ shelf: "dumps", now: Date.now() });
  await writer.write(Buffer.from("MDMP, as far as this test goes"));
  const { blob, size, sha256 } = await writer.commit();
  const crash = newCrash(at.projectId);
  const dump = { name: "c.dmp", kind: "minidump", contentType: "x", size, sha256, at: null, blob };
  await acceptCrashes(at.pool, [
    { ...crash, attachments: [...crash.attachments, dump as Attachment] },
  ]);
  const url = (name: string): string => `/api/v1/crashes/${crash.id}/attachments/${name}`;
  const reader = { token: await addToken(at.pool, at.projectId, ["read"]) };
  const raw = { token: await addToken(at.pool, at.projectId, ["raw"]) };
  expect((await call(url("c.dmp"), reader)).json()).toMatchObject({
    code: "missing-scope",
    detail: expect.stringContaining("wanted scope raw"),
  });
  expect((await call(url("faulthandler"), raw)).json()).toMatchObject({ code: "missing-scope" });
  expect((await call(`/api/v1/crashes/${crash.id}`, raw)).statusCode).toBe(403);
  expect((await call(url("c.dmp"), raw)).body).toBe("MDMP, as far as this test goes");
  expect((await call(url("faulthandler"), reader)).statusCode).toBe(200);

  const { attachments } = (await call(`/api/v1/crashes/${crash.id}`, reader)).json<{
    attachments: { name: string; keptUntil: string | null }[];
  }>();
  const today = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const until = new Date(today + (at.config.rawRetentionDays + 1) * 86_400_000).toISOString();
  expect(attachments).toMatchObject([
    { name: "faulthandler", keptUntil: null },
    { name: "c.dmp", keptUntil: until },
  ]);
  await store.dropDays("dumps", Date.now() + 86_400_000);
  const gone = await call(url("c.dmp"), raw);
  expect([gone.statusCode, gone.json()]).toMatchObject([
    410,
    { code: "expired", detail: expect.stringContaining(until) },
  ]);
});

async function storeBlob(content: string): Promise<string> {
  const writer = await (await openBlobStore(at.config.blobs)).create();
  await writer.write(Buffer.from(content));
  return (await writer.commit()).blob;
}
