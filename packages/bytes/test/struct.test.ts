import { expect, expectTypeOf, test } from "vitest";
import {
  type Address,
  address,
  array,
  bytes,
  Cursor,
  type Fields,
  i32,
  relativeTo,
  struct,
  u16,
  u32,
  u64,
  u8,
} from "../src/index.ts";

const Record = struct("RECORD", {
  tag: u8,
  delta: i32,
  words: array(2, u16),
  id: bytes(3),
  address: u64,
});

const encoded = Uint8Array.of(
  7,
  0xfe,
  0xff,
  0xff,
  0xff,
  1,
  0,
  2,
  0,
  9,
  8,
  7,
  1,
  0,
  0,
  0,
  0,
  0,
  0,
  0x80,
);

test("reads fields in file order, packed", () => {
  const cursor = new Cursor(encoded);
  const record = Record.read(cursor);
  expectTypeOf(record).toEqualTypeOf<Fields<typeof Record>>();
  expectTypeOf(record.words).toEqualTypeOf<readonly number[]>();
  expect(record).toEqual({
    tag: 7,
    delta: -2,
    words: [1, 2],
    id: Uint8Array.of(9, 8, 7),
    address: 0x8000_0000_0000_0001n,
  });
  expect(Object.keys(record)).toEqual(["tag", "delta", "words", "id", "address"]);
  expect(cursor.remaining).toBe(0);
});

test("names the field of the record that is cut off", () => {
  expect(() => Record.read(new Cursor(encoded.subarray(0, 3), 0x20))).toThrow(
    "RECORD.delta: need 4 bytes at 0x21, have 2",
  );
  expect(() => Record.read(new Cursor(encoded.subarray(0, 8), 0x20))).toThrow(
    "RECORD.words[1]: need 2 bytes at 0x27, have 1",
  );
});

test("leaves the byte order to the cursor", () => {
  const Pair = struct("PAIR", { a: u16, b: u32 });
  expect(Pair.read(new Cursor(Uint8Array.of(1, 2, 3, 4, 5, 6), 0, "big"))).toEqual({
    a: 0x0102,
    b: 0x03040506,
  });
});

test("kinds of offsets do not mix", () => {
  const base = address(0x7f00_0000_0000n);
  expect(relativeTo(base, address(0x7f00_0000_1234n))).toBe(0x1234);
  expect(() => relativeTo(base, address(0x6fff_ffff_ffffn))).toThrow(RangeError);
  expect(() => address(-1n)).toThrow(RangeError);
  expectTypeOf<bigint>().not.toExtend<Address>();
  expectTypeOf(relativeTo).parameter(0).toEqualTypeOf<Address>();
});
