import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Cursor, TruncatedError } from "../src/index.ts";

const sample = Uint8Array.of(0x01, 0x80, 0xff, 0xfe, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8);

describe("Cursor", () => {
  test("reads little endian unless told otherwise", () => {
    const cursor = new Cursor(sample);
    expect(cursor.u8("a")).toBe(0x01);
    expect(cursor.u16("b")).toBe(0xff80);
    expect(cursor.u32("c")).toBe(0x050403fe);
    expect(cursor.remaining).toBe(3);
  });

  test("reads big endian", () => {
    const cursor = new Cursor(sample, 0, "big");
    expect(cursor.u16("a")).toBe(0x0180);
    expect(cursor.i32("b")).toBe(-0x1fcfc);
    expect(cursor.byteOrder).toBe("big");
  });

  test("reads 64 bits as bigint, above 2^63 too", () => {
    const cursor = new Cursor(sample);
    cursor.skip(2, "skipped");
    expect(cursor.u64("word")).toBe(0xf8_07_06_05_04_03_fe_ffn);
  });

  test("hands out views, not copies", () => {
    const backing = Uint8Array.from(sample);
    const view = new Cursor(backing.subarray(2)).bytes(3, "name");
    backing[2] = 0x11;
    expect([...view]).toEqual([0x11, 0xfe, 0x03]);
  });

  test("counts offsets from where its bytes lie in the file", () => {
    const cursor = new Cursor(sample.subarray(4), 0x1000);
    cursor.skip(2, "skipped");
    expect(cursor.offset).toBe(0x1002);
  });

  test("says which field ran out, where, what it needed and what there was", () => {
    const cursor = new Cursor(sample.subarray(0, 6), 0x1000);
    cursor.u32("MINIDUMP_HEADER.signature");
    expect(() => cursor.u32("MINIDUMP_HEADER.version")).toThrow(
      "MINIDUMP_HEADER.version: need 4 bytes at 0x1004, have 2",
    );
    expect(cursor.offset).toBe(0x1004);
  });

  test.each([-1, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])(
    "refuses a length of %d",
    (length) => {
      const cursor = new Cursor(sample);
      expect(() => cursor.bytes(length, "count")).toThrow(TruncatedError);
      expect(() => cursor.skip(length, "count")).toThrow(TruncatedError);
      expect(cursor.offset).toBe(0);
    },
  );

  test("reads back any 32-bit value in either order", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (value) => {
        const bytes = [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
        expect(new Cursor(Uint8Array.from(bytes)).u32("v")).toBe(value);
        expect(new Cursor(Uint8Array.from(bytes)).i32("v")).toBe(value | 0);
        expect(new Cursor(Uint8Array.from(bytes.toReversed()), 0, "big").u32("v")).toBe(value);
      }),
    );
  });
});
