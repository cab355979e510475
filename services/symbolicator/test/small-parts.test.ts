import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createCache } from "../src/cache.ts";
import { createGate } from "../src/gate.ts";
import { OCCURRED_MAX_AGE_MS, OCCURRED_MAX_AHEAD_MS } from "../src/limits.ts";
import { occurredAt } from "../src/occurred-at.ts";

test("a cache drops what was not used for longest, and never weighs more than its limit", () => {
  const cache = createCache<string>(3_000);
  cache.set("a", "A", 800);
  cache.set("b", "B", 800);
  expect(cache.get("a")).toBe("A");
  cache.set("c", "C", 800);
  cache.set("d", "D", 100);
  expect(["a", "b", "c", "d"].map((key) => cache.get(key))).toEqual(["A", undefined, "C", "D"]);
  cache.set("e", "E", 3_000);
  expect(cache.get("e")).toBeUndefined();
  for (let index = 0; index < 1_000; index++) {
    cache.set(`key ${index % 50}`, "", (index * 37) % 900);
    expect(cache.bytes).toBeLessThanOrEqual(3_000);
  }
});

test("a gate lets in what fits, in order, and more than its limit only alone", async () => {
  const gate = createGate(10);
  const log: string[] = [];
  let inside = 0;
  const enter = (name: string, weight: number) =>
    gate.run(weight, async () => {
      inside += Math.min(weight, 10);
      expect(inside).toBeLessThanOrEqual(10);
      log.push(name);
      await sleep(5);
      inside -= Math.min(weight, 10);
    });
  await Promise.all([
    enter("a", 4),
    enter("b", 6),
    enter("huge", 99),
    enter("c", 1),
    enter("d", 9),
  ]);
  expect(log).toEqual(["a", "b", "huge", "c", "d"]);
  await expect(gate.run(10, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await enter("after", 10);
});

test("a crash happened when its host says, in any offset RFC 3339 allows", () => {
  const received = new Date("2026-03-01T12:00:00Z");
  const said = (text: string) => occurredAt(text, received).toISOString();
  expect(said("2026-03-01T11:59:00Z")).toBe("2026-03-01T11:59:00.000Z");
  expect(said("2026-03-01t11:59:00.25z")).toBe("2026-03-01T11:59:00.250Z");
  expect(said("2026-03-01 06:29:00-05:30")).toBe("2026-03-01T11:59:00.000Z");
});

test("a time that is none, or that no right clock shows, gives way to the time of receipt", () => {
  const received = new Date("2026-03-01T12:00:00Z");
  const at = (ms: number) => new Date(received.getTime() + ms).toISOString();
  const wrong = [
    null,
    "",
    "yesterday",
    "2026-02-30T00:00:00Z",
    "2026-03-01",
    "2026-03-01T24:00:00Z",
    "2026-03-01T11:00:00",
    at(OCCURRED_MAX_AHEAD_MS + 1),
    at(-OCCURRED_MAX_AGE_MS - 1),
    "1970-01-01T00:00:00Z",
  ];
  const believed = wrong.filter((time) => occurredAt(time, received) !== received);
  expect(believed).toEqual([]);
  for (const time of [at(OCCURRED_MAX_AHEAD_MS), at(-OCCURRED_MAX_AGE_MS)]) {
    expect(occurredAt(time, received).toISOString()).toBe(time);
  }
});
