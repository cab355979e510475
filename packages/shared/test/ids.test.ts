import fc from "fast-check";
import { expect, test } from "vitest";
import {
  canonicalUuid,
  childCrashId,
  crashIdBound,
  crashIdTime,
  isUuid,
  newCrashId,
} from "../src/index.ts";

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test("a new id is a UUIDv7 that tells its time", () => {
  fc.assert(
    fc.property(time, (now) => {
      const id = newCrashId(now);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(crashIdTime(id)).toBe(now);
    }),
  );
});

test("ids of a time lie between its bound and the next", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 47 }), (now) => {
      const id = newCrashId(now);
      expect(id >= crashIdBound(now)).toBe(true);
      expect(id < crashIdBound(now + 1)).toBe(true);
    }),
  );
});

test("the further crashes of a text get ids of the same time, the same every time, all different", () => {
  const parent = "01a20864-cc3c-7523-8b63-43b190de949a";
  const ids = Array.from({ length: 200 }, (_, index) => childCrashId(parent, index + 1));
  expect(new Set([...ids, parent]).size).toBe(201);
  expect(ids.map(crashIdTime)).toEqual(ids.map(() => crashIdTime(parent)));
  expect(childCrashId(parent, 3)).toBe(ids[2]);
  expect(() => childCrashId("01a20864-cc3c-4523-8b63-43b190de949a", 1)).toThrow(RangeError);
});

test("any spelling of a UUID has one canonical form, anything else has none", () => {
  expect(canonicalUuid("01A20864CC3C75238B6343B190DE949A")).toBe(
    "01a20864-cc3c-7523-8b63-43b190de949a",
  );
  expect(canonicalUuid("01a20864-cc3c-7523-8b63-43b190de949a")).toBe(
    "01a20864-cc3c-7523-8b63-43b190de949a",
  );
  expect(canonicalUuid("01a20864-cc3c-7523-8b63-43b190de949")).toBeNull();
  expect(canonicalUuid("")).toBeNull();
  expect(isUuid("01a20864-cc3c-7523-8b63-43b190de949a'")).toBe(false);
});

test("only a version 7 id tells a time", () => {
  expect(crashIdTime("01a20864-cc3c-4523-8b63-43b190de949a")).toBeNull();
  expect(crashIdTime("not an id")).toBeNull();
});
