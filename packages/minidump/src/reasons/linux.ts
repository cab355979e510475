/**
 * Linux and Android: a signal and its si_code (Linux, asm-generic/signal.h and siginfo.h, as of 6.12).
 * Not handled: the other numbers of MIPS, SPARC and Alpha.
 */
import type { Exception } from "../streams/exception.ts";
import { type CrashReason, hexCode, named, type Names } from "./reason.ts";

const SIGNALS: Names = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  10: "SIGUSR1",
  11: "SIGSEGV",
  12: "SIGUSR2",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  16: "SIGSTKFLT",
  17: "SIGCHLD",
  18: "SIGCONT",
  19: "SIGSTOP",
  20: "SIGTSTP",
  21: "SIGTTIN",
  22: "SIGTTOU",
  23: "SIGURG",
  24: "SIGXCPU",
  25: "SIGXFSZ",
  26: "SIGVTALRM",
  27: "SIGPROF",
  28: "SIGWINCH",
  29: "SIGIO",
  30: "SIGPWR",
  31: "SIGSYS",
  0xffffffff: "DUMP_REQUESTED", // Breakpad: nothing went wrong, somebody asked for a dump
};

/** Codes of any signal. */
const ANY: Names = {
  [0x80]: "SI_KERNEL",
  [0]: "SI_USER",
  [-1]: "SI_QUEUE",
  [-2]: "SI_TIMER",
  [-3]: "SI_MESGQ",
  [-4]: "SI_ASYNCIO",
  [-5]: "SI_SIGIO",
  [-6]: "SI_TKILL",
  [-7]: "SI_DETHREAD",
  [-60]: "SI_ASYNCNL",
};

/** The signals that the CPU causes, with their own codes. */
const FAULTS: Readonly<Record<string, Names>> = {
  SIGILL: {
    1: "ILL_ILLOPC",
    2: "ILL_ILLOPN",
    3: "ILL_ILLADR",
    4: "ILL_ILLTRP",
    5: "ILL_PRVOPC",
    6: "ILL_PRVREG",
    7: "ILL_COPROC",
    8: "ILL_BADSTK",
    9: "ILL_BADIADDR",
  },
  SIGFPE: {
    1: "FPE_INTDIV",
    2: "FPE_INTOVF",
    3: "FPE_FLTDIV",
    4: "FPE_FLTOVF",
    5: "FPE_FLTUND",
    6: "FPE_FLTRES",
    7: "FPE_FLTINV",
    8: "FPE_FLTSUB",
    14: "FPE_FLTUNK",
    15: "FPE_CONDTRAP",
  },
  SIGSEGV: {
    1: "SEGV_MAPERR",
    2: "SEGV_ACCERR",
    3: "SEGV_BNDERR",
    4: "SEGV_PKUERR",
    5: "SEGV_ACCADI",
    6: "SEGV_ADIDERR",
    7: "SEGV_ADIPERR",
    8: "SEGV_MTEAERR",
    9: "SEGV_MTESERR",
    10: "SEGV_CPERR",
  },
  SIGBUS: {
    1: "BUS_ADRALN",
    2: "BUS_ADRERR",
    3: "BUS_OBJERR",
    4: "BUS_MCEERR_AR",
    5: "BUS_MCEERR_AO",
  },
  SIGTRAP: {
    1: "TRAP_BRKPT",
    2: "TRAP_TRACE",
    3: "TRAP_BRANCH",
    4: "TRAP_HWBKPT",
    5: "TRAP_UNK",
    6: "TRAP_PERF",
  },
  SIGSYS: { 1: "SYS_SECCOMP", 2: "SYS_USER_DISPATCH" },
};

const SI_KERNEL = 0x80;

/**
 * The kernel fills si_addr for its own codes only; what a process sends has the sender's ids in its
 * place.
 */
function addressOf(signal: string, siCode: number): CrashReason["addressOf"] {
  if (FAULTS[signal] === undefined || siCode < 0 || siCode === SI_KERNEL) return null;
  return signal === "SIGSEGV" || signal === "SIGBUS" ? "access" : "instruction";
}

/**
 * Folklore: Breakpad did not record si_code at first and left 0, which is SI_USER. A fault never
 * has that code, so that a SIGSEGV of code 0 is either from such a writer or was sent by `kill`:
 * the code stays unknown. Sighting: linux_*.dmp among Breakpad's own test data. Test:
 * crash-reason.test.ts, "a fault without a code".
 */
export function linuxReason({ code, flags, address }: Exception): CrashReason {
  const reason = named(SIGNALS, code);
  const siCode = flags | 0;
  const own = FAULTS[reason];
  return {
    reason,
    code: own && siCode === 0 ? null : (own?.[siCode] ?? ANY[siCode] ?? hexCode(siCode)),
    address,
    addressOf: addressOf(reason, siCode),
  };
}
