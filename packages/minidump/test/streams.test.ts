/** What each stream says, in either byte order. */
import { stackAt, type SynthMinidump, synthMinidump } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import {
  AssertionInfo,
  BreakpadInfo,
  CommentA,
  CommentW,
  CrashpadInfo,
  Exception,
  HandleData,
  LinuxAuxv,
  LinuxCmdLine,
  LinuxCpuInfo,
  LinuxDsoDebug,
  LinuxEnviron,
  LinuxLsbRelease,
  LinuxMaps,
  LinuxProcStatus,
  Memory64List,
  MemoryInfoList,
  MiscInfo,
  openMinidump,
  type Stream,
  SystemInfo,
  ThreadInfoList,
  ThreadList,
  ThreadNames,
  UnloadedModuleList,
} from "../src/index.ts";

const read = <T>(dump: SynthMinidump, stream: Stream<T>): T | undefined =>
  openMinidump(dump.finish()).stream(stream);

const system = { cpu: "amd64", os: "linux" } as const;

describe.each(["little", "big"] as const)("%s endian", (endian) => {
  const synth = (): SynthMinidump => synthMinidump({ endian }).systemInfo(system);

  test("SystemInfo", () => {
    const dump = synthMinidump({ endian }).systemInfo({
      cpu: "amd64",
      os: "linux",
      processors: 8,
      version: [6, 18, 44],
      description: "Linux 6.18 – x86_64",
      vendor: "GenuineIntel",
    });
    expect(read(dump, SystemInfo)).toEqual({
      os: "linux",
      cpu: "amd64",
      processorLevel: 6,
      processorRevision: 0x0a01,
      processors: 8,
      cpuVendor: "GenuineIntel",
      osVersion: "6.18.44",
      osDescription: "Linux 6.18 – x86_64",
    });
  });

  test("ThreadList and ThreadNames", () => {
    const dump = synth()
      .thread({ id: 7, name: "wörker", teb: 0x7f00n, stack: stackAt(0x7000n, endian).u64(1n) })
      .thread({ id: 8, name: "" })
      .thread({ id: 9 });
    expect(read(dump, ThreadList)).toMatchObject([
      { id: 7, teb: 0x7f00n, stack: { start: 0x7000n, location: { dataSize: 8 } } },
      { id: 8, stack: { start: 0n, location: { dataSize: 0 } } },
      { id: 9 },
    ]);
    expect(read(dump, ThreadNames)).toEqual(new Map([[7, "wörker"]]));
  });

  test("ThreadInfoList", () => {
    const dump = synth().threadInfo({ id: 7, startAddress: 0x401000n });
    expect(read(dump, ThreadInfoList)).toMatchObject([{ threadId: 7, startAddress: 0x401000n }]);
  });

  test("UnloadedModuleList", () => {
    const dump = synth()
      .unloadedModule({ base: 0x1000n, size: 0x2d000, name: "a.dll", timestamp: 0x45d35f6c })
      .unloadedModule({ base: 0x1000n, size: 0x10, name: "b.dll" });
    expect(read(dump, UnloadedModuleList)).toEqual([
      { name: "a.dll", base: 0x1000n, size: 0x2d000, codeId: "45D35F6C2d000" },
      { name: "b.dll", base: 0x1000n, size: 0x10, codeId: null },
    ]);
  });

  test("Memory64List: one after the other in the file", () => {
    const dump = synth().memory64(stackAt(16n, endian).u64(1n), stackAt(0x1000n, endian).u32(2n));
    const [first, second] = read(dump, Memory64List) ?? [];
    expect(first).toMatchObject({ start: 16n, dataSize: 8 });
    expect(second).toEqual({ start: 0x1000n, dataSize: 4, rva: (first?.rva ?? 0) + 8 });
  });

  test("MemoryInfoList", () => {
    const dump = synth()
      .memoryInfo({ start: 0n, size: 1n << 40n, state: 0x10000, type: 0, protection: 0 })
      .memoryInfo({ start: 0x1000n, size: 0x1000n, type: 0x1000000, protection: 0x20 })
      .memoryInfo({ start: 0x2000n, size: 0x1000n, protection: 0x104 })
      .memoryInfo({ start: 0x3000n, size: 0x1000n, state: 0x2000, protection: 4 });
    const no = { readable: false, writable: false, executable: false, guard: false };
    expect(read(dump, MemoryInfoList)).toMatchObject([
      { start: 0n, size: 1n << 40n, state: "free", type: null, ...no },
      { state: "commit", type: "image", ...no, readable: true, executable: true },
      { state: "commit", type: "private", ...no, readable: true, writable: true, guard: true },
      { state: "reserve", ...no, protection: 4 },
    ]);
  });

  test("Exception", () => {
    const dump = synth().exception({
      threadId: 7,
      code: 0xc0000005,
      flags: 1,
      address: 0x401000n,
      information: [1n, 0xffff_ffff_ffff_fff8n],
      registers: { rip: 0x401000n },
    });
    const exception = read(dump, Exception);
    expect(exception).toMatchObject({
      threadId: 7,
      code: 0xc0000005,
      flags: 1,
      address: 0x401000n,
      information: [1n, 0xffff_ffff_ffff_fff8n],
    });
    const { context } = exception ?? { context: { dataSize: 0, rva: 0 } };
    expect(openMinidump(dump.finish()).context(context)?.pc).toBe(0x401000n);
  });

  test("AssertionInfo, BreakpadInfo, comments", () => {
    const dump = synth()
      .assertion({ expression: "p != 0", function: "fö", file: "f.c", line: 3, type: 2 })
      .breakpadInfo(2, 6, 7)
      .comment("gesagt: ja")
      .comment("wöde", true);
    expect(read(dump, AssertionInfo)).toEqual({
      expression: "p != 0",
      function: "fö",
      file: "f.c",
      line: 3,
      type: "pure-virtual-call",
    });
    expect(read(dump, BreakpadInfo)).toEqual({ dumpThreadId: null, requestingThreadId: 7 });
    expect(read(dump, CommentA)).toBe("gesagt: ja");
    expect(read(dump, CommentW)).toBe("wöde");
  });

  test("HandleData", () => {
    const dump = synth()
      .handle({ handle: 4n, type: "File", object: "\\x" })
      .handle({ handle: 8n, type: "Event", object: "" });
    expect(read(dump, HandleData)).toMatchObject([
      { handle: 4n, type: "File", object: "\\x", grantedAccess: 0x1f0003 },
      { handle: 8n, type: "Event", object: "" },
    ]);
  });

  test("CrashpadInfo", () => {
    const dump = synth().crashpadInfo({
      reportId: "00112233-4455-6677-8899-aabbccddeeff",
      clientId: "00000000-0000-0000-0000-000000000000",
      annotations: { prod: "shöp", ver: "1" },
      modules: [
        { moduleIndex: 3, list: ["abort() called"] },
        {
          moduleIndex: 5,
          simple: { k: "v" },
          objects: [
            { name: "why", type: 1, value: "x < y" },
            { name: "raw", type: 0x8001, value: Uint8Array.of(1, 0, 2) },
            { name: "unset", type: 0, value: null },
          ],
        },
      ],
    });
    expect(read(dump, CrashpadInfo)).toEqual({
      version: 1,
      reportId: "00112233-4455-6677-8899-aabbccddeeff",
      clientId: null,
      annotations: new Map([
        ["prod", "shöp"],
        ["ver", "1"],
      ]),
      modules: [
        { moduleIndex: 3, list: ["abort() called"], simple: new Map(), objects: [] },
        {
          moduleIndex: 5,
          list: [],
          simple: new Map([["k", "v"]]),
          objects: [
            { name: "why", type: 1, value: "x < y" },
            { name: "raw", type: 0x8001, value: Uint8Array.of(1, 0, 2) },
            { name: "unset", type: 0, value: null },
          ],
        },
      ],
    });
  });

  test.each(["amd64", "arm"] as const)("LinuxAuxv and LinuxDsoDebug of %s", (cpu) => {
    const dump = synthMinidump({ endian })
      .systemInfo({ cpu, os: "linux" })
      .auxv([3, 0x400040n], [9999, 5n])
      .dsoDebug({
        linkerBase: 0x7000_0000n,
        dynamic: 0x403000n,
        objects: [
          { bias: 0n, path: "", dynamic: 0x403000n },
          { bias: 0x7100_0000n, path: "/lib/libc.so.6", dynamic: 0x7110_0000n },
        ],
      });
    expect(read(dump, LinuxAuxv)).toEqual(
      new Map([
        ["AT_PHDR", 0x400040n],
        ["AT_9999", 5n],
      ]),
    );
    expect(read(dump, LinuxDsoDebug)).toEqual({
      linkerBase: 0x7000_0000n,
      dynamic: 0x403000n,
      objects: [
        { bias: 0n, path: "", dynamic: 0x403000n },
        { bias: 0x7100_0000n, path: "/lib/libc.so.6", dynamic: 0x7110_0000n },
      ],
    });
  });

  const misc = {
    processId: 42,
    createTime: 1_700_000_000,
    userTime: 3,
    kernelTime: 1,
    maxMhz: 3500,
    integrityLevel: 0x2000,
    bias: -60,
    zone: "CET",
    build: "Linux 6.1",
    debugBuild: "writer 1.0",
    enabledFeatures: 7n,
    cookie: 99,
  };

  test.each([
    [1, { processId: 42, processCreateTime: 1_700_000_000, processorMaxMhz: null }],
    [2, { processorMaxMhz: 3500, timeZone: null }],
    [3, { timeZone: { bias: -60, standardName: "CET" }, buildString: null }],
    [4, { buildString: "Linux 6.1", debugBuildString: "writer 1.0", enabledFeatures: null }],
    [5, { processIntegrityLevel: 0x2000, enabledFeatures: 7n, processCookie: 99 }],
  ])("MiscInfo %i", (version, told) => {
    expect(read(synth().miscInfo({ version, ...misc }), MiscInfo)).toMatchObject(told);
  });

  test("MiscInfo tells only what its flags say was filled", () => {
    const info = read(synth().miscInfo({ version: 5, flags: 1, ...misc }), MiscInfo);
    expect(info).toMatchObject({
      processId: 42,
      processCreateTime: null,
      processorMaxMhz: null,
      processIntegrityLevel: null,
      timeZone: null,
      buildString: null,
      processCookie: null,
    });
  });
});

