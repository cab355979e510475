/** Files of crashes go when their time is over, not before, whatever else goes on. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBlobStore, type BlobShelf, type BlobStore } from "@faultline/shared";
import { dropCrashFiles } from "../src/crash-files.ts";

const DAY_MS = 86_400_000;
const now = Date.parse("2026-11-28T12:00:00Z");
const days = { retentionDays: 90, rawRetentionDays: 30 };

let folder: string;
let blobs: BlobStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "faultline-files-"));
  blobs = await openBlobStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(shelf: BlobShelf, age: number, content = "dump"): Promise<string> {
  const writer = await blobs.create({ shelf, now: now - age * DAY_MS });
  await writer.write(Buffer.from(content));
  return (await writer.commit()).blob;
}

test("minidumps after 30 days, other files after those of their crash", async () => {
  const kept = [await put("dumps", 0), await put("dumps", 30), await put("files", 91)];
  const gone = [await put("dumps", 31), await put("dumps", 400), await put("files", 92)];
  expect(await dropCrashFiles(blobs, days, now)).toEqual([
    "dumps/2025-10-24",
    "dumps/2026-10-28",
    "files/2026-08-28",
  ]);
  for (const blob of kept) expect(await blobs.size(blob)).toBe(4);
  for (const blob of gone) await expect(blobs.size(blob)).rejects.toThrow(/ENOENT/);
  expect(await dropCrashFiles(blobs, days, now)).toEqual([]);
});

test("a content that came again lately stays, while it is dropped for the day long ago", async () => {
  const old = await put("dumps", 31, "the same");
  const uploads = Promise.all(Array.from({ length: 20 }, () => put("dumps", 0, "the same")));
  await dropCrashFiles(blobs, days, now);
  const [again = ""] = await uploads;
  expect(again.slice(-64)).toBe(old.slice(-64));
  expect(await blobs.size(again)).toBe(8);
  await expect(blobs.size(old)).rejects.toThrow(/ENOENT/);
});
