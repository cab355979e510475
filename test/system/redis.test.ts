/**
 * The queue on Redis, as production runs it: the whole path, services killed under load, and a Redis that comes
 * back empty. Needs a Docker engine.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noContainers } from "../containers.ts";
import { expectEachOnce, processed } from "./accounts.ts";
import { containerInstallation } from "./installation.ts";
import { startLoad } from "./load.ts";

const LOAD = Number(process.env["FAULTLINE_TEST_LOAD"] ?? 400);
const BUGS = 7;

describe.skipIf(noContainers !== null)(
  `through Redis${noContainers ? `: skipped, ${noContainers}` : ""}`,
  () => {
    let at: Awaited<ReturnType<typeof containerInstallation>>;
    beforeEach(async () => {
      at = await containerInstallation();
    });
    afterEach(async ({ task }) => {
      if (task.result?.state === "fail") process.stderr.write(at.logs());
      await at.close();
    });

    test("a symbolicator and an ingest killed at work", async () => {
      const ingest = await at.ingest();
      const worker = at.symbolicator();
      const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD, bugs: BUGS });
      await processed(at.pool, LOAD / 10);
      await worker.kill();
      at.symbolicator();
      await load.reached(LOAD / 2);
      await ingest.kill();
      await at.ingest(ingest.port);
      await load.done;
      expect(load.refusals).toEqual([]);
      await expectEachOnce(at.pool, load.acknowledged);
    }, 90_000);

    test("Redis restarted with its data lost", async () => {
      const ingest = await at.ingest();
      const worker = at.symbolicator();
      const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD, bugs: BUGS });
      await load.reached(LOAD / 4);
      await worker.stop(); // so that jobs wait in Redis when it goes
      await load.reached(LOAD / 2);
      await at.redis.restart();
      at.symbolicator();
      await load.done;
      expect(load.refusals).toEqual([]);
      await expectEachOnce(at.pool, load.acknowledged);
    }, 90_000);

    test("Redis emptied while the symbolicator works", async () => {
      const ingest = await at.ingest();
      at.symbolicator();
      const load = startLoad({ urls: [ingest.url], key: at.key, count: LOAD, bugs: BUGS });
      await Promise.all([load.reached(LOAD / 3), processed(at.pool, LOAD / 10)]);
      await at.redis.container.exec(["redis-cli", "flushall"]);
      await load.reached((LOAD / 3) * 2);
      await at.redis.container.exec(["redis-cli", "flushall"]);
      await load.done;
      expect(load.refusals).toEqual([]);
      await expectEachOnce(at.pool, load.acknowledged);
    }, 90_000);
  },
);
