/** The same crash sent twice is one crash, whoever sends it, to whichever ingest, however quickly. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newCrashId } from "@faultline/shared";
import { drained } from "./accounts.ts";
import { apiOf, crashForm, type Api } from "./api.ts";
import { dumpText } from "./dumps.ts";
import { embeddedInstallation } from "./installation.ts";

let at: Awaited<ReturnType<typeof embeddedInstallation>>;
let one: Api;
let two: Api;
beforeAll(async () => {
  at = await embeddedInstallation();
  one = apiOf((await at.ingest()).url, at.key, at.token);
  two = apiOf((await at.ingest()).url, at.key, at.token);
  at.symbolicator();
});
afterAll(() => at.close());
let serial = 0;
beforeEach(() => {
  serial += 1000;
});

async function countReports(host: string): Promise<number> {
  await drained(at.pool);
  const { rows } = await at.pool.query<{ n: number }>(
    "select count(*) as n from reports where host = $1",
    [host],
  );
  return rows[0]?.n ?? 0;
}

test("by the client's own id, a UUIDv7: it is the crash's id", async () => {
  const id = newCrashId(Date.now());
  const form = (): FormData => crashForm(dumpText(1, serial), { id, host: "v7" });
  expect(await one.send(form())).toMatchObject({ id, duplicate: false });
  expect(await two.send(form())).toMatchObject({ id, duplicate: true });
  expect(await countReports("v7")).toBe(1);
});

test("by the client's own id of another version", async () => {
  const id = randomUUID();
  const form = (): FormData => crashForm(dumpText(1, serial), { id, host: "v4" });
  const first = await one.send(form());
  const second = await two.send(form());
  expect(first.duplicate).toBe(false);
  expect(second).toMatchObject({ id: first.id, duplicate: true });
  expect(await countReports("v4")).toBe(1);
});

test("by its content, from the same host; from another host it is another crash", async () => {
  const form = (host: string): FormData => crashForm(dumpText(1, serial), { host });
  const first = await one.send(form("same"));
  expect(await two.send(form("same"))).toMatchObject({ id: first.id, duplicate: true });
  const other = await one.send(form("different"));
  expect(other.duplicate).toBe(false);
  expect(await countReports("same")).toBe(1);
  expect(await countReports("different")).toBe(1);
});

const races = [
  { way: "its content", metadata: {} },
  { way: "a UUIDv4", metadata: { id: randomUUID() } },
  { way: "a UUIDv7", metadata: { id: newCrashId(Date.now()) } },
];

test.each(races)("by $way, many times at once, to two ingests", async ({ way, metadata }) => {
  const form = (): FormData => crashForm(dumpText(1, serial), { ...metadata, host: way });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, count) => (count % 2 === 0 ? one : two).send(form())),
  );
  expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
  expect(answers.filter((answer) => !answer.duplicate)).toHaveLength(1);
  expect(await countReports(way)).toBe(1);
});
