/** MessagePack of events, by the examples of its specification. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { MessagePackError, readMessagePack } from "../src/crash/message-pack.ts";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

test.each<[string, string, unknown]>([
  ["positive fixint", "7f", 127],
  ["negative fixint", "e0", -32],
  ["nil, false, true", "93 c0 c2 c3", [null, false, true]],
  [
    "uint 8 to 64",
    "94 cc ff cd ffff ce ffffffff cf 0000000100000000",
    [255, 65_535, 4_294_967_295, 2 ** 32],
  ],
  [
    "int 8 to 64",
    "94 d0 80 d1 8000 d2 80000000 d3 ffffffffffffffff",
    [-128, -32_768, -(2 ** 31), -1],
  ],
  ["float 32 and 64", "92 ca 3fc00000 cb bff8000000000000", [1.5, -1.5]],
  ["fixstr, str 8, 16, 32", "94 a1 61 d9 01 62 da 0001 63 db 00000001 64", ["a", "b", "c", "d"]],
  ["text in UTF-8", "a2 c3a4", "ä"],
  ["array 16 and 32", "92 dc 0001 01 dd 00000001 02", [[1], [2]]],
  [
    "fixmap, map 16 and 32",
    "93 81 a161 01 de 0001 a162 02 df 00000001 a163 03",
    [{ a: 1 }, { b: 2 }, { c: 3 }],
  ],
  [
    "bin and ext stand for null",
    "94 c4 02 ffff d4 01 ff c7 03 01 ffffff c5 0001 ff",
    [null, null, null, null],
  ],
  ["a key __proto__", "81 a9 5f5f70726f746f5f5f 01", JSON.parse('{"__proto__":1}')],
])("%s", (_name, hex, value) => {
  expect(readMessagePack(bytes(hex))).toEqual(value);
});

test.each([
  ["nothing", "", "byte 0"],
  ["a text cut short", "a3 6162", "wanted 3 bytes, found 2"],
  ["a type that is none", "c1", "0xc1"],
  ["a key that is no text", "81 01 01", "key"],
  ["a count beyond the end", "df ffffffff", "wanted 1 bytes"],
  ["too deep", "91".repeat(1_000), "MAX_METADATA_DEPTH"],
])("%s is refused", (_name, hex, message) => {
  expect(() => readMessagePack(bytes(hex))).toThrow(MessagePackError);
  expect(() => readMessagePack(bytes(hex))).toThrow(message);
});

test("any bytes are a value or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (sent) => {
      try {
        readMessagePack(Buffer.from(sent));
      } catch (error) {
        if (!(error instanceof MessagePackError)) throw error;
      }
    }),
    { numRuns: 2_000 },
  );
});
