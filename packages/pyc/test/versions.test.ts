import { magicOf, synthPyc } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { identifyPyc, pycJson, readPyc } from "../src/index.ts";

const minors = Array.from({ length: 16 }, (_, minor) => minor);
const withMagic = (magic: number): Uint8Array => synthPyc(13, {}, { magic });
const headerOf = (bytes: Uint8Array): unknown =>
  JSON.parse([...pycJson(readPyc(bytes), "m.pyc")].join("")).header;

describe("the header", () => {
  test.each(minors)("of 3.%d is read", (minor) => {
    const bytes = synthPyc(minor, {}, { mtime: 0x80000001, sourceSize: 0xfffffffe });
    const { pythonVersion, header, codes } = readPyc(bytes);
    const size = minor < 3 ? 8 : minor < 7 ? 12 : 16;
    expect(pythonVersion).toBe(`3.${minor}`);
    expect(header.size).toBe(size);
    expect(header.flags).toBe(minor < 7 ? null : 0);
    expect(header.source).toEqual({
      checkedBy: "timestamp",
      mtime: 0x80000001,
      size: minor < 3 ? null : 0xfffffffe,
    });
    expect(codes.map(({ name }) => name)).toEqual(["f"]);
    expect(identifyPyc(bytes.subarray(0, 4))).toEqual({
      pythonVersion: `3.${minor}`,
      headerSize: size,
    });
  });

  test.each([
    [1, false],
    [3, true],
  ])("with flags %d holds a hash of the source", (flags, checkSource) => {
    const hash = [1, 2, 3, 4, 5, 6, 7, 0xff];
    expect(headerOf(synthPyc(12, {}, { flags, hash }))).toEqual({
      magic: 3531,
      magicHex: "cb0d0d0a",
      headerSize: 16,
      flags,
      hash: "01020304050607ff",
      checkSource,
    });
  });

  test("with other flags is refused", () => {
    const bytes = synthPyc(12, {}, { flags: 4 });
    expect(() => readPyc(bytes)).toThrow(expect.objectContaining({ code: "bad-flags", offset: 4 }));
  });
});

describe("magic numbers", () => {
  test.each([
    [3350, "3.5"],
    [3351, "3.5"],
    [3532, "3.12"], // a later release of the same minor version
    [3699, "3.15"],
  ])("%d is CPython %s", (magic, pythonVersion) => {
    const start = withMagic(magic).subarray(0, 4);
    expect(identifyPyc(start)?.pythonVersion).toBe(pythonVersion);
  });

  test.each([
    [0, "bad-magic"],
    [48, "bad-magic"], // PyPy 3.2
    [2999, "bad-magic"],
    [62211, "unsupported-version"], // Python 2.7
    [3361, "unsupported-version"], // 3.6 alpha, before word code
    [3450, "unsupported-version"], // 3.11 alpha
    [3700, "unsupported-version"], // 3.16
    [0xffff, "bad-magic"],
  ])("%d is refused: %s", (magic, code) => {
    const bytes = withMagic(magic);
    expect(() => readPyc(bytes)).toThrow(expect.objectContaining({ code, offset: 0 }));
    expect(identifyPyc(bytes)).toBeNull();
  });

  test("of the next version are named", () => {
    expect(() => readPyc(withMagic(3700))).toThrow("CPython 3.16");
    expect(() => readPyc(withMagic(62211))).toThrow("Python 2");
  });

  test("are followed by CR LF", () => {
    const bytes = withMagic(magicOf(13));
    bytes[2] = 0x0a;
    expect(() => readPyc(bytes)).toThrow(expect.objectContaining({ code: "bad-magic", offset: 2 }));
    expect(identifyPyc(bytes)).toBeNull();
    expect(identifyPyc(new Uint8Array(0))).toBeNull();
  });
});
