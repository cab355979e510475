/** Real dumps, against what those who wrote or read them before say of them. */
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import {
  CrashpadInfo,
  crashReason,
  Exception,
  LinuxAuxv,
  LinuxMaps,
  LinuxProcStatus,
  type Minidump,
  ModuleList,
  modulesOf,
  openMinidump,
  ThreadList,
  ThreadNames,
} from "../src/index.ts";
import { refusalsOf } from "./whole-dump.ts";

/** Said in the names of what is skipped. */
const skipped = corpus === null ? ` (skipped: ${corpusSkipReason})` : "";

const files = corpus === null ? [] : globSync("**/*.dmp", { cwd: corpus }).toSorted();

const bytesOf = (path: string): Uint8Array => readFileSync(join(corpus ?? "", path));

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** What gdb, the kernel and the program itself say of a crash of the Python corpus. */
interface Expected {
  readonly arch: string;
  readonly signal: number;
  readonly si_code: number;
  readonly fault_address: string;
  readonly crash_tid: number;
  readonly pid?: number;
  readonly crash_reason_breakpad?: string;
  readonly registers?: Readonly<Record<string, string>>;
  readonly threads?: readonly {
    readonly tid: number;
    readonly name: string;
    readonly ident: string;
    readonly rip: string;
    readonly rsp: string;
  }[];
}

interface ExpectedModule {
  readonly name: string;
  readonly base: string;
  readonly size: number;
  readonly build_id: string;
  readonly code_id?: string;
  readonly debug_id?: string;
}

const json = (path: string): unknown => JSON.parse(readFileSync(join(corpus ?? "", path), "utf8"));

/** The registers with which the thread of the exception crashed. */
function crashed(dump: Minidump) {
  const exception = dump.stream(Exception);
  return exception && dump.context(exception.context);
}

const python = files.filter((path) => path.startsWith("minidump-python/"));

describe.skipIf(corpus === null)(`dumps of Python${skipped}`, () => {
  describe.each(python)("%s", (path) => {
    const dump = openMinidump(bytesOf(path));
    const expected = json(join(dirname(path), "expected.json")) as Expected;

    test("why it died", () => {
      const exception = dump.stream(Exception);
      expect(exception?.code).toBe(expected.signal);
      expect((exception?.flags ?? 0) | 0).toBe(expected.si_code);
      expect(exception?.threadId).toBe(expected.crash_tid);
      const reason = crashReason(dump);
      expect(hex(reason?.address ?? -1n)).toBe(expected.fault_address);
    });

    test("and as Breakpad says it", () => {
      const reason = crashReason(dump);
      const [signal, code] = expected.crash_reason_breakpad?.split("/") ?? [];
      expect(signal?.trim() ?? reason?.reason).toBe(reason?.reason);
      const hasName = code?.includes("_") ?? false; // it has none for SI_KERNEL
      expect(hasName ? code?.trim() : reason?.code).toBe(reason?.code);
    });

    test("its threads: ids, names, thread pointers, registers, stacks", () => {
      const threads = dump.stream(ThreadList) ?? [];
      const names = dump.stream(ThreadNames);
      for (const { tid, name, ident, rip, rsp } of expected.threads ?? []) {
        const thread = threads.find(({ id }) => id === tid);
        const context = thread && dump.context(thread.context);
        expect([names?.get(tid), hex(thread?.teb ?? -1n)]).toEqual([name, ident]);
        expect([hex(context?.pc ?? -1n), hex(context?.sp ?? -1n)]).toEqual([rip, rsp]);
      }
    });

    test("its stacks are in memory", () => {
      const bytes = bytesOf(path);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      for (const { stack } of dump.stream(ThreadList) ?? []) {
        const { dataSize, rva } = stack.location;
        const [first, last] = [stack.start, stack.start + BigInt(dataSize - 8)];
        expect(dump.memory.read(first, 8)).toBe(view.getBigUint64(rva, true));
        expect(dump.memory.read(last, 8)).toBe(view.getBigUint64(rva + dataSize - 8, true));
      }
    });

    test("the registers of the thread that crashed", () => {
      const ours: Record<string, string> = { x29: "fp", x30: "lr", pstate: "cpsr" };
      const told = Object.entries(expected.registers ?? {}).map(([name, value]) => [
        ours[name] ?? name,
        BigInt(value),
      ]);
      expect(crashed(dump)?.named).toMatchObject(Object.fromEntries(told) as object);
      expect(crashed(dump)?.cpu).toBe(expected.arch === "aarch64" ? "arm64" : "amd64");
    });

    test("its modules", () => {
      const told = json(join(dirname(path), "modules.json")) as readonly ExpectedModule[];
      const found = dump.stream(ModuleList)?.map((module) => ({
        name: module.codeFile,
        base: hex(module.base),
        size: module.size,
        build_id: module.buildId,
        code_id: module.codeId,
        debug_id: module.debugId,
      }));
      expect(found).toHaveLength(told.length);
      expect(found).toMatchObject(told);
      expect(modulesOf(dump)).toEqual(dump.stream(ModuleList));
    });

    test("its process", () => {
      const { pid } = expected;
      const status = dump.stream(LinuxProcStatus)?.get("Pid");
      expect(status).toBe(pid === undefined ? status : `${pid}`);
      const entry = dump.stream(LinuxAuxv)?.get("AT_PHDR") ?? 0n;
      const program = dump.stream(ModuleList)?.[0];
      const mapped = dump
        .stream(LinuxMaps)
        ?.find(({ start, end }) => start <= entry && entry < end);
      expect(mapped?.path).toBe(program?.codeFile);
    });
  });
});

