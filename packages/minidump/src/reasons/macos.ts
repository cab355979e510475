/**
 * macOS and iOS: a Mach exception, its code and its subcode (XNU, osfmk/mach/exception_types.h,
 * kern_return.h, i386/exception.h, arm/exception.h, kern/exc_resource.h, kern/exc_guard.h). Not
 * handled: PowerPC.
 */
import type { Exception } from "../streams/exception.ts";
import { type CrashReason, hexCode, named, type Names } from "./reason.ts";

const EXCEPTIONS: Names = {
  1: "EXC_BAD_ACCESS",
  2: "EXC_BAD_INSTRUCTION",
  3: "EXC_ARITHMETIC",
  4: "EXC_EMULATION",
  5: "EXC_SOFTWARE",
  6: "EXC_BREAKPOINT",
  7: "EXC_SYSCALL",
  8: "EXC_MACH_SYSCALL",
  9: "EXC_RPC_ALERT",
  10: "EXC_CRASH",
  11: "EXC_RESOURCE",
  12: "EXC_GUARD",
  13: "EXC_CORPSE_NOTIFY",
  0x43507378: "SIMULATED", // Crashpad, "CPsx": DumpWithoutCrashing
  0x43506e78: "UNCAUGHT_NS_EXCEPTION", // Crashpad, "CPnx"
};

/** bsd/sys/signal.h, as far as Linux' numbers. */
const SIGNALS: Names = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGEMT",
  8: "SIGFPE",
  9: "SIGKILL",
  10: "SIGBUS",
  11: "SIGSEGV",
  12: "SIGSYS",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  24: "SIGXCPU",
  25: "SIGXFSZ",
};

/** Codes that mean the same on every CPU. */
const CODES: Readonly<Record<string, Names>> = {
  EXC_BAD_ACCESS: {
    1: "KERN_INVALID_ADDRESS",
    2: "KERN_PROTECTION_FAILURE",
    5: "KERN_FAILURE",
    8: "KERN_NO_ACCESS",
    9: "KERN_MEMORY_FAILURE",
    10: "KERN_MEMORY_ERROR",
    50: "KERN_CODESIGN_ERROR",
  },
  EXC_SOFTWARE: {
    0x10000: "SIGSYS", // EXC_UNIX_BAD_SYSCALL
    0x10001: "SIGPIPE", // EXC_UNIX_BAD_PIPE
    0x10002: "SIGABRT", // EXC_UNIX_ABORT
    0xdeadc0de: "UNCAUGHT_NS_EXCEPTION", // Breakpad
  },
};

const X86: Readonly<Record<string, Names>> = {
  EXC_BAD_ACCESS: { 13: "EXC_I386_GPFLT" },
  EXC_BAD_INSTRUCTION: {
    1: "EXC_I386_INVOP",
    10: "EXC_I386_INVTSSFLT",
    11: "EXC_I386_SEGNPFLT",
    12: "EXC_I386_STKFLT",
    13: "EXC_I386_GPFLT",
    17: "EXC_I386_ALIGNFLT",
  },
  EXC_ARITHMETIC: {
    1: "EXC_I386_DIV",
    2: "EXC_I386_INTO",
    3: "EXC_I386_NOEXT",
    4: "EXC_I386_EXTOVR",
    5: "EXC_I386_EXTERR",
    6: "EXC_I386_EMERR",
    7: "EXC_I386_BOUND",
    8: "EXC_I386_SSEEXTERR",
  },
  EXC_BREAKPOINT: { 1: "EXC_I386_SGL", 2: "EXC_I386_BPT" },
};

const ARM: Readonly<Record<string, Names>> = {
  EXC_BAD_ACCESS: {
    0x101: "EXC_ARM_DA_ALIGN",
    0x102: "EXC_ARM_DA_DEBUG",
    0x103: "EXC_ARM_SP_ALIGN",
    0x104: "EXC_ARM_SWP",
    0x105: "EXC_ARM_PAC_FAIL",
  },
  EXC_BAD_INSTRUCTION: { 1: "EXC_ARM_UNDEFINED" },
  EXC_ARITHMETIC: {
    0: "EXC_ARM_FP_UNDEFINED",
    1: "EXC_ARM_FP_IO",
    2: "EXC_ARM_FP_DZ",
    3: "EXC_ARM_FP_OF",
    4: "EXC_ARM_FP_UF",
    5: "EXC_ARM_FP_IX",
    6: "EXC_ARM_FP_ID",
  },
  EXC_BREAKPOINT: { 1: "EXC_ARM_BREAKPOINT", 0x101: "EXC_ARM_DA_ALIGN", 0x102: "EXC_ARM_DA_DEBUG" },
};

