import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBlobStore } from "../src/index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "faultline-blobs-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a blob is found under its content's hash, in one piece", async () => {
  const store = await openBlobStore(folder);
  const writer = await store.create();
  await writer.write(Buffer.from("first, "));
  await writer.write(Buffer.from("second"));
  const stored = await writer.commit();
  const sha256 = createHash("sha256").update("first, second").digest("hex");
  expect(stored).toEqual({ blob: sha256, size: 13, sha256 });
  expect((await buffer(store.read(stored.blob))).toString()).toBe("first, second");
  expect(await store.size(stored.blob)).toBe(13);
  expect(await readdir(join(folder, "tmp"))).toEqual([]);
});

test("nothing is to be seen before the commit, and nothing is left of a discarded blob", async () => {
  const store = await openBlobStore(folder);
  const writer = await store.create();
  await writer.write(Buffer.from("half"));
  expect((await readdir(folder)).filter((name) => name !== "tmp")).toEqual([]);
  await writer.discard();
  expect(await readdir(join(folder, "tmp"))).toEqual([]);
});

test("two writers of one content end with one blob", async () => {
  const store = await openBlobStore(folder);
  const write = async () => {
    const writer = await store.create();
    await writer.write(Buffer.from("same"));
    return await writer.commit();
  };
  const [a, b] = await Promise.all([write(), write()]);
  expect(a.blob).toBe(b.blob);
  expect((await buffer(store.read(a.blob))).toString()).toBe("same");
});

test("a name that is no hash never becomes a path", async () => {
  const store = await openBlobStore(folder);
  expect(() => store.read("../../etc/passwd")).toThrow(/wanted 64 hex digits/);
  await expect(store.size("")).rejects.toThrow(RangeError);
});

test("what a dead writer left is cleared after a day, what is younger stays", async () => {
  await openBlobStore(folder);
  const old = join(folder, "tmp", "old");
  await writeFile(old, "x");
  await writeFile(join(folder, "tmp", "young"), "x");
  const past = new Date(Date.now() - 2 * 86_400_000);
  await utimes(old, past, past);
  await openBlobStore(folder);
  expect(await readdir(join(folder, "tmp"))).toEqual(["young"]);
});