describe("texts of Linux", () => {
  const linux = <T>(
    file: Parameters<SynthMinidump["linux"]>[0],
    text: string,
    stream: Stream<T>,
  ): T | undefined => read(synthMinidump().linux(file, text), stream);

  test("maps", () => {
    const text = [
      "00400000-00401000 r-xp 00001000 fd:01 4711                       /srv/my app",
      "7ffc0000-7ffc2000 rw-p 00000000 00:00 0                          [stack]",
      "7f0000000000-7f0000001000 ---p 00000000 00:00 0 ",
      "7f0000002000-7f0000003000 r--s 00000000 fd:01 9  /lib/x.so (deleted)",
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]",
      "this is no mapping",
      "00402000-00401000 r-xp 00000000 fd:01 1 /ends/before/it/begins",
      "",
    ].join("\n");
    const named = { deleted: false, offset: 0n };
    expect(linux("maps", text, LinuxMaps)).toEqual([
      {
        ...named,
        start: 0x400000n,
        end: 0x401000n,
        permissions: "r-xp",
        offset: 0x1000n,
        path: "/srv/my app",
      },
      { ...named, start: 0x7ffc0000n, end: 0x7ffc2000n, permissions: "rw-p", path: "[stack]" },
      { ...named, start: 0x7f0000000000n, end: 0x7f0000001000n, permissions: "---p", path: null },
      {
        start: 0x7f0000002000n,
        end: 0x7f0000003000n,
        permissions: "r--s",
        offset: 0n,
        path: "/lib/x.so",
        deleted: true,
      },
      {
        ...named,
        start: 0xffffffffff600000n,
        end: 0xffffffffff601000n,
        permissions: "--xp",
        path: "[vsyscall]",
      },
    ]);
  });

  test("status, lsb-release, environ, cmdline, cpuinfo", () => {
    expect(linux("status", "Name:\tpython3\nUid:\t1\t2\nName:\tx\n\n", LinuxProcStatus)).toEqual(
      new Map([
        ["Name", "python3"],
        ["Uid", "1\t2"],
      ]),
    );
    expect(
      linux("lsbRelease", "ID=debian\nNAME=\"Debian 'x'\"\n# none\n", LinuxLsbRelease),
    ).toEqual(
      new Map([
        ["ID", "debian"],
        ["NAME", "Debian 'x'"],
      ]),
    );
    expect(linux("environ", "A=1\0B=x=y\0", LinuxEnviron)).toEqual(
      new Map([
        ["A", "1"],
        ["B", "x=y"],
      ]),
    );
    expect(linux("cmdline", "python3\0-c\0\0", LinuxCmdLine)).toEqual(["python3", "-c"]);
    expect(
      linux("cpuinfo", "processor\t: 0\nmodel name\t: X: Y\n\nprocessor\t: 1\n\n", LinuxCpuInfo),
    ).toEqual([
      new Map([
        ["processor", "0"],
        ["model name", "X: Y"],
      ]),
      new Map([["processor", "1"]]),
    ]);
  });
});