/** Of each CPU, its own codes. */
const CPU_CODES: Readonly<Record<string, typeof X86>> = {
  x86: X86,
  amd64: X86,
  arm: ARM,
  arm64: ARM,
};

/** Type of resource, and its flavors. */
const RESOURCES: Readonly<Record<number, { readonly type: string; readonly flavors: Names }>> = {
  1: {
    type: "RESOURCE_TYPE_CPU",
    flavors: { 1: "FLAVOR_CPU_MONITOR", 2: "FLAVOR_CPU_MONITOR_FATAL" },
  },
  2: { type: "RESOURCE_TYPE_WAKEUPS", flavors: { 1: "FLAVOR_WAKEUPS_MONITOR" } },
  3: { type: "RESOURCE_TYPE_MEMORY", flavors: { 1: "FLAVOR_HIGH_WATERMARK" } },
  4: {
    type: "RESOURCE_TYPE_IO",
    flavors: { 1: "FLAVOR_IO_PHYSICAL_WRITES", 2: "FLAVOR_IO_LOGICAL_WRITES" },
  },
  5: { type: "RESOURCE_TYPE_THREADS", flavors: { 1: "FLAVOR_THREADS_HIGH_WATERMARK" } },
};

const GUARDS: Names = {
  1: "GUARD_TYPE_MACH_PORT",
  2: "GUARD_TYPE_FD",
  3: "GUARD_TYPE_USER",
  4: "GUARD_TYPE_VN",
  5: "GUARD_TYPE_VIRT_MEMORY",
};

/** Whose address is of what; a general protection fault of x86 tells none. */
const ADDRESSES: Readonly<Record<string, CrashReason["addressOf"]>> = {
  EXC_BAD_ACCESS: "access",
  EXC_BAD_INSTRUCTION: "instruction",
  EXC_ARITHMETIC: "instruction",
  EXC_BREAKPOINT: "instruction",
};

const EXC_CRASH = 10;
const EXC_SOFT_SIGNAL = 0x10003;

/**
 * Of these the writer keeps the upper half of the 64-bit code: 3 bits of type, then 3 of flavor or
 * 29 of it.
 */
function packedCode(reason: string, code: number): string | undefined {
  const type = code >>> 29;
  if (reason === "EXC_RESOURCE") {
    const resource = RESOURCES[type];
    return resource && `${resource.type} / ${named(resource.flavors, (code >>> 26) & 7)}`;
  }
  if (reason !== "EXC_GUARD" || GUARDS[type] === undefined) return undefined;
  return `${GUARDS[type]} / ${hexCode(code & 0x1fffffff)}`;
}

/**
 * The signal behind an EXC_CRASH or EXC_SOFT_SIGNAL.
 *
 * Folklore: of an abort, macOS tells Crashpad EXC_CRASH with the signal in bits 24 to 31 of the
 * code and, where a real exception was before it, that in bits 20 to 23. Crashpad writes the
 * exception before it, which of an abort is 0, and keeps what it was told as parameters. Sighting:
 * simple-crashpad.dmp of rust-minidump. Test: crash-reason.test.ts, "EXC_CRASH".
 */
function signalOf({ code, flags, information }: Exception): string | undefined {
  const [told, toldCode = 0n, toldSubcode = 0n] = information;
  if (EXCEPTIONS[code] === "EXC_SOFTWARE" && flags === EXC_SOFT_SIGNAL) {
    return SIGNALS[Number(BigInt.asUintN(8, toldSubcode))];
  }
  return (code === 0 || code === EXC_CRASH) && told === BigInt(EXC_CRASH)
    ? SIGNALS[Number((toldCode >> 24n) & 0xffn)]
    : undefined;
}

export function macosReason(exception: Exception, cpu: string | null): CrashReason {
  const { code, flags, address } = exception;
  const signal = signalOf(exception);
  const reason = code === 0 && signal !== undefined ? "EXC_CRASH" : named(EXCEPTIONS, code);
  const own = CPU_CODES[cpu ?? ""]?.[reason]?.[flags];
  const number = flags === 0 ? null : hexCode(flags);
  return {
    reason,
    code: signal ?? CODES[reason]?.[flags] ?? own ?? packedCode(reason, flags) ?? number,
    address,
    addressOf: own === "EXC_I386_GPFLT" ? null : (ADDRESSES[reason] ?? null),
  };
}
