import { type SynthMinidump, synthMinidump } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { modulesOf, openMinidump } from "../src/index.ts";

const ID = "f1c3bcc0279865fe3058404b2831d9e64135386c";
const DEBUG_ID = "C0BCC3F19827FE653058404B2831D9E60";

interface Elf {
  readonly wordSize?: 4 | 8;
  readonly endian?: "little" | "big";
  /** Address that the file was linked for. */
  readonly vaddr?: bigint;
  readonly memsz?: bigint;
  readonly id?: string;
}

/** The first page of an ELF file: header, a PT_LOAD from the beginning, a PT_NOTE with two notes. */
function elfPage({
  wordSize = 8,
  endian = "little",
  vaddr = 0n,
  memsz = 0x3000n,
  id = ID,
}: Elf): Uint8Array {
  const bytes = new Uint8Array(0x200);
  const view = new DataView(bytes.buffer);
  const little = endian === "little";
  let at = 0;
  const put = (size: number, ...values: readonly (number | bigint)[]): void => {
    for (const value of values) {
      if (size === 2) view.setUint16(at, Number(value), little);
      else if (size === 4) view.setUint32(at, Number(value), little);
      else view.setBigUint64(at, BigInt(value), little);
      at += size;
    }
  };
  bytes.set([0x7f, 0x45, 0x4c, 0x46, wordSize / 4, little ? 1 : 2, 1]);
  at = 16;
  put(2, 3, 62);
  put(4, 1);
  const headerSize = wordSize === 8 ? 64 : 52;
  put(wordSize, 0, headerSize, 0);
  put(4, 0);
  put(2, headerSize, wordSize === 8 ? 56 : 32, 2, 0, 0, 0);
  const segment = (type: number, offset: bigint, size: bigint): void => {
    put(4, type);
    if (wordSize === 8) put(4, 5);
    put(wordSize, offset, vaddr + offset, 0, size, size);
    if (wordSize === 4) put(4, 5);
    put(wordSize, 0x1000);
  };
  segment(1, 0n, memsz);
  segment(4, 0x180n, 0x40n);
  at = 0x180;
  put(4, 4, 5, 1);
  bytes.set([0x47, 0x4e, 0x55, 0, 9, 9, 9, 9, 9], at);
  at += 12;
  put(4, 4, id.length / 2, 3);
  bytes.set([0x47, 0x4e, 0x55, 0, ...Buffer.from(id, "hex")], at);
  return bytes;
}

const BASE = 0x7f00_0000_0000n;

const linux = (
  cpu: "amd64" | "x86" = "amd64",
  endian: "little" | "big" = "little",
): SynthMinidump => synthMinidump({ endian }).systemInfo({ cpu, os: "linux" });

const modules = (dump: SynthMinidump) => modulesOf(openMinidump(dump.finish()));

describe("a module of the list without a build id has the one that memory tells", () => {
  test.each([
    ["64 bits", {}],
    ["32 bits", { wordSize: 4 }],
    ["big endian", { endian: "big" }],
    ["linked for an address of its own", { vaddr: BASE }],
  ] as const)("%s", (_, elf: Elf) => {
    const dump = linux(elf.wordSize === 4 ? "x86" : "amd64", elf.endian)
      .module({ base: BASE, size: 0x3000, name: "/lib/x.so" })
      .memory({ start: BASE, bytes: elfPage(elf) });
    expect(modules(dump)).toMatchObject([{ buildId: ID, codeId: ID, codeFile: "/lib/x.so" }]);
  });

  test("also where the list has the 16 bytes that old writers kept", () => {
    const guid = DEBUG_ID.slice(0, 32);
    const dump = linux()
      .module({ base: BASE, size: 0x3000, name: "/lib/x.so", pdb: { guid, age: 0, file: "x.so" } })
      .memory({ start: BASE, bytes: elfPage({}) });
    expect(modules(dump)).toMatchObject([{ buildId: ID, debugId: DEBUG_ID, debugFile: "x.so" }]);
  });

  test("but not where that is of another file", () => {
    const pdb = { guid: "00112233445566778899aabbccddeeff", age: 0, file: "x.so" };
    const dump = linux()
      .module({ base: BASE, size: 0x3000, name: "/lib/x.so", pdb })
      .memory({ start: BASE, bytes: elfPage({}) });
    expect(modules(dump)[0]?.buildId).toBeNull();
  });

  test.each([
    ["no memory", new Uint8Array()],
    ["no ELF file", new Uint8Array(0x200)],
    ["a header that is cut off", elfPage({}).subarray(0, 60)],
    ["program headers that are cut off", elfPage({}).subarray(0, 100)],
    ["notes that are cut off", elfPage({}).subarray(0, 0x1a0)],
  ])("nor where there is %s", (_, bytes) => {
    const dump = linux()
      .module({ base: BASE, size: 0x3000, name: "/lib/x.so" })
      .memory({ start: BASE, bytes });
    expect(modules(dump)).toMatchObject([{ name: "x.so", buildId: null, debugId: null }]);
  });

  test("whatever byte of the file is changed", () => {
    const page = elfPage({});
    for (let index = 0; index < page.length; index++) {
      const changed = page.slice();
      changed[index] = 0xff;
      const dump = linux()
        .module({ base: BASE, size: 0x3000, name: "/lib/x.so" })
        .memory({ start: BASE, bytes: changed });
      expect(modules(dump)).toHaveLength(1);
    }
  });

  test("and other systems are left alone", () => {
    const dump = synthMinidump()
      .systemInfo({ cpu: "amd64", os: "windows" })
      .module({ base: BASE, size: 0x3000, name: "C:\\x.dll" })
      .memory({ start: BASE, bytes: elfPage({}) });
    expect(modules(dump)[0]?.buildId).toBeNull();
  });
});

