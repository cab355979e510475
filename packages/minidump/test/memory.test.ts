import { stackAt, type SynthMemory, synthMinidump } from "@faultline/testkit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DumpMemory, openMinidump } from "../src/index.ts";

const bytesAt = (start: bigint, ...bytes: readonly number[]): SynthMemory => ({
  start,
  bytes: Uint8Array.from(bytes),
});

function memoryOf(...ranges: readonly SynthMemory[]): DumpMemory {
  const dump = synthMinidump();
  for (const range of ranges) dump.memory(range);
  return openMinidump(dump.finish()).memory;
}

describe.each(["little", "big"] as const)("%s endian", (endian) => {
  const dump = synthMinidump({ endian }).memory(stackAt(0x1000n, endian).u64(0x8877665544332211n));
  const { memory } = openMinidump(dump.finish());

  test("integers of each size", () => {
    const last = endian === "little" ? 0x88n : 0x11n;
    expect(memory.read(0x1000n, 8)).toBe(0x8877665544332211n);
    expect(memory.read(0x1000n, 4)).toBe(endian === "little" ? 0x44332211n : 0x88776655n);
    expect(memory.read(0x1006n, 2)).toBe(endian === "little" ? 0x8877n : 0x2211n);
    expect(memory.read(0x1007n, 1)).toBe(last);
  });
});

describe("where the dump holds nothing", () => {
  const memory = memoryOf(bytesAt(0x1000n, 1, 2, 3, 4), bytesAt(0x2000n, 5));

  test.each([0n, 0xfffn, 0x1004n, 0x1fffn, 0x2001n, 0xffff_ffff_ffff_ffffn, 1n << 60n])(
    "%s",
    (at) => {
      expect(memory.read(at, 1)).toBeUndefined();
      expect(memory.bytes(at, 1)).toBeUndefined();
      expect(memory.regionAt(at)).toBeUndefined();
    },
  );

  test("nor does it read over the end of what it holds", () => {
    expect(memory.read(0x1001n, 4)).toBeUndefined();
    expect(memory.bytes(0x1001n, 4)).toBeUndefined();
    expect(memory.bytes(0x1001n, 3)).toEqual(Uint8Array.of(2, 3, 4));
  });

  test("an empty dump", () => {
    expect(memoryOf().read(0n, 1)).toBeUndefined();
    expect(memoryOf().regionAt(0n)).toBeUndefined();
  });
});

test("bytes are views of the file", () => {
  const file = synthMinidump()
    .memory(bytesAt(0x1000n, 1, 2, 3))
    .finish();
  expect(openMinidump(file).memory.bytes(0x1001n, 2)?.buffer).toBe(file.buffer);
});

test("what it holds of a range, clipped to it", () => {
  const memory = memoryOf(
    bytesAt(0x3000n, 6, 7),
    bytesAt(0x1000n, 1, 2, 3),
    bytesAt(0x2000n, 4, 5),
  );
  const held = (start: bigint, end: bigint) =>
    [...memory.piecesIn(start, end)].map((piece) => [piece.start, [...piece.bytes]]);
  expect(held(0x1001n, 0x3001n)).toEqual([
    [0x1001n, [2, 3]],
    [0x2000n, [4, 5]],
    [0x3000n, [6]],
  ]);
  expect(held(0x1003n, 0x2000n)).toEqual([]);
  expect(held(0n, 0x1000n)).toEqual([]);
  expect(held(0x2001n, 0x2001n)).toEqual([]);
  expect([...memoryOf().piecesIn(0n, 0x1000n)]).toEqual([]);
});

test("the upper half of the address space, to its last byte", () => {
  const memory = memoryOf(
    bytesAt(0xffff_ffff_ffff_fffen, 1, 2, 3),
    bytesAt(0xffff_8000_0000_0000n, 4, 5),
    bytesAt(0x7fff_ffff_f000n, 6),
  );
  expect(memory.read(0xffff_ffff_ffff_ffffn, 1)).toBe(2n);
  expect(memory.regionAt(0xffff_ffff_ffff_ffffn)?.size).toBe(2);
  expect(memory.read(0n, 1)).toBeUndefined();
  expect(memory.read(0xffff_8000_0000_0001n, 1)).toBe(5n);
  expect(memory.regionAt(0xffff_8000_0000_0001n)).toEqual({
    start: 0xffff_8000_0000_0000n,
    size: 2,
  });
  expect(memory.read(0x7fff_ffff_f000n, 1)).toBe(6n);
});

test("addresses that no CPU can hold are in no memory, even where the dump says so", () => {
  const memory = memoryOf(bytesAt(0x0123_4567_89ab_cdefn, 1), bytesAt(1n << 53n, 2));
  expect(memory.read(0x0123_4567_89ab_cdefn, 1)).toBeUndefined();
  expect(memory.read(1n << 53n, 1)).toBeUndefined();
  expect(memory.read((1n << 53n) + 1n, 1)).toBeUndefined();
});

