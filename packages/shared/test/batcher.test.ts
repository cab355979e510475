import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createBatcher } from "../src/index.ts";

test("calls of one turn share a batch, and each gets its own result", async () => {
  const batches: number[][] = [];
  const batcher = createBatcher<number, string>({
    most: 100,
    lanes: 1,
    act: async (items) => {
      batches.push([...items]);
      return items.map((item) => `<${item}>`);
    },
  });
  const results = await Promise.all([1, 2, 3].map((item) => batcher.add(item)));
  expect(results).toEqual(["<1>", "<2>", "<3>"]);
  expect(batches).toEqual([[1, 2, 3]]);
});

test("what arrives while every lane is busy waits for the next batch, and no batch is larger than `most`", async () => {
  const sizes: number[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;
  const batcher = createBatcher<number, number>({
    most: 4,
    lanes: 2,
    act: async (items) => {
      sizes.push(items.length);
      atOnce += 1;
      mostAtOnce = Math.max(mostAtOnce, atOnce);
      await sleep(5);
      atOnce -= 1;
      return items;
    },
  });
  const items = Array.from({ length: 21 }, (_, index) => index);
  expect(await Promise.all(items.map((item) => batcher.add(item)))).toEqual(items);
  expect(Math.max(...sizes)).toBe(4);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(21);
  expect(mostAtOnce).toBe(2);
  expect(batcher.depth).toBe(0);
});

test("a batch that fails rejects its own items only", async () => {
  const batcher = createBatcher<number, number>({
    most: 1,
    lanes: 1,
    act: async ([item]) => {
      if (item === 2) throw new Error("two");
      return [item as number];
    },
  });
  const settled = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
  expect(settled.map((entry) => entry.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await batcher.add(4)).toBe(4);
});

test("no batch is heavier than it may be, but for a single item that is", async () => {
  const batches: (readonly number[])[] = [];
  const batcher = createBatcher<number, number>({
    most: 10,
    lanes: 1,
    weigh: (item) => item,
    heaviest: 10,
    act: async (items) => {
      batches.push(items);
      return items;
    },
  });
  await Promise.all([4, 6, 1, 25, 3, 3].map((item) => batcher.add(item)));
  expect(batches).toEqual([[4, 6], [1], [25], [3, 3]]);
});