const MAPS = [
  "55550000-55551000 r--p 00000000 fd:01 1 /srv/app",
  "55551000-55553000 r-xp 00001000 fd:01 1 /srv/app",
  "55553000-55554000 ---p 00000000 00:00 0 ",
  "55554000-55555000 rw-p 00003000 fd:01 1 /srv/app",
  "60000000-60001000 r--p 00000000 fd:01 2 /usr/share/data.bin",
  "61000000-61001000 r-xp 00000000 00:05 3 /dev/zero",
  "7f0000000000-7f0000003000 r-xp 00000000 fd:01 4 /lib/x.so (deleted)",
  "7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0 [vdso]",
  "7fff00000000-7fff00002000 rwxp 00000000 00:00 0 [stack]",
].join("\n");

describe("files with code that only the mappings show are modules too", () => {
  test("the program, libraries and the kernel's own, with their whole extent", () => {
    const dump = linux()
      .linux("maps", MAPS)
      .memory({ start: 0x55550000n, bytes: elfPage({}) });
    expect(modules(dump)).toMatchObject([
      { codeFile: "/srv/app", name: "app", base: 0x55550000n, size: 0x5000, buildId: ID },
      { codeFile: "/lib/x.so", base: BASE, size: 0x3000, buildId: null },
      { codeFile: "linux-gate.so", base: 0x7ffc00000000n, size: 0x2000 },
    ]);
  });

  test("those that the list has stay as they are", () => {
    const dump = linux()
      .linux("maps", MAPS)
      .module({ base: BASE, size: 0x2000, name: "/lib/x.so", buildId: ID })
      .module({ base: 0x7ffc00000000n, size: 0x1000, name: "linux-gate.so" });
    expect(modules(dump).map(({ codeFile, size }) => [codeFile, size])).toEqual([
      ["/lib/x.so", 0x2000],
      ["linux-gate.so", 0x1000],
      ["/srv/app", 0x5000],
    ]);
  });

  test("a list that is damaged is replaced by them", () => {
    const dump = linux()
      .linux("maps", MAPS)
      .stream(4, Uint8Array.of(1, 0, 0, 0));
    expect(modules(dump)).toHaveLength(3);
  });
});

test("without mappings the dynamic linker's list shows modules, where memory tells their size", () => {
  const dump = linux()
    .dsoDebug({
      linkerBase: 0n,
      dynamic: 0n,
      objects: [
        { bias: 0n, path: "", dynamic: 0n },
        { bias: BASE, path: "/lib/x.so", dynamic: 0n },
        { bias: 2n * BASE, path: "/lib/unseen.so", dynamic: 0n },
      ],
    })
    .memory({ start: BASE, bytes: elfPage({}) });
  expect(modules(dump)).toMatchObject([
    { codeFile: "/lib/x.so", base: BASE, size: 0x3000, buildId: ID, debugId: DEBUG_ID },
  ]);
});