const peers = "public/rust-minidump__rust-minidump";
const snapshots = join(peers, "minidump-stackwalk/tests/snapshots/test_minidump_stackwalk");

/** As far as it tells what is in a dump. */
interface Snapshot {
  readonly crash_info: { readonly address: string; readonly type: string };
  readonly crashing_thread: {
    readonly thread_id?: number;
    readonly frames: readonly { readonly registers?: Readonly<Record<string, string>> }[];
  };
  readonly modules: readonly {
    readonly base_addr: string;
    readonly end_addr: string;
    readonly code_id: string;
    readonly debug_id: string;
    readonly debug_file: string;
    readonly filename: string;
    readonly version: string | null;
  }[];
  readonly system_info: {
    readonly os: string;
    readonly cpu_arch: string;
    readonly cpu_count: number;
  };
}

/** The snapshot's own header ends with the second line of dashes. */
const snapshot = (name: string): Snapshot =>
  JSON.parse(
    readFileSync(join(corpus ?? "", `${snapshots}__${name}.snap`), "utf8").split(/^---$/m)[2] ?? "",
  ) as Snapshot;

describe.skipIf(corpus === null)(`as a peer reads them${skipped}`, () => {
  describe.each([
    ["test.dmp", "json-pretty"],
    ["linux-mini.dmp", "linux_json_pretty"],
  ])("%s", (name, expectedName) => {
    const dump = openMinidump(bytesOf(join(peers, "testdata", name)));
    const expected = snapshot(expectedName);

    test("crash", () => {
      const reason = crashReason(dump);
      expect(reason?.code ?? reason?.reason).toBe(expected.crash_info.type);
      expect(reason?.address).toBe(BigInt(expected.crash_info.address));
      const registers = expected.crashing_thread.frames[0]?.registers ?? {};
      const values = Object.entries(registers).map(([register, value]) => [
        register,
        BigInt(value),
      ]);
      expect(crashed(dump)?.named).toMatchObject(Object.fromEntries(values) as object);
    });

    test("modules", () => {
      const described = expected.modules
        .toSorted((a, b) => Number(BigInt(a.base_addr) - BigInt(b.base_addr)))
        .map((module) => [
          BigInt(module.base_addr),
          BigInt(module.end_addr),
          module.code_id.toLowerCase(),
          module.debug_id,
          module.filename,
        ]);
      const found = dump
        .stream(ModuleList)
        ?.toSorted((a, b) => Number(a.base - b.base))
        .map((module) => [
          module.base,
          module.base + BigInt(module.size),
          module.codeId?.toLowerCase(),
          module.debugId,
          module.name,
        ]);
      expect(found).toEqual(described);
    });
  });
});

