/** A dump that holds every stream which is read here, and everything that can be asked of one. */
import { stackAt, synthMinidump, type SynthOs } from "@faultline/testkit";
import {
  AssertionInfo,
  BreakpadInfo,
  CommentA,
  CommentW,
  CrashpadInfo,
  crashReason,
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
  MemoryList,
  type Minidump,
  MinidumpError,
  MiscInfo,
  ModuleList,
  modulesOf,
  openMinidump,
  type Stream,
  SystemInfo,
  ThreadInfoList,
  ThreadList,
  ThreadNames,
  UnloadedModuleList,
} from "../src/index.ts";

export const allStreams: readonly Stream<unknown>[] = [
  ThreadList,
  ThreadNames,
  ThreadInfoList,
  ModuleList,
  UnloadedModuleList,
  MemoryList,
  Memory64List,
  MemoryInfoList,
  Exception,
  SystemInfo,
  MiscInfo,
  HandleData,
  CommentA,
  CommentW,
  AssertionInfo,
  BreakpadInfo,
  CrashpadInfo,
  LinuxMaps,
  LinuxCpuInfo,
  LinuxProcStatus,
  LinuxLsbRelease,
  LinuxCmdLine,
  LinuxEnviron,
  LinuxAuxv,
  LinuxDsoDebug,
];

const MAPS = [
  "00400000-00401000 r--p 00000000 fd:01 1 /srv/app",
  "00401000-00402000 r-xp 00001000 fd:01 1 /srv/app",
  "7f000000-7f001000 r-xp 00000000 fd:01 2                  /lib/x.so (deleted)",
].join("\n");

/** x86 makes the smallest: every byte of it is cut off and changed in turn. */
export function wholeDump(endian: "little" | "big" = "little", os: SynthOs = "linux"): Uint8Array {
  return synthMinidump({ endian, timestamp: 1_700_000_000 })
    .systemInfo({ cpu: "x86", os, vendor: "GenuineIntel", description: "6.1", version: [6, 1, 9] })
    .thread({
      id: 7,
      name: "main",
      teb: 0x123n,
      registers: { eip: 0x401010n, esp: 0x7000n },
      stack: stackAt(0x7000n, endian).u32(0xdeadbeefn, 0x401020n),
    })
    .threadInfo({ id: 7, startAddress: 0x401000n })
    .module({ base: 0x400000n, size: 0x1000, name: "/srv/app", buildId: "c0ffee00c0ffee01" })
    .module({
      base: 0x500000n,
      size: 0x1000,
      name: "C:\\a.dll",
      timestamp: 9,
      pdb: { guid: "00112233445566778899aabbccddeeff", age: 2, file: "a.pdb" },
    })
    .unloadedModule({ base: 0x600000n, size: 0x1000, name: "old.dll", timestamp: 8 })
    .memory(stackAt(0x7008n, endian).u32(1n, 2n))
    .memory64(stackAt(0x7010n, endian).u32(3n), stackAt(0x7014n, endian).u32(4n))
    .memoryInfo({ start: 0x400000n, size: 0x1000n, protection: 0x20 })
    .exception({ threadId: 7, code: 11, flags: 1, address: 8n, information: [1n, 8n] })
    .miscInfo({ version: 2, processId: 42, createTime: 1_699_999_990 })
    .handle({ handle: 4n, type: "Event", object: "x" })
    .comment("said")
    .comment("so", true)
    .breakpadInfo(3, 6, 7)
    .crashpadInfo({
      reportId: "00112233-4455-6677-8899-aabbccddeeff",
      clientId: "ffeeddcc-bbaa-9988-7766-554433221100",
      annotations: { prod: "shop" },
      modules: [
        {
          moduleIndex: 0,
          list: ["abort"],
          simple: { a: "b" },
          objects: [
            { name: "s", type: 1, value: "text" },
            { name: "r", type: 0x8001, value: Uint8Array.of(1, 2) },
            { name: "n", type: 0, value: null },
          ],
        },
      ],
    })
    .linux("maps", MAPS)
    .linux("cpuinfo", "processor\t: 0\nmodel name\t: X\n\nprocessor\t: 1\n")
    .linux("status", "Name:\tpython3\nPid:\t42\n")
    .linux("lsbRelease", "ID=debian\nNAME=\"Debian 'x'\"\n")
    .linux("cmdline", "python3\0-m\0app\0")
    .linux("environ", "A=1\0B=x=y\0")
    .auxv([3, 0x400040n], [77, 5n])
    .dsoDebug({
      linkerBase: 0x7f00_0000n,
      dynamic: 0x403000n,
      objects: [{ bias: 0x7f00_0000n, path: "/lib/x.so", dynamic: 0x7f00_1000n }],
    })
    .assertion({ expression: "p != 0", function: "f", file: "f.c", line: 3, type: 1 })
    .finish();
}

function* questions(dump: Minidump): Generator<() => unknown> {
  for (const stream of allStreams) yield () => dump.stream(stream);
  yield () => dump.stream(ThreadList)?.map(({ context }) => dump.context(context));
  yield () => dump.context(dump.stream(Exception)?.context ?? { dataSize: 0, rva: 0 });
  yield () => crashReason(dump);
}

/** Codes of all refusals; throws whatever is thrown that is no MinidumpError which says where in the file. */
export function refusalsOf(bytes: Uint8Array): readonly string[] {
  const codes: string[] = [];
  const ask = (question: () => unknown): void => {
    try {
      question();
    } catch (error) {
      if (!(error instanceof MinidumpError) || !(error.offset >= 0)) throw error;
      codes.push(error.code);
    }
  };
  ask(() => {
    const dump = openMinidump(bytes);
    for (const question of questions(dump)) ask(question);
    const { memory } = dump;
    for (const address of [0x7000n, 0x7008n, 0x7012n, -1n]) {
      memory.read(address, 8);
      memory.bytes(address, 64);
      memory.regionAt(address);
    }
    modulesOf(dump);
    for (const piece of memory.piecesIn(0x7000n, 0x7018n)) void piece;
  });
  return codes;
}
