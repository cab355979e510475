import {
  type SynthCpu,
  type SynthException,
  synthMinidump,
  type SynthOs,
} from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { crashReason, type CrashReason, openMinidump } from "../src/index.ts";

function reasonOf(
  os: SynthOs,
  exception: Omit<SynthException, "threadId">,
  cpu: SynthCpu = "amd64",
): CrashReason | undefined {
  const dump = synthMinidump()
    .systemInfo({ cpu, os })
    .exception({ threadId: 1, ...exception });
  return crashReason(openMinidump(dump.finish()));
}

const unsigned = (code: number): number => code >>> 0;

describe("Linux", () => {
  test.each([
    [11, 1, "SIGSEGV", "SEGV_MAPERR", "access"],
    [11, 2, "SIGSEGV", "SEGV_ACCERR", "access"],
    [11, 10, "SIGSEGV", "SEGV_CPERR", "access"],
    [11, 0x80, "SIGSEGV", "SI_KERNEL", null],
    [11, -6, "SIGSEGV", "SI_TKILL", null],
    [7, 2, "SIGBUS", "BUS_ADRERR", "access"],
    [4, 2, "SIGILL", "ILL_ILLOPN", "instruction"],
    [8, 1, "SIGFPE", "FPE_INTDIV", "instruction"],
    [5, 1, "SIGTRAP", "TRAP_BRKPT", "instruction"],
    [31, 1, "SIGSYS", "SYS_SECCOMP", "instruction"],
    [6, -6, "SIGABRT", "SI_TKILL", null],
    [6, 0, "SIGABRT", "SI_USER", null],
    [15, -1, "SIGTERM", "SI_QUEUE", null],
    [11, 99, "SIGSEGV", "0x00000063", "access"],
    [42, -2, "0x0000002a", "SI_TIMER", null],
    [0xffffffff, 0, "DUMP_REQUESTED", "SI_USER", null],
  ] as const)("signal %i, si_code %i", (code, siCode, reason, name, addressOf) => {
    const expected = { reason, code: name, addressOf, address: 0x45n };
    expect(reasonOf("linux", { code, flags: unsigned(siCode), address: 0x45n })).toEqual(expected);
    expect(reasonOf("android", { code, flags: unsigned(siCode), address: 0x45n })).toEqual(
      expected,
    );
  });

  test("a fault without a code", () => {
    expect(reasonOf("linux", { code: 11, address: 0x45n })).toEqual({
      reason: "SIGSEGV",
      code: null,
      address: 0x45n,
      addressOf: "access",
    });
  });
});

describe("Windows", () => {
  const AV = "EXCEPTION_ACCESS_VIOLATION";
  test.each([
    [0xc0000005, [0n, 0x10n], AV, `${AV}_READ`, 0x10n, "access"],
    [0xc0000005, [1n, 0x10n], AV, `${AV}_WRITE`, 0x10n, "access"],
    [0xc0000005, [8n, 0x10n], AV, `${AV}_EXEC`, 0x10n, "access"],
    [0xc0000005, [5n, 0x10n], AV, `${AV}_0x00000005`, 0x10n, "access"],
    [0xc0000005, [], AV, null, 0x401000n, "instruction"],
    [
      0xc0000006,
      [0n, 0x10n, 0xc000009cn],
      "EXCEPTION_IN_PAGE_ERROR",
      "EXCEPTION_IN_PAGE_ERROR_READ / STATUS_DEVICE_DATA_ERROR",
      0x10n,
      "access",
    ],
    [
      0xc0000409,
      [7n],
      "STATUS_STACK_BUFFER_OVERRUN",
      "FAST_FAIL_FATAL_APP_EXIT",
      0x401000n,
      "instruction",
    ],
    [0xc00000fd, [0n, 0x10n], "EXCEPTION_STACK_OVERFLOW", null, 0x401000n, "instruction"],
    [0xc0000374, [], "STATUS_HEAP_CORRUPTION", null, 0x401000n, "instruction"],
    [0xe06d7363, [1n, 2n], "CPP_EXCEPTION", null, 0x401000n, "instruction"],
    [0xdeadbeef, [], "0xdeadbeef", null, 0x401000n, "instruction"],
  ] as const)("0x%s with %s", (code, information, reason, name, address, addressOf) => {
    const exception = { code, information, address: 0x401000n };
    expect(reasonOf("windows", exception)).toEqual({ reason, code: name, address, addressOf });
  });
});

