/** Repairs: whose turn it is to be worked out anew, and when. */
import { describe, expect, test } from "vitest";
import {
  findDueCrashes,
  findFirstOfGroups,
  loadToRegroup,
  newCrashId,
  saveRegrouped,
  startRegrouping,
  type NewCrash,
  type RunningRegrouping,
} from "../src/index.ts";
import { seed } from "./crash-rows.ts";
import { Repairing } from "./repairing.ts";

const at = new Repairing();

describe("whose turn it is", () => {
  test("crashes whose report is older than the symbols, newest first", async () => {
    const ids = [3, 1, 2].map((age) => newCrashId(Date.now() - age * 60_000));
    for (const id of ids) await at.save({ lacks: [at.python(-1)] }, id);
    await at.save({ lacks: [at.python(-1, "2.0")] });
    await at.save({ lacks: [] });
    expect(await at.start()).toEqual([]);
    await at.upload();
    const running = await at.start();
    expect(running).toMatchObject([{ found: 3, done: 0 }]);
    const due = await findDueCrashes(at.pool, running, null, 10);
    expect(due.map(({ id }) => id)).toEqual(ids.toSorted().toReversed());
    expect((await findDueCrashes(at.pool, running, due[0]?.id ?? "", 1))[0]).toEqual(due[1]);
    // the same files again are nothing new
    expect(await at.start()).toHaveLength(1);
  });

  test("the newest of each group are told apart from the others", async () => {
    const crashes: NewCrash[] = [];
    for (const [index, name] of ["a", "b", "a", "b", "c", "a"].entries()) {
      const id = newCrashId(Date.now() - (10 - index) * 60_000);
      crashes.push(await at.save({ lacks: [at.python(-1)], group: seed(name) }, id));
    }
    await at.upload();
    const first = await findFirstOfGroups(at.pool, await at.start(), 100);
    expect(first.map(({ id }) => crashes.findIndex((crash) => crash.id === id))).toEqual([5, 4, 3]);
  });

  test("a crash that lacked several things has one turn for all that came", async () => {
    await at.save({ lacks: [at.native("A"), at.native("B"), at.native("C"), at.python(-1)] });
    await at.pool.query(
      `insert into native_caches (debug_id, name, machine, built, wanted)
       values ('A', 'a', 'x86_64', 1, 1), ('B', 'b', 'x86_64', 3, 3), ('D', 'd', 'x86_64', 1, 1)`,
    );
    await at.upload();
    const running = await at.start();
    expect(running).toHaveLength(3);
    const due = await findDueCrashes(at.pool, running, null, 10);
    expect(due).toHaveLength(1);
    expect(due[0]?.keys).toHaveLength(3);
    await at.repair(() => ({ verdict: "better", change: { lacks: [at.native("C")] } }), running);
    expect(await at.rows("select state, found, done, improved from repairs")).toEqual(
      running.map(() => ({ state: "done", found: 1, done: 1, improved: 1 })),
    );
  });

  test("it waits until nothing more comes, but not for ever", async () => {
    await at.save({ lacks: [at.python(-1), at.native("A")] });
    await at.upload();
    const calm = { quietMs: 60_000, mostMs: 3_600_000 };
    expect(await at.start(calm)).toEqual([]);
    expect(await at.rows("select state, found from repairs")).toEqual([
      { state: "waiting", found: null },
    ]);
    await at.pool.query("update repairs set changed_at = now() - interval '2 minutes'");
    await at.pool.query(
      "insert into native_caches (debug_id, name, machine) values ('A', 'a', 'x86_64')",
    );
    expect(await at.start(calm)).toEqual([]); // a cache is being built
    await at.pool.query("update native_caches set built = wanted");
    expect(await at.start(calm)).toEqual([]); // it has just come
    await at.pool.query("update repairs set created_at = now() - interval '2 hours'");
    expect(await at.start(calm)).toHaveLength(2);
  });

  test("a crash that was on its way while its symbols came is not forgotten", async () => {
    await at.save({ lacks: [at.python(-1)] });
    await at.upload();
    await at.repair(() => ({ verdict: "better" }));
    await at.save({ lacks: [at.python(-1)] });
    const running = await at.start();
    expect(running).toMatchObject([{ found: 1 }]);
    await at.repair(() => ({ verdict: "better" }), running);
    await at.save({ lacks: [at.python(1)] });
    expect(await at.start()).toEqual([]);
  });

  test("nor one that was on its way while its project's rules changed", async () => {
    await at.pool.query("update projects set rules_revision = 2");
    await at.save({ rulesRevision: 2 });
    expect(await at.rows("select from repairs")).toEqual([]);
    const report = Buffer.from("report");
    const crash = await at.save({ rulesRevision: 1, report });
    await at.save({ rulesRevision: 1, report });
    expect(await at.rows("select kind, state, since from repairs")).toEqual([
      { kind: "rules", state: "waiting", since: crash.id },
    ]);
    const run = await startRegrouping(at.pool);
    const looked = await loadToRegroup(at.pool, run as RunningRegrouping, 10);
    expect(looked).toHaveLength(2);
    await saveRegrouped(at.pool, run as RunningRegrouping, looked, []);
    await saveRegrouped(at.pool, run as RunningRegrouping, looked, []); // somebody else, again
    const next = await startRegrouping(at.pool);
    expect(next).toMatchObject({ id: run?.id, reached: crash.id });
    await saveRegrouped(at.pool, next as RunningRegrouping, [], []);
    expect(await at.rows("select state, done from repairs")).toEqual([{ state: "done", done: 2 }]);
    await at.pool.query("update projects set rules_revision = 0");
  });

  test("what nobody lacks opens nothing", async () => {
    await at.upload("9.9");
    expect(await at.start()).toEqual([]);
    await at.save({ lacks: [at.python(-1)] });
    await at.upload();
    await at.pool.query("delete from crash_lacks");
    expect(await at.start()).toEqual([]);
    expect(await at.rows("select from repairs")).toEqual([]);
  });
});
