/** The shapes that lists have. */
import { stackAt, synthMinidump } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import {
  MemoryInfoList,
  MemoryList,
  ModuleList,
  openMinidump,
  ThreadList,
  ThreadNames,
} from "../src/index.ts";

describe.each([false, true])("padding after the count: %s", (padLists) => {
  const dump = openMinidump(
    synthMinidump({ padLists })
      .thread({ id: 7, name: "main" })
      .thread({ id: 8 })
      .module({ base: 0x1000n, size: 16, name: "/a" })
      .memory(stackAt(0x7000n).u64(5n))
      .finish(),
  );

  test("threads, names, modules and memory", () => {
    expect(dump.stream(ThreadList)?.map(({ id }) => id)).toEqual([7, 8]);
    expect(dump.stream(ThreadNames)?.get(7)).toBe("main");
    expect(dump.stream(ModuleList)?.[0]).toMatchObject({ codeFile: "/a", base: 0x1000n });
    expect(dump.stream(MemoryList)?.[0]?.start).toBe(0x7000n);
  });
});

test("what follows the records otherwise is left alone", () => {
  const bytes = new Uint8Array(4 + 48 + 8);
  bytes[0] = 1;
  bytes[4] = 7;
  const dump = openMinidump(synthMinidump().stream(3, bytes).finish());
  expect(dump.stream(ThreadList)?.map(({ id }) => id)).toEqual([7]);
});

describe("a list that tells its sizes", () => {
  /** One MINIDUMP_MEMORY_INFO at 0x1000, of `recordSize` bytes, behind a header of `headerSize`. */
  function list(headerSize: number, recordSize: number, count = 1n): Uint8Array {
    const bytes = new Uint8Array(
      Math.max(16, headerSize) + Number(count) * Math.max(48, recordSize),
    );
    const view = new DataView(bytes.buffer);
    view.setUint32(0, headerSize, true);
    view.setUint32(4, recordSize, true);
    view.setBigUint64(8, count, true);
    for (let index = 0n; index < count; index++) {
      view.setBigUint64(headerSize + Number(index) * recordSize, 0x1000n * (index + 1n), true);
    }
    return bytes;
  }

  test.each([
    [16, 48],
    [24, 56],
  ])("is read whatever newer writers append: header %i, records %i", (header, record) => {
    const dump = openMinidump(
      synthMinidump()
        .stream(16, list(header, record, 2n))
        .finish(),
    );
    expect(dump.stream(MemoryInfoList)?.map(({ start }) => start)).toEqual([0x1000n, 0x2000n]);
  });

  test.each([
    [12, 48],
    [16, 40],
  ])("is refused where they are too small: header %i, records %i", (header, record) => {
    const dump = openMinidump(synthMinidump().stream(16, list(header, record)).finish());
    expect(() => dump.stream(MemoryInfoList)).toThrow(
      `want a header of 16 and records of 48 bytes or more, found ${header} and ${record}`,
    );
  });

  test("is refused where the count is more than there is, even above 2^53", () => {
    for (const count of [2n, 0xffff_ffff_ffff_ffffn]) {
      const bytes = list(16, 48);
      new DataView(bytes.buffer).setBigUint64(8, count, true);
      const dump = openMinidump(synthMinidump().stream(16, bytes).finish());
      expect(() => dump.stream(MemoryInfoList)).toThrow("found 48 bytes");
    }
  });
});