describe("macOS", () => {
  test.each([
    [1, 1, "amd64", "EXC_BAD_ACCESS", "KERN_INVALID_ADDRESS", "access"],
    [1, 2, "arm64", "EXC_BAD_ACCESS", "KERN_PROTECTION_FAILURE", "access"],
    [1, 13, "amd64", "EXC_BAD_ACCESS", "EXC_I386_GPFLT", null],
    [1, 13, "arm64", "EXC_BAD_ACCESS", "0x0000000d", "access"],
    [1, 0x105, "arm64", "EXC_BAD_ACCESS", "EXC_ARM_PAC_FAIL", "access"],
    [2, 1, "amd64", "EXC_BAD_INSTRUCTION", "EXC_I386_INVOP", "instruction"],
    [3, 1, "amd64", "EXC_ARITHMETIC", "EXC_I386_DIV", "instruction"],
    [5, 0x10002, "amd64", "EXC_SOFTWARE", "SIGABRT", null],
    [6, 1, "arm64", "EXC_BREAKPOINT", "EXC_ARM_BREAKPOINT", "instruction"],
    [11, 0x64000000, "amd64", "EXC_RESOURCE", "RESOURCE_TYPE_MEMORY / FLAVOR_HIGH_WATERMARK", null],
    [12, 0x40000002, "amd64", "EXC_GUARD", "GUARD_TYPE_FD / 0x00000002", null],
    [0x43507378, 0, "amd64", "SIMULATED", null, null],
    [99, 7, "amd64", "0x00000063", "0x00000007", null],
  ] as const)("exception %i, code %i of %s", (code, flags, cpu, reason, name, addressOf) => {
    expect(reasonOf("macos", { code, flags, address: 0x45n }, cpu)).toEqual({
      reason,
      code: name,
      address: 0x45n,
      addressOf,
    });
  });

  test("EXC_CRASH: the signal of an abort, whether or not the writer kept the exception", () => {
    const information = [10n, 0x600_0000n, 0n];
    const expected = { reason: "EXC_CRASH", code: "SIGABRT" };
    expect(reasonOf("macos", { code: 0, information })).toMatchObject(expected);
    expect(reasonOf("macos", { code: 10, information })).toMatchObject(expected);
  });

  test("an exception before EXC_CRASH is what it is", () => {
    const exception = { code: 1, flags: 1, address: 1n, information: [10n, 0xb10_0001n, 1n] };
    expect(reasonOf("ios", exception, "arm64")).toMatchObject({
      reason: "EXC_BAD_ACCESS",
      code: "KERN_INVALID_ADDRESS",
    });
  });

  test("EXC_SOFT_SIGNAL", () => {
    const exception = { code: 5, flags: 0x10003, information: [5n, 0x10003n, 11n] };
    expect(reasonOf("macos", exception)).toMatchObject({ reason: "EXC_SOFTWARE", code: "SIGSEGV" });
  });
});

test("32 bits: an address that was extended by its sign", () => {
  const exception = { code: 11, flags: 1, address: 0xffff_ffff_8000_0045n };
  expect(reasonOf("linux", exception, "x86")?.address).toBe(0x8000_0045n);
  expect(reasonOf("linux", exception, "amd64")?.address).toBe(0xffff_ffff_8000_0045n);
});

test("on a system without a table codes stay numbers", () => {
  const dump = synthMinidump()
    .systemInfo({ cpu: "amd64", os: "linux", platformId: 0x8206 })
    .exception({ threadId: 1, code: 0x101, flags: 2, address: 3n });
  expect(crashReason(openMinidump(dump.finish()))).toEqual({
    reason: "0x00000101",
    code: "0x00000002",
    address: 3n,
    addressOf: null,
  });
});

test("a dump without an exception has no reason", () => {
  expect(crashReason(openMinidump(synthMinidump().finish()))).toBeUndefined();
});
