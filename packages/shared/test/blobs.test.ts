import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { blobDay, openBlobStore } from "../src/index.ts";

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

test("what was blanked is zeros in the blob, and never part of its name", async () => {
  const store = await openBlobStore(folder);
  const writer = await store.create();
  const secret = Buffer.alloc(200_000, "secret ");
  for (const bytes of [Buffer.from("head"), secret, Buffer.from("tail")]) await writer.write(bytes);
  expect((await writer.read(2, 4)).toString()).toBe("adse");
  expect((await writer.read(200_006, 9)).toString()).toBe("il");
  await writer.blank(4, secret.length);
  const stored = await writer.commit();
  const expected = Buffer.concat([Buffer.from("head"), Buffer.alloc(200_000), Buffer.from("tail")]);
  expect(stored.sha256).toBe(createHash("sha256").update(expected).digest("hex"));
  expect((await buffer(store.read(stored.blob))).equals(expected)).toBe(true);
});

test("a day's files go together, those of other days, other shelves and of no shelf stay", async () => {
  const store = await openBlobStore(folder);
  const day = Date.parse("2026-11-20T00:00:00Z");
  const put = async (place?: { shelf: "dumps" | "files"; now: number }) => {
    const writer = await store.create(place);
    await writer.write(Buffer.from("the same content"));
    return (await writer.commit()).blob;
  };
  const past = await put({ shelf: "dumps", now: day - 1 });
  const others = [
    await put({ shelf: "dumps", now: day }),
    await put({ shelf: "dumps", now: day + 86_399_999 }),
    await put({ shelf: "files", now: day - 1 }),
    await put(),
  ];
  expect(past).toMatch(/^dumps\/2026-11-19\/[0-9a-f]{64}$/);
  expect(others[0]).toBe(others[1]);
  expect([past, ...others].map((blob) => blobDay(blob))).toEqual([
    day - 86_400_000,
    day,
    day,
    day - 86_400_000,
    null,
  ]);
  expect(await store.dropDays("dumps", day + 3_600_000)).toEqual(["2026-11-19"]);
  expect(await store.dropDays("dumps", day)).toEqual([]);
  await expect(store.size(past)).rejects.toThrow(/ENOENT/);
  for (const blob of others) expect(await store.size(blob)).toBe(16);
});

test("a shelf to which nothing came has no days to drop", async () => {
  expect(await (await openBlobStore(folder)).dropDays("files", Date.now())).toEqual([]);
});

test("a name that is no hash never becomes a path", async () => {
  const store = await openBlobStore(folder);
  expect(() => store.read("../../etc/passwd")).toThrow(/wanted 64 hex digits/);
  expect(() => store.read(`dumps/../x/${"0".repeat(64)}`)).toThrow(RangeError);
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

test("a draft that another wrote becomes a blob; one that is not there is an error", async () => {
  const store = await openBlobStore(folder);
  const draft = store.draft();
  await writeFile(draft, "drafted");
  const stored = await store.adopt(draft);
  expect(stored.sha256).toBe(createHash("sha256").update("drafted").digest("hex"));
  expect(await readFile(store.path(stored.blob), "utf8")).toBe("drafted");
  expect(await readdir(join(folder, "tmp"))).toEqual([]);
  await expect(store.adopt(draft)).rejects.toThrow(/ENOENT/);
});

test("an old blob is deleted; one that was stored again since stays", async () => {
  const store = await openBlobStore(folder);
  const write = async (text: string): Promise<string> => {
    const writer = await store.create();
    await writer.write(Buffer.from(text));
    return (await writer.commit()).blob;
  };
  const blobs = [await write("old"), await write("again")];
  const past = new Date(Date.now() - 3_600_000);
  for (const blob of blobs) await utimes(store.path(blob), past, past);
  await write("again");
  const before = new Date(Date.now() - 60_000);
  const listed = [];
  for await (const { blob, writtenAt } of store.list()) listed.push([blob, writtenAt < before]);
  expect(new Map(listed as [string, boolean][])).toEqual(
    new Map([
      [blobs[0], true],
      [blobs[1], false],
    ]),
  );
  expect(await Promise.all(blobs.map((blob) => store.deleteOlder(blob, before)))).toEqual([
    true,
    false,
  ]);
  expect(await store.size(blobs[1] ?? "")).toBe(5);
  expect(await store.deleteOlder(blobs[0] ?? "", before)).toBe(false);
  expect(await readdir(join(folder, "tmp"))).toEqual([]);
});
