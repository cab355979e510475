/**
 * What kind of death a fault was, from the signal or exception, its address, the registers, the mappings and the functions on
 * the stack.
 *
 * Linux: arch/x86/mm/fault.c (a general protection fault tells no address: SI_KERNEL and 0), glibc malloc/malloc.c
 * (malloc_printerr) and assert/assert.c. Windows: ntstatus.h. macOS: mach/exception_types.h.
 */
import type { Classification, NativeFrame } from "@faultline/shared";
import type { Mapping, MemoryMaps } from "./maps.ts";

export interface Fault {
  readonly os: string | null;
  readonly cpu: string | null;
  /** "SIGSEGV", "EXCEPTION_ACCESS_VIOLATION_READ", "EXC_BAD_ACCESS". */
  readonly reason: string | null;
  readonly code: string | null;
  readonly address: bigint | null;
  /** Of the thread that died; null when its registers are not known. */
  readonly pc: bigint | null;
  readonly sp: bigint | null;
}

/** Addresses that no process maps by default (vm.mmap_min_addr, and the null partition of Windows). */
const NULL_BYTES = 0x1_0000n;
/**
 * A stack that grows over its end faults near the stack pointer: a push just below it, a large frame's probe further away.
 * Another stray access that near to it would have to hit unmapped memory beside the stack.
 */
const STACK_NEAR_BYTES = 0x1_0000n;
/** A region without permissions this small, beside one that has some, stands there to be hit. */
const MAX_GUARD_BYTES = 0x8000n;

const BAD_ACCESS = /^(?:SIGSEGV|EXC_BAD_ACCESS|EXCEPTION_ACCESS_VIOLATION.*)$/;
const ABORT = /^(?:SIGABRT|SIGABRT.*|EXC_CRASH)$/;

const byReason: readonly (readonly [RegExp, Classification])[] = [
  [/^EXCEPTION_STACK_OVERFLOW$/, "stack-overflow"],
  [/HEAP_CORRUPTION/, "heap-corruption"],
  [/ASSERTION_FAILURE/, "assertion"],
  [/STACK_BUFFER_OVERRUN|FAIL_FAST/, "abort"],
  [/^SIGBUS$|IN_PAGE_ERROR|DATATYPE_MISALIGNMENT/, "bus-error"],
  [/^SIGILL$|ILLEGAL_INSTRUCTION|PRIV_INSTRUCTION|^EXC_BAD_INSTRUCTION$/, "illegal-instruction"],
  [
    /^SIGFPE$|^EXC_ARITHMETIC$|_(?:DIVIDE_BY_ZERO|OVERFLOW|UNDERFLOW|INEXACT_RESULT|DENORMAL_OPERAND|INVALID_OPERATION)$/,
    "arithmetic",
  ],
  [ABORT, "abort"],
];

/** Functions by which the C library says that it found its heap damaged. */
const HEAP_CHECKS =
  /^(?:malloc_printerr|malloc_consolidate|_int_free.*|unlink_chunk.*|__malloc_assert|munmap_chunk|RtlReportCriticalFailure|RtlpReportHeapFailure|malloc_error_break|szone_error|_PyMem_DebugCheckAddress|_PyObject_DebugDumpAddress)$/;
const ASSERTIONS =
  /^(?:__assert(?:_fail|_fail_base|_perror_fail|_rtn)?|_assert|_wassert|_PyObject_AssertFailed)$/;
/** How far below the death such a function stands at most. */
const MAX_REPORTING_FRAMES = 16;

/** Null when nothing of it is known. `frames`: of the thread that died, innermost first. */
export function classifyFault(
  fault: Fault,
  maps: MemoryMaps,
  frames: readonly NativeFrame[],
): Classification | null {
  const { reason } = fault;
  if (reason === null) return null;
  if (BAD_ACCESS.test(reason)) return badAccess(fault, maps);
  const known = byReason.find(([pattern]) => pattern.test(reason))?.[1] ?? null;
  return known === "abort" ? abortKind(frames) : known;
}

function badAccess(fault: Fault, maps: MemoryMaps): Classification {
  const { address, pc, sp } = fault;
  if (isNonCanonical(fault)) return "non-canonical";
  if (address === null) return "memory-access";
  if (address < NULL_BYTES) return "null-dereference";
  const mapping = maps.at(address);
  if (address === pc) return isData(mapping, fault) ? "execute-data" : "memory-access";
  const isOpen = mapping !== null && (mapping.readable || mapping.writable);
  if (sp !== null && distance(address, sp) <= STACK_NEAR_BYTES && !isOpen) return "stack-overflow";
  if (mapping === null) return "memory-access";
  if (isGuard(maps, address)) return "guard-page";
  if (mapping.readable && !mapping.writable) return "write-to-read-only";
  return "memory-access";
}

/** Windows tells what was tried; elsewhere the mappings tell what could not be. */
const isData = (mapping: Mapping | null, { code }: Fault): boolean =>
  mapping?.executable === false || code === "EXCEPTION_ACCESS_VIOLATION_EXEC";

const distance = (one: bigint, other: bigint): bigint => (one > other ? one - other : other - one);

const isGuard = (maps: MemoryMaps, address: bigint): boolean => {
  const mapping = maps.at(address);
  if (mapping === null || mapping.readable || mapping.writable || mapping.executable) return false;
  return (
    mapping.end - mapping.start < MAX_GUARD_BYTES &&
    maps.neighbours(mapping).some(({ readable, writable }) => readable || writable)
  );
};

/** x86-64 only: arm64 ignores or authenticates the high bits, and its faults tell the address. */
function isNonCanonical({ os, cpu, code, address, reason }: Fault): boolean {
  if (cpu !== "amd64") return false;
  if (address !== null && address > 0x7fff_ffff_ffffn && address < 0xffff_8000_0000_0000n)
    return true;
  if (os === "windows") return address === 0xffff_ffff_ffff_ffffn;
  if (os === "macos") return code === "EXC_I386_GPFLT";
  return code === "SI_KERNEL" && (address ?? 0n) === 0n && reason === "SIGSEGV";
}

function abortKind(frames: readonly NativeFrame[]): Classification {
  for (const { function: name } of frames.slice(0, MAX_REPORTING_FRAMES)) {
    if (name === null) continue;
    if (HEAP_CHECKS.test(name)) return "heap-corruption";
    if (ASSERTIONS.test(name)) return "assertion";
  }
  return "abort";
}
