/**
 * What dies under load: the symbolicator, ingest, Postgres. Every crash that got a 200 ends as exactly one
 * processed crash, and is counted once.
 *
 * FAULTLINE_TEST_LOAD=20000 makes the load a heavy one.
 */
import { afterEach, beforeEach, expect, test } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import { expectEachOnce, processed } from "./accounts.ts";
import { embeddedInstallation } from "./installation.ts";
import { startLoad } from "./load.ts";

const LOAD = Number(process.env["FAULTLINE_TEST_LOAD"] ?? 400);
const BUGS = 7;

let at: Awaited<ReturnType<typeof embeddedInstallation>>;
beforeEach(async () => {
  at = await embeddedInstallation();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") process.stderr.write(at.logs());
  await at.close();
});

test("a symbolicator killed twice at work", async () => {
  const ingest = await at.ingest();
  const first = at.symbolicator();
  const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD, bugs: BUGS });
  await processed(at.pool, LOAD / 10);
  await first.kill();
  const second = at.symbolicator();
  await processed(at.pool, LOAD / 2);
  await second.kill();
  at.symbolicator();
  await load.done;
  expect(load.refusals).toEqual([]);
  await expectEachOnce(at.pool, load.acknowledged);
}, 90_000);

test("an ingest killed twice while it accepts", async () => {
  const first = await at.ingest();
  at.symbolicator();
  const load = startLoad({ urls: [first.url], key: at.key, count: LOAD, bugs: BUGS });
  await load.reached(LOAD / 4);
  await first.kill();
  const second = await at.ingest(first.port);
  await load.reached(LOAD / 2);
  await second.kill();
  await at.ingest(first.port);
  await load.done;
  expect(load.refusals).toEqual([]);
  await expectEachOnce(at.pool, load.acknowledged);
}, 90_000);

test("one of two ingests and one of two symbolicators killed", async () => {
  const [one, two] = [await at.ingest(), await at.ingest()];
  const worker = at.symbolicator();
  at.symbolicator();
  const urls = [one.url, two.url];
  const load = startLoad({ urls, key: at.key, count: LOAD, bugs: BUGS });
  await Promise.all([load.reached(LOAD / 3), processed(at.pool, LOAD / 10)]);
  await Promise.all([one.kill(), worker.kill()]);
  await load.done;
  expect(load.refusals).toEqual([]);
  await expectEachOnce(at.pool, load.acknowledged);
}, 90_000);

test("Postgres away for a while: crashes still get their 200, and all arrive", async () => {
  const ingest = await at.ingest();
  at.symbolicator();
  const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD, bugs: BUGS });
  await load.reached(LOAD / 4);
  await processed(at.pool, LOAD / 10);
  const before = load.acknowledged.size;
  await at.postgres.stop();
  await load.reached(Math.min(LOAD, before + LOAD / 4));
  await sleep(500);
  await at.postgres.start();
  await load.done;
  expect(load.refusals).toEqual([]);
  await expectEachOnce(at.pool, load.acknowledged);
}, 90_000);

test("an ingest killed while Postgres is away: what lies in its spool arrives when both are back", async () => {
  const ingest = await at.ingest();
  at.symbolicator();
  await at.postgres.stop();
  const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD / 4, bugs: BUGS });
  await load.done;
  await ingest.kill();
  await at.postgres.start();
  await at.ingest(ingest.port);
  expect(load.refusals).toEqual([]);
  await expectEachOnce(at.pool, load.acknowledged);
}, 90_000);

test("services told to stop finish what they began and end with 0", async () => {
  const ingest = await at.ingest();
  const worker = at.symbolicator();
  const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD / 2, bugs: BUGS });
  await load.done;
  expect(await ingest.stop()).toBe(0);
  expect(await worker.stop()).toBe(0);
  at.symbolicator();
  expect(load.refusals).toEqual([]);
  await expectEachOnce(at.pool, load.acknowledged);
}, 60_000);
