import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { dataOwner, lockData } from "../src/data-lock.ts";

const root = mkdtempSync(join(tmpdir(), "faultline-lock-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Larger than any process id of Linux (2^22) and macOS. */
const NO_SUCH_PROCESS = 99_999_999;

test("a living owner keeps others out, by name; released, the folder is free", () => {
  const data = join(root, "deep/data");
  const lock = lockData(data);
  expect(statSync(data).mode & 0o777).toBe(0o700);
  expect(dataOwner(data)).toBe(process.pid);
  expect(() => lockData(data)).toThrow(
    expect.objectContaining({
      code: "data-in-use",
      message: expect.stringContaining(`process ${process.pid}:`),
    }),
  );
  lock.release();
  expect(dataOwner(data)).toBeNull();
  lockData(data).release();
});

test.each([
  ["of a process that is gone", `${NO_SUCH_PROCESS} 123\n`],
  ["of an earlier process that had a living one's number", `${process.pid} 1\n`],
  ["that a power cut left empty", ""],
  ["full of nonsense", "../../etc/passwd\0"],
])("a lock %s is taken over", (_, text) => {
  const data = mkdtempSync(join(root, "stale-"));
  writeFileSync(join(data, "faultline.pid"), text);
  const lock = lockData(data);
  expect(dataOwner(data)).toBe(process.pid);
  lock.release();
  expect(existsSync(join(data, "faultline.pid"))).toBe(false);
});

test("releasing leaves the lock of another alone", () => {
  const data = mkdtempSync(join(root, "other-"));
  const lock = lockData(data);
  writeFileSync(join(data, "faultline.pid"), "1 2\n");
  lock.release();
  expect(readFileSync(join(data, "faultline.pid"), "utf8")).toBe("1 2\n");
});