describe("sources", () => {
  test("lists of 32 and 64 bits and stacks are one memory; the first to hold a byte counts", () => {
    const { memory } = openMinidump(
      synthMinidump()
        .thread({ id: 1, stack: bytesAt(0x1000n, 3, 3, 3, 3, 3, 3) })
        .memory64(bytesAt(0x1000n, 2, 2, 2, 2), bytesAt(0x3000n, 7))
        .memory(bytesAt(0x1000n, 1, 1))
        .finish(),
    );
    expect(memory.bytes(0x1000n, 6)).toEqual(Uint8Array.of(1, 1, 2, 2, 3, 3));
    expect(memory.read(0x1000n, 4)).toBe(0x02020101n);
    expect(memory.read(0x3000n, 1)).toBe(7n);
    expect(memory.regionAt(0x1003n)).toEqual({ start: 0x1000n, size: 6 });
  });

  test("a list that is damaged is left out and told", () => {
    const { memory } = openMinidump(
      synthMinidump()
        .thread({ id: 1, stack: bytesAt(0x1000n, 3) })
        .stream(5, Uint8Array.of(9, 0, 0, 0))
        .finish(),
    );
    expect(memory.read(0x1000n, 1)).toBe(3n);
    expect(memory.damage).toMatchObject([{ code: "bad-count" }]);
  });

  test("a range that is cut off by the end of the file counts as far as it goes", () => {
    const file = synthMinidump()
      .memory64(bytesAt(0x1000n, 1, 2, 3, 4))
      .finish();
    const list = openMinidump(file).directory[0]?.location.rva ?? 0;
    new DataView(file.buffer).setBigUint64(list + 24, 0xffff_ffff_ffffn, true);
    const { memory } = openMinidump(file);
    expect(memory.bytes(0x1000n, 4)).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(memory.regionAt(0x1000n)?.size).toBe(file.length - (list - 4));
  });
});

test("memory that the file keeps apart is joined up to MAX_JOINED_BYTES", () => {
  const half = { start: 0x1000n, bytes: new Uint8Array(9 << 20) };
  const file = new Uint8Array(32 + 12 + 4 + 3 * 16 + half.bytes.length);
  const list = 32 + 12;
  file.set(synthMinidump().entry(5, { dataSize: 52, rva: list }).finish());
  const view = new DataView(file.buffer);
  view.setUint32(list, 3, true);
  for (let index = 0; index < 3; index++) {
    const at = list + 4 + 16 * index;
    view.setBigUint64(at, half.start + BigInt(index * half.bytes.length), true);
    view.setUint32(at + 8, half.bytes.length, true);
    view.setUint32(at + 12, list + 52, true);
  }
  const { memory } = openMinidump(file);
  expect(memory.regionAt(0x1000n)?.size).toBe(3 * half.bytes.length);
  expect(memory.bytes(0x1000n, 1 << 24)?.length).toBe(1 << 24);
  expect(memory.bytes(0x1000n, (1 << 24) + 1)).toBeUndefined();
});

/** The slow way: a byte is that of the first range which holds it. */
function model(ranges: readonly SynthMemory[]): (address: bigint) => number | undefined {
  return (address) => {
    const range = ranges.find(
      ({ start, bytes }) => address >= start && address < start + BigInt(bytes.length),
    );
    return range?.bytes[Number(address - range.start)];
  };
}

test("whatever ranges overlap, every byte is that of the first which holds it", () => {
  const range = fc.record({
    start: fc.bigInt({ min: 0x1000n, max: 0x1040n }),
    bytes: fc.uint8Array({ maxLength: 24 }),
  });
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
      const memory = memoryOf(...ranges);
      const byte = model(ranges);
      for (let address = 0xff8n; address < 0x1060n; address++) {
        const expected = byte(address);
        expect(memory.read(address, 1)).toBe(expected === undefined ? undefined : BigInt(expected));
        const four = [0n, 1n, 2n, 3n].map((offset) => byte(address + offset));
        const whole = four.every((value) => value !== undefined);
        expect(memory.bytes(address, 4)).toEqual(whole ? Uint8Array.from(four) : undefined);
        expect(memory.read(address, 4) === undefined).toBe(!whole);
      }
    }),
    { numRuns: 60 },
  );
});

test("a hundred thousand ranges over the same bytes are laid out without trying each with each", () => {
  const count = 100_000;
  const file = new Uint8Array(44 + 4 + 16 * count);
  file.set(
    synthMinidump()
      .entry(5, { dataSize: 4 + 16 * count, rva: 44 })
      .finish(),
  );
  const view = new DataView(file.buffer);
  view.setUint32(44, count, true);
  for (let index = 0; index < count; index++) {
    const at = 48 + 16 * index;
    view.setBigUint64(at, BigInt(0x10_0000 - index), true);
    view.setUint32(at + 8, 2 * index + 1, true);
    view.setUint32(at + 12, 44, true);
  }
  expect(openMinidump(file).memory.regionAt(0x10_0000n)).toEqual({
    start: BigInt(0x10_0000 - (count - 1)),
    size: 2 * count - 1,
  });
});
