/** Whatever bytes come in: answers or MinidumpErrors, in bounded time and memory. */
import { synthMinidump } from "@faultline/testkit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CrashpadInfo,
  LinuxMaps,
  MemoryList,
  MinidumpError,
  ModuleList,
  openMinidump,
  type Stream,
  ThreadList,
} from "../src/index.ts";
import { refusalsOf, wholeDump } from "./whole-dump.ts";

const whole = wholeDump();

test("the whole dump itself is refused nothing", () => expect(refusalsOf(whole)).toEqual([]));

test("a dump cut short at any byte answers or says where, and never throws anything else", () => {
  for (let length = 0; length < whole.length; length++) {
    expect(refusalsOf(whole.subarray(0, length)).length, `cut at ${length}`).toBeGreaterThan(0);
  }
});

test("nor does one with any byte changed", () => {
  const bytes = whole.slice();
  for (let index = 0; index < bytes.length; index++) {
    const before = bytes[index]!;
    bytes[index] = before ^ 0xff;
    refusalsOf(bytes);
    bytes[index] = before;
  }
  expect(bytes).toEqual(whole);
});

test("nor one with any number of bytes changed, of either byte order and any system", () => {
  const dumps = (["little", "big"] as const).flatMap((endian) =>
    (["linux", "windows", "macos"] as const).map((os) => wholeDump(endian, os)),
  );
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom(...dumps), changes, (dump, list) => {
      const bytes = dump.slice();
      for (const [at, value] of list) bytes[at % bytes.length] = value;
      refusalsOf(bytes);
    }),
    { numRuns: 300 },
  );
});

/** `count` as 32 bits, then `rest`. */
const counted = (count: number, rest: Uint8Array = new Uint8Array()): Uint8Array => {
  const bytes = new Uint8Array(4 + rest.length);
  new DataView(bytes.buffer).setUint32(0, count, true);
  bytes.set(rest, 4);
  return bytes;
};

function refusal(bytes: Uint8Array, stream: Stream<unknown>): MinidumpError {
  try {
    openMinidump(bytes).stream(stream);
  } catch (error) {
    if (error instanceof MinidumpError) return error;
    throw error;
  }
  throw new Error("not refused");
}

describe("counts that a stream has no room for are refused before anything is made of them", () => {
  test.each([
    ["threads", 3, ThreadList, 48],
    ["modules", 4, ModuleList, 108],
    ["memory", 5, MemoryList, 16],
  ] as const)("%s", (_, type, stream, size) => {
    for (const count of [1, 2, 0x7fffffff, 0xffffffff]) {
      const bytes = synthMinidump()
        .stream(type, counted(count, new Uint8Array(size - 1)))
        .finish();
      expect(refusal(bytes, stream)).toMatchObject({
        code: "bad-count",
        wanted: `${count} records of ${size} bytes`,
        found: `${size - 1} bytes`,
      });
    }
  });
});

describe("limits are named", () => {
  test("more streams than MAX_STREAMS", () => {
    const bytes = synthMinidump().finish();
    new DataView(bytes.buffer).setUint32(8, 100_000, true);
    expect(() => openMinidump(bytes)).toThrow("at most 4096 (MAX_STREAMS), found 100000");
  });

  test("more threads than MAX_THREADS, all of them there", () => {
    const count = 65_537;
    const list = counted(count, new Uint8Array(count * 48));
    const bytes = new Uint8Array(44 + list.length);
    bytes.set(synthMinidump().entry(3, { dataSize: list.length, rva: 44 }).finish());
    bytes.set(list, 44);
    expect(refusal(bytes, ThreadList)).toMatchObject({
      code: "limit",
      wanted: "at most 65536 (MAX_THREADS)",
    });
  });

  test("one long text that every module is named by", () => {
    const name = new Uint8Array(4 + 200_000);
    new DataView(name.buffer).setUint32(0, 200_000, true);
    const modules = 400;
    const list = counted(modules, new Uint8Array(modules * 108));
    const view = new DataView(list.buffer);
    const bytes = new Uint8Array(44 + name.length + list.length);
    for (let index = 0; index < modules; index++) view.setUint32(4 + index * 108 + 20, 44, true);
    const place = { dataSize: list.length, rva: 44 + name.length };
    bytes.set(synthMinidump().entry(4, place).finish());
    bytes.set(name, 44);
    bytes.set(list, place.rva);
    const read = openMinidump(bytes).stream(ModuleList) ?? [];
    const text = read.reduce((sum, { codeFile }) => sum + codeFile.length, 0);
    expect(text).toBe(335 * 100_000); // of two bytes each: the next one would be above 64 MiB
    expect(read.at(-1)?.damage).toMatchObject({
      code: "limit",
      wanted: "at most 67108864 bytes of text in all (MAX_TEXT_BYTES)",
    });
  });

  test("a name longer than MAX_STRING_BYTES costs its module only the name", () => {
    const bytes = synthMinidump()
      .module({ base: 1n, size: 1, name: "a".repeat(200_000), buildId: "c0ffee" })
      .finish();
    const [module] = openMinidump(bytes).stream(ModuleList) ?? [];
    expect(module).toMatchObject({ codeFile: "", buildId: "c0ffee" });
    expect(module?.damage?.wanted).toBe("at most 262144 (MAX_STRING_BYTES)");
  });

  test("annotations that two modules share", () => {
    const list = [40_000, ...Array.from({ length: 40_000 }, () => 0)];
    const infoRva = 44 + 4 * list.length;
    const info = [1, 4 * list.length, 44, 0, 0, 0, 0];
    const modules = [2, 0, 28, infoRva, 1, 28, infoRva];
    const crashpad = [1, ...Array.from({ length: 10 }, () => 0), 28, infoRva + 28];
    const words = Uint32Array.from([...list, ...info, ...modules, ...crashpad]);
    const place = { dataSize: 4 * crashpad.length, rva: infoRva + 56 };
    const file = new Uint8Array(44 + words.byteLength);
    file.set(synthMinidump().entry(0x43500001, place).finish());
    file.set(new Uint8Array(words.buffer), 44);
    expect(refusal(file, CrashpadInfo)).toMatchObject({ code: "limit", found: "40000" });
    expect(refusal(file, CrashpadInfo).wanted).toBe("at most 25534 (MAX_ANNOTATIONS)");
  });

  test("more lines than MAX_RECORDS", () => {
    const bytes = synthMinidump().linux("maps", "\n".repeat(262_144)).finish();
    expect(refusal(bytes, LinuxMaps).wanted).toBe("at most 262144 (MAX_RECORDS)");
  });
});
