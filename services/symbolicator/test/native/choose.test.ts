/** Which files a cache is built of: the best, whatever the order they came in. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NativeFile } from "@faultline/shared";
import { MAX_SPLIT_FILES } from "../../src/limits.ts";
import { chooseFiles, chooseSplit } from "../../src/native/choose.ts";

let serial = 0;
const file = (kind: NativeFile["kind"], more: Partial<NativeFile> = {}): NativeFile => ({
  id: (serial += 1),
  sha256: String(serial).padStart(64, "0"),
  size: 100,
  name: `${kind}-${serial}`,
  kind,
  machine: "x86_64",
  os: null,
  buildId: "aa",
  debugId: "AA0",
  hasDebugInfo: false,
  hasSplitUnits: false,
  symbols: null,
  hasUnwind: false,
  crc32: serial,
  debugLink: null,
  debugLinkCrc: null,
  altLink: null,
  altLinkBuildId: null,
  state: "ready",
  error: null,
  createdAt: new Date(0),
  ...more,
});

const stripped = file("object", {
  symbols: "dynsym",
  hasUnwind: true,
  debugLink: "a.debug",
  debugLinkCrc: 77,
});
const whole = file("object", { symbols: "symtab", hasUnwind: true, hasDebugInfo: true });
const debug = file("debug", { symbols: "symtab", hasDebugInfo: true });
const linked = file("debug", { buildId: null, debugId: null, crc32: 77, hasDebugInfo: true });
const stranger = file("debug", { buildId: "bb", crc32: 78, hasDebugInfo: true, size: 999 });
const names = file("debug", { symbols: "symtab" });
const sym = file("breakpad", {
  buildId: null,
  hasDebugInfo: true,
  symbols: "symtab",
  hasUnwind: true,
});

const missingDebug = { role: "debug", buildId: "aa", file: "a.debug" };
const missingObject = { role: "object", buildId: "aa", file: null };

test.each([
  ["the object that has everything", [stripped, whole, debug, sym], whole, null, []],
  ["a stripped object with its debug file", [debug, stripped], stripped, debug, []],
  ["one that is named by its CRC alone", [stripped, linked], stripped, linked, []],
  ["no debug file of another build", [stripped, stranger], stripped, null, [missingDebug]],
  [
    "a debug file of names only, and what is still missing",
    [stripped, names],
    stripped,
    names,
    [missingDebug],
  ],
  ["no companion that adds nothing", [whole, names], whole, null, []],
  ["an object alone, and what it misses", [stripped], stripped, null, [missingDebug]],
  ["a debug file alone, and what it misses", [debug], debug, null, [missingObject]],
  ["a .sym where there is no debug information", [stripped, sym], sym, null, []],
  ["a debug file rather than a .sym", [debug, sym], debug, null, [missingObject]],
])("%s", (_name, files, main, companion, missing) => {
  expect(chooseFiles(files)).toEqual({ main, debug: companion, missing });
});

test("nothing of nothing", () => expect(chooseFiles([])).toBeNull());

test("the same files give the same choice in any order", () => {
  const files = [stripped, whole, debug, linked, stranger, names, sym];
  const subset = fc.shuffledSubarray(files);
  fc.assert(
    fc.property(subset, fc.infiniteStream(fc.nat()), (chosen, random) => {
      const keys = new Map(chosen.map((one) => [one, random.next().value as number]));
      const shuffled = chosen.toSorted((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
      expect(chooseFiles(shuffled)).toEqual(chooseFiles(chosen));
    }),
  );
});

describe("split units", () => {
  const split = (sha256: string, ...units: string[]) => ({ sha256, size: 1, units });

  test("a .dwp that has them all needs no .dwo beside it", () => {
    const files = [split("a", "1"), split("b", "2"), split("c", "1", "2", "3")];
    expect(chooseSplit(3, files)).toEqual({ files: [files[2]], missing: 0 });
  });

  test("several that have some each, and how many nobody has", () => {
    const files = [split("a", "1"), split("b", "2"), split("c", "2")];
    expect(chooseSplit(4, files)).toEqual({ files: [files[0], files[1]], missing: 2 });
  });

  test("no more than may be opened", () => {
    const files = Array.from({ length: MAX_SPLIT_FILES + 5 }, (_, at) => split(`${at}`, `${at}`));
    const chosen = chooseSplit(files.length, files);
    expect(chosen.files).toHaveLength(MAX_SPLIT_FILES);
    expect(chosen.missing).toBe(5);
  });
});