const sentry = "public/getsentry__symbolicator";

/** Of a snapshot in YAML: why the process died, and the registers of the first thread with a register. */
function yaml(name: string): { readonly reason: string | undefined; readonly registers: object } {
  const folder = "crates/symbolicator-native/tests/integration/snapshots";
  const file = `integration__process_minidump__minidump_${name}.snap`;
  const text = readFileSync(join(corpus ?? "", sentry, folder, file), "utf8");
  const block = /registers:\n((?:\s+\w+: "0x[0-9a-f]+"\n)+)/.exec(text)?.[1] ?? "";
  const pairs = [...block.matchAll(/(\w+): "(0x[0-9a-f]+)"/g)];
  return {
    reason: /^crash_reason: (.*)$/m.exec(text)?.[1],
    registers: Object.fromEntries(
      pairs.map(([, register, value]) => [register, BigInt(value ?? 0)]),
    ),
  };
}

describe.skipIf(corpus === null)(`as another peer reads them${skipped}`, () => {
  test.each([
    ["linux", "linux"],
    ["macos", "macos"],
    ["windows", "windows"],
    ["macos-no-fp", "macos_broken_cfi"],
  ])("%s", (name, expectedName) => {
    const dump = openMinidump(bytesOf(join(sentry, `tests/fixtures/${name}.dmp`)));
    const { reason, registers } = yaml(expectedName);
    expect(Object.keys(registers).length).toBeGreaterThan(8);
    expect(crashed(dump)?.named).toMatchObject(registers);
    const found = crashReason(dump);
    const codes = dump.platform.os === "windows" ? [found?.code] : [found?.reason, found?.code];
    const told = [...codes.filter((code) => code !== null), hex(found?.address ?? -1n)].join(" / ");
    expect(told).toBe(reason ?? told);
  });
});

const breakpad = "public/google__breakpad/src/processor/testdata";

describe.skipIf(corpus === null)(`every public dump${skipped}`, () => {
  /** Breakpad's microdumps are text; in the other one somebody moved a stream without telling its list. */
  const refused: Record<string, readonly string[]> = {
    "linux_executable_stack.dmp": ["limit"],
  };

  test.each(files)("%s", (path) => {
    const name = basename(path);
    const expected = name.startsWith("microdump") ? ["bad-signature"] : (refused[name] ?? []);
    expect(refusalsOf(bytesOf(path))).toEqual(expected);
  });

  test.each(["tiny-exe-with-cet-xsave.dmp", "tiny-exe-with-cet-xsave-x86.dmp"])(
    "contexts that XSAVE extends: %s",
    (name) => {
      const dump = openMinidump(bytesOf(join(breakpad, name)));
      for (const { context } of dump.stream(ThreadList) ?? []) {
        const { pc = 0n, sp = 0n } = dump.context(context) ?? {};
        const holds = modulesOf(dump).filter(
          ({ base, size }) => base <= pc && pc < base + BigInt(size),
        );
        expect(holds).toHaveLength(1);
        expect(dump.memory.read(sp, 4)).toBeDefined();
      }
    },
  );

  test("annotations of Crashpad", () => {
    const dump = openMinidump(bytesOf(join(breakpad, "minidump_crashpad_annotation.dmp")));
    const info = dump.stream(CrashpadInfo);
    expect(info?.annotations.get("prod")).toBe("xcuitest");
    expect(info?.modules[0]?.objects.find(({ name }) => name === "exceptionName")?.value).toBe(
      "NSRangeException",
    );
  });
});
