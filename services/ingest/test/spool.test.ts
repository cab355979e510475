import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { NewCrash } from "@faultline/shared";
import { MAX_BATCH_BYTES } from "../src/limits.ts";
import { CannotStoreError } from "../src/problem.ts";
import { decodeCrash, encodeCrash, SpoolRecordError } from "../src/store/spool-record.ts";
import { openSpool } from "../src/store/spool.ts";
import { newCrash } from "./crash-rows.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "faultline-spool-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const crashes: readonly (readonly [string, NewCrash])[] = [
  ["with content and key", newCrash(1)],
  ["without a key", newCrash(1, { key: null })],
  ["with an empty content", newCrash(1, { content: Buffer.alloc(0) })],
  ["without content", newCrash(1, { content: null, attachments: [] })],
  [
    "with bytes of every value",
    newCrash(1, { content: Buffer.from(Array.from({ length: 256 }, (_, at) => at)) }),
  ],
];

test.each(crashes)("a crash %s comes back as it was", (_name, crash) => {
  const back = decodeCrash(encodeCrash(crash));
  expect({ ...back, key: back.key && { ...back.key, key: Buffer.from(back.key.key) } }).toEqual(
    crash,
  );
});

test("a record cut short or flipped at any byte is refused", () => {
  const record = encodeCrash(newCrash(1));
  for (let at = 0; at < record.length; at++) {
    expect(() => decodeCrash(record.subarray(0, at)), `cut at byte ${at}`).toThrow(
      SpoolRecordError,
    );
    const flipped = Buffer.from(record);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    expect(refuses(flipped), `flipped at byte ${at}`).toBe(true);
  }
});

function refuses(record: Buffer): boolean {
  try {
    decodeCrash(record);
    return false;
  } catch (error) {
    return error instanceof SpoolRecordError;
  }
}

test("crashes come out oldest first, and are there until they are removed", async () => {
  const spool = await openSpool(folder);
  const sent = [30, 10, 20].map((age) => newCrash(1, { receivedAt: Date.now() - age * 1_000 }));
  await Promise.all(sent.map((crash) => spool.write(crash)));
  expect(spool.crashes).toBe(3);
  const next = await openSpool(folder); // in memory they lie as they came, which under load is nearly the same
  const { crashes: found } = await next.oldest(2);
  expect(found.map(({ crash }) => crash.id)).toEqual([sent[0]?.id, sent[2]?.id]);
  await next.remove(found.map(({ file }) => file));
  expect((await next.oldest(10)).crashes.map(({ crash }) => crash.id)).toEqual([sent[1]?.id]);
  expect(next.crashes).toBe(1);
});

test("another process finds what this one left, and what was half written is not among it", async () => {
  const spool = await openSpool(folder);
  const crash = newCrash(1);
  await spool.write(crash);
  const half = join(folder, "tmp", "half-written");
  await writeFile(half, encodeCrash(newCrash(1)).subarray(0, 100));
  const next = await openSpool(folder);
  expect([next.crashes, next.bytes]).toEqual([1, spool.bytes]);
  expect((await next.oldest(10)).crashes.map((found) => found.crash.id)).toEqual([crash.id]);
  expect(await readdir(join(folder, "tmp"))).toEqual(["half-written"]); // whoever writes it may live
  await utimes(half, new Date(0), new Date(0));
  await openSpool(folder);
  expect(await readdir(join(folder, "tmp"))).toEqual([]);
});

test("two processes that share a folder by mistake do not stop each other", async () => {
  const spool = await openSpool(folder);
  for (let count = 0; count < 3; count++) await spool.write(newCrash(1));
  const other = await openSpool(folder);
  await other.remove((await other.oldest(2)).crashes.map(({ file }) => file));
  expect((await spool.oldest(10)).crashes).toHaveLength(1);
  expect(spool.crashes).toBe(1);
});

test("a damaged file is set aside, and the others come out", async () => {
  const spool = await openSpool(folder);
  const crash = newCrash(1);
  await spool.write(crash);
  const damaged = encodeCrash(newCrash(1));
  damaged.writeUInt8(0, damaged.length - 1);
  await writeFile(join(folder, "crashes", "000000000000001-damaged"), damaged);
  const next = await openSpool(folder);
  const found = await next.oldest(10);
  expect(found.crashes.map((one) => one.crash.id)).toEqual([crash.id]);
  expect(found.damaged).toEqual([
    { file: "000000000000001-damaged", reason: expect.stringContaining("SHA-256") },
  ]);
  expect(await readFile(join(folder, "damaged", "000000000000001-damaged"))).toEqual(damaged);
  expect((await next.oldest(10)).damaged).toEqual([]);
  expect([next.crashes, next.bytes]).toEqual([1, encodeCrash(crash).length]);
});

test("one id of two projects is two crashes; one crash sent at once is one file, and whole", async () => {
  const spool = await openSpool(folder);
  const crash = newCrash(1, { key: null });
  const theirs = { ...crash, projectId: 2 };
  await Promise.all([crash, crash, theirs, crash].map((one) => spool.write(one)));
  const { crashes: found, damaged } = await spool.oldest(10);
  expect(damaged).toEqual([]);
  expect(new Set(found.map((one) => one.crash.projectId))).toEqual(new Set([1, 2]));
  expect(found).toHaveLength(2);
  expect(spool.bytes).toBe(encodeCrash(crash).length + encodeCrash(theirs).length);
});

test("large ones come out few at a time, but never none", async () => {
  const spool = await openSpool(folder);
  const content = Buffer.alloc(MAX_BATCH_BYTES / 2);
  for (let count = 0; count < 3; count++) await spool.write(newCrash(1, { content }));
  expect((await spool.oldest(10)).crashes).toHaveLength(1);
  await spool.write(newCrash(1, { content: Buffer.alloc(MAX_BATCH_BYTES + 1) }));
  await spool.remove((await spool.oldest(10)).crashes.map(({ file }) => file));
  expect((await spool.oldest(10)).crashes).toHaveLength(1);
});

test("it takes so many bytes, names the limit, and takes more when there is room again", async () => {
  const size = encodeCrash(newCrash(1)).length;
  const spool = await openSpool(folder, size * 2 + 50);
  await spool.write(newCrash(1));
  await spool.write(newCrash(1));
  const third = spool.write(newCrash(1));
  await expect(third).rejects.toThrow(CannotStoreError);
  await expect(third).rejects.toThrow("MAX_SPOOL_BYTES");
  expect(spool.crashes).toBe(2);
  await spool.remove((await spool.oldest(1)).crashes.map(({ file }) => file));
  await spool.write(newCrash(1));
});

test("a folder that cannot be written is an error, and nothing counts as kept", async () => {
  const spool = await openSpool(folder);
  await rm(join(folder, "tmp"), { recursive: true });
  await expect(spool.write(newCrash(1))).rejects.toThrow(CannotStoreError);
  expect([spool.crashes, spool.bytes]).toEqual([0, 0]);
  await mkdir(join(folder, "tmp"));
  await spool.write(newCrash(1));
  expect(spool.crashes).toBe(1);
});
