import { expect, test } from "vitest";
import { altLink, buildId, noteBuildId } from "../src/index.ts";
import { elfOf } from "./fixture.ts";
import { elfWith } from "./synthetic-elf.ts";

const CHECKSUM = [0x14, 0x3a, 0xbe];
const sup = (version: number, isSupplementary: 0 | 1, file: string): Buffer =>
  Buffer.from([version, 0, isSupplementary, ...Buffer.from(`${file}\0`), 3, ...CHECKSUM]);

const withSup = (bytes: Uint8Array) => elfOf(elfWith({ ".debug_sup": bytes }));

test("the supplementary file is told by .debug_sup, which has a checksum for a build id", () => {
  expect(altLink(withSup(sup(5, 0, "app.sup")))).toEqual({ file: "app.sup", buildId: "143abe" });
  expect(altLink(elfOf(elfWith({})))).toBeNull();
});

test("a supplementary file has its checksum for an id, and no link", () => {
  const file = withSup(sup(5, 1, ""));
  expect([noteBuildId(file), altLink(file)]).toEqual(["143abe", null]);
});

test("the checksum of a link is no id of the object", () => {
  expect(noteBuildId(withSup(sup(5, 0, "app.sup")))).toBeNull();
});

test("a damaged .debug_sup is refused as a link, and names nothing as an id", () => {
  const whole = sup(5, 1, "app.sup");
  for (let length = 0; length < whole.length; length += 1) {
    const file = withSup(whole.subarray(0, length));
    expect(buildId(file)).toBeNull();
    expect(() => altLink(file)).toThrow(/\.debug_sup: entry: runs to/);
  }
  expect(() => altLink(withSup(sup(4, 0, "x")))).toThrow("version at 0x0: wanted 5, found 4");
});
