import { describe, expect, test } from "vitest";
import type { NativeFrame } from "@faultline/shared";
import { classifyFault, type Fault } from "../../src/native/fault.ts";
import { type Mapping, MemoryMaps } from "../../src/native/maps.ts";

const segfault: Fault = {
  os: "linux",
  cpu: "amd64",
  reason: "SIGSEGV",
  code: "SEGV_MAPERR",
  address: 0x7f00_1234_5678n,
  pc: 0x40_1000n,
  sp: 0x7ffc_0000_8000n,
};

const mapping = (start: bigint, end: bigint, permissions: string): Mapping => ({
  start,
  end,
  readable: permissions.includes("r"),
  writable: permissions.includes("w"),
  executable: permissions.includes("x"),
  name: null,
});

const maps = new MemoryMaps([
  mapping(0x40_0000n, 0x50_0000n, "r-x"),
  mapping(0x60_0000n, 0x61_0000n, "rw-"),
  mapping(0x61_0000n, 0x61_1000n, "---"),
  mapping(0x61_1000n, 0x62_0000n, "rw-"),
  mapping(0x70_0000n, 0x70_1000n, "r--"),
  mapping(0x7ffc_0000_0000n, 0x7ffc_0002_0000n, "rw-"),
]);

const classify = (more: Partial<Fault>, frames: readonly NativeFrame[] = []) =>
  classifyFault({ ...segfault, ...more }, maps, frames);

test.each([
  ["address 0", { address: 0n }, "null-dereference"],
  ["an offset from null", { address: 0xff8n }, "null-dereference"],
  ["a jump to null", { address: 0n, pc: 0n }, "null-dereference"],
  [
    "a push below the stack",
    { sp: 0x7ffb_ffff_fff8n, address: 0x7ffb_ffff_fff0n },
    "stack-overflow",
  ],
  ["an access in the stack itself", { address: 0x7ffc_0000_9000n }, "memory-access"],
  [
    "a jump into data, near the stack pointer",
    { address: 0x7ffc_0000_8100n, pc: 0x7ffc_0000_8100n },
    "execute-data",
  ],
  ["a jump to nowhere", { address: 0x1234_0000n, pc: 0x1234_0000n }, "memory-access"],
  [
    "a write to what may only be read",
    { code: "SEGV_ACCERR", address: 0x70_0008n },
    "write-to-read-only",
  ],
  ["a guard page", { code: "SEGV_ACCERR", address: 0x61_0010n }, "guard-page"],
  ["no address, by the kernel's word", { code: "SI_KERNEL", address: null }, "non-canonical"],
  ["the same on arm64", { cpu: "arm64", code: "SI_KERNEL", address: null }, "memory-access"],
  ["an address that no CPU takes", { address: 0x4141_4141_4141_4141n }, "non-canonical"],
  [
    "Windows' word for it",
    {
      os: "windows",
      reason: "EXCEPTION_ACCESS_VIOLATION",
      code: "EXCEPTION_ACCESS_VIOLATION_READ",
      address: 2n ** 64n - 1n,
    },
    "non-canonical",
  ],
  ["unmapped memory", {}, "memory-access"],
  ["a bus error", { reason: "SIGBUS" }, "bus-error"],
  ["an illegal instruction", { reason: "SIGILL" }, "illegal-instruction"],
  ["a division by zero", { reason: "SIGFPE" }, "arithmetic"],
  ["a division by zero on Windows", { reason: "EXCEPTION_INT_DIVIDE_BY_ZERO" }, "arithmetic"],
  ["a stack overflow on Windows", { reason: "EXCEPTION_STACK_OVERFLOW" }, "stack-overflow"],
  ["heap corruption on Windows", { reason: "STATUS_HEAP_CORRUPTION" }, "heap-corruption"],
  ["a signal that says nothing more", { reason: "SIGSYS" }, null],
  ["no reason", { reason: null }, null],
] as const)("%s", (_, more, wanted) => {
  expect(classify(more)).toBe(wanted);
});

const frame = (name: string): NativeFrame => ({
  language: "native",
  pc: null,
  module: "libc.so.6",
  offset: null,
  function: name,
  linkageName: name,
  file: null,
  line: null,
  column: null,
  inline: false,
  foundBy: "cfi",
  role: null,
});

describe("an abort by", () => {
  const abort = ["__pthread_kill_implementation", "raise", "abort"];
  test.each([
    ["nobody in particular", [...abort, "app_check"], "abort"],
    ["assert()", [...abort, "__assert_fail_base", "__assert_fail", "app_check"], "assertion"],
    ["malloc", [...abort, "__libc_message", "malloc_printerr", "_int_free"], "heap-corruption"],
    [
      "something, in a program that asserted long before",
      [...abort, ...Array<string>(20).fill("f"), "__assert_fail"],
      "abort",
    ],
  ] as const)("%s", (_, names, wanted) => {
    expect(classify({ reason: "SIGABRT", code: "SI_TKILL" }, names.map(frame))).toBe(wanted);
  });
});
