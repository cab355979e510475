import { synthMinidump } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { MinidumpError, ModuleList, openMinidump, SystemInfo, ThreadList } from "../src/index.ts";

const thrown = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

const system = { cpu: "amd64", os: "linux" } as const;

describe.each(["little", "big"] as const)("%s endian", (endian) => {
  test("header and directory, in the file's order", () => {
    const dump = openMinidump(
      synthMinidump({ endian, timestamp: 1_700_000_000 })
        .thread({ id: 1 })
        .systemInfo(system)
        .stream(0x12345678, Uint8Array.of(1, 2, 3))
        .finish(),
    );
    expect(dump.byteOrder).toBe(endian);
    expect(dump.timestamp).toBe(1_700_000_000);
    expect(dump.flags).toBe(0x42n);
    expect(dump.directory.map(({ name, type }) => [name, type])).toEqual([
      ["ThreadListStream", 3],
      ["SystemInfoStream", 7],
      ["0x12345678", 0x12345678],
    ]);
    expect(dump.directory[2]?.location.dataSize).toBe(3);
  });
});

describe("opening refuses", () => {
  const file = synthMinidump().systemInfo(system).finish();
  const changed = (offset: number, value: number): Uint8Array => {
    const bytes = file.slice();
    new DataView(bytes.buffer).setUint32(offset, value, true);
    return bytes;
  };

  test.each([
    ["no bytes", new Uint8Array(), "truncated", 0],
    ["a header that ends early", file.subarray(0, 20), "truncated", 20],
    ["another signature", changed(0, 0x464c457f), "bad-signature", 0],
    ["another version", changed(4, 0x1234a794), "bad-version", 4],
    ["a directory beyond the file", changed(12, 0xfffffff0), "out-of-bounds", 0xfffffff0],
    ["a directory that ends early", file.subarray(0, 40), "out-of-bounds", 32],
  ] as const)("%s", (_, bytes, code, offset) => {
    const error = thrown(() => openMinidump(bytes));
    expect(error).toBeInstanceOf(MinidumpError);
    expect(error).toMatchObject({ code, offset });
  });

  test("and says what was wanted and found", () => {
    expect(thrown(() => openMinidump(changed(0, 0x464c457f)))).toMatchObject({
      message:
        'MINIDUMP_HEADER.Signature at 0x0: want "MDMP" in either byte order, found 0x464c457f',
      wanted: '"MDMP" in either byte order',
      found: "0x464c457f",
    });
  });
});

describe("a stream", () => {
  test("that the dump does not have is undefined", () => {
    expect(openMinidump(synthMinidump().finish()).stream(ThreadList)).toBeUndefined();
  });

  test("is read once", () => {
    const dump = openMinidump(synthMinidump().thread({ id: 1 }).finish());
    expect(dump.stream(ThreadList)).toBe(dump.stream(ThreadList));
  });

  test("that is damaged says so when it is asked for, and costs only itself", () => {
    const dump = openMinidump(
      synthMinidump()
        .systemInfo(system)
        .entry(3, { dataSize: 100, rva: 0xfffff })
        .stream(4, Uint8Array.of(1, 0))
        .finish(),
    );
    expect(dump.directory.map(({ name }) => name)).toContain("ThreadListStream");
    expect(thrown(() => dump.stream(ThreadList))).toMatchObject({
      code: "out-of-bounds",
      offset: 0xfffff,
      wanted: "100 bytes",
    });
    expect(thrown(() => dump.stream(ModuleList))).toMatchObject({
      code: "truncated",
      message: expect.stringContaining("MINIDUMP_MODULE_LIST.NumberOfModules"),
      cause: expect.any(Error),
    });
    expect(dump.stream(SystemInfo)?.os).toBe("linux");
    expect(thrown(() => dump.stream(ThreadList))).toBe(thrown(() => dump.stream(ThreadList)));
  });

  test("that is there twice is the first; both are listed", () => {
    const dump = openMinidump(
      synthMinidump()
        .stream(10, new TextEncoder().encode("first"))
        .systemInfo(system)
        .systemInfo({ cpu: "arm", os: "android" })
        .finish(),
    );
    expect(dump.directory.filter(({ type }) => type === 7)).toHaveLength(2);
    expect(dump.stream(SystemInfo)?.cpu).toBe("amd64");
  });
});

test("the platform is null, not an error, where the system info is damaged", () => {
  const dump = openMinidump(synthMinidump().stream(7, Uint8Array.of(9)).finish());
  expect(dump.platform).toEqual({ os: null, cpu: null });
});
