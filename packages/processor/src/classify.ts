/**
 * What a dump's words say about the death: kind, reason by name, classification.
 *
 * Modules/faulthandler.c (the signal table, faulthandler_exc_handler for Windows); winnt.h and
 * ntstatus.h for the codes of Windows exceptions. A text holds no fault address, so nothing here
 * tells a null dereference from another bad access.
 */
import type { DumpKind, TextFrame, TextThread } from "@faultline/faulthandler";
import type { Classification, Gap, NativeFrame, ReportKind } from "@faultline/shared";
import type { TextCrash } from "./crashes.ts";
import { gap } from "./gaps.ts";

/** What ended the process, as far as the text says. */
export interface Cause {
  readonly kind: ReportKind;
  readonly reason: string | null;
  /** Hex code of a Windows exception. */
  readonly code: string | null;
  /** The fatal error's own words; null when `reason` says it all. */
  readonly message: string | null;
  readonly classification: Classification | null;
}

const kinds: Readonly<Record<DumpKind, ReportKind>> = {
  signal: "signal",
  fatal: "fatal",
  timeout: "timeout",
  windowsException: "windows-exception",
  dump: "dump",
  cstack: "dump",
};

const signals: ReadonlyMap<string, readonly [string, Classification]> = new Map([
  ["Segmentation fault", ["SIGSEGV", "memory-access"]],
  ["Aborted", ["SIGABRT", "abort"]],
  ["Bus error", ["SIGBUS", "bus-error"]],
  ["Illegal instruction", ["SIGILL", "illegal-instruction"]],
  ["Floating point exception", ["SIGFPE", "arithmetic"]],
  ["Floating-point exception", ["SIGFPE", "arithmetic"]],
]);

/** Numbers that mean the same signal on every POSIX system that CPython runs on. */
const signalNumbers: ReadonlyMap<number, string> = new Map([
  [1, "SIGHUP"],
  [2, "SIGINT"],
  [3, "SIGQUIT"],
  [4, "SIGILL"],
  [5, "SIGTRAP"],
  [6, "SIGABRT"],
  [8, "SIGFPE"],
  [9, "SIGKILL"],
  [11, "SIGSEGV"],
  [13, "SIGPIPE"],
  [14, "SIGALRM"],
  [15, "SIGTERM"],
]);

/** Codes of the exceptions that faulthandler prints by words instead of by number. */
const windowsWords: ReadonlyMap<string, number> = new Map([
  ["access violation", 0xc0000005],
  ["page error", 0xc0000006],
  ["float divide by zero", 0xc000008e],
  ["float overflow", 0xc0000091],
  ["int divide by zero", 0xc0000094],
  ["integer overflow", 0xc0000095],
  ["stack overflow", 0xc00000fd],
]);

const windowsCodes: ReadonlyMap<number, readonly [string, Classification | null]> = new Map<
  number,
  readonly [string, Classification | null]
>([
  [0x80000002, ["EXCEPTION_DATATYPE_MISALIGNMENT", "bus-error"]],
  [0x80000003, ["EXCEPTION_BREAKPOINT", null]],
  [0xc0000005, ["EXCEPTION_ACCESS_VIOLATION", "memory-access"]],
  [0xc0000006, ["EXCEPTION_IN_PAGE_ERROR", "bus-error"]],
  [0xc000001d, ["EXCEPTION_ILLEGAL_INSTRUCTION", "illegal-instruction"]],
  [0xc0000025, ["EXCEPTION_NONCONTINUABLE_EXCEPTION", null]],
  [0xc000008c, ["EXCEPTION_ARRAY_BOUNDS_EXCEEDED", "memory-access"]],
  [0xc000008d, ["EXCEPTION_FLT_DENORMAL_OPERAND", "arithmetic"]],
  [0xc000008e, ["EXCEPTION_FLT_DIVIDE_BY_ZERO", "arithmetic"]],
  [0xc000008f, ["EXCEPTION_FLT_INEXACT_RESULT", "arithmetic"]],
  [0xc0000090, ["EXCEPTION_FLT_INVALID_OPERATION", "arithmetic"]],
  [0xc0000091, ["EXCEPTION_FLT_OVERFLOW", "arithmetic"]],
  [0xc0000092, ["EXCEPTION_FLT_STACK_CHECK", "arithmetic"]],
  [0xc0000093, ["EXCEPTION_FLT_UNDERFLOW", "arithmetic"]],
  [0xc0000094, ["EXCEPTION_INT_DIVIDE_BY_ZERO", "arithmetic"]],
  [0xc0000095, ["EXCEPTION_INT_OVERFLOW", "arithmetic"]],
  [0xc0000096, ["EXCEPTION_PRIV_INSTRUCTION", "illegal-instruction"]],
  [0xc00000fd, ["EXCEPTION_STACK_OVERFLOW", "stack-overflow"]],
  [0xc0000374, ["STATUS_HEAP_CORRUPTION", "heap-corruption"]],
  [0xc0000409, ["STATUS_STACK_BUFFER_OVERRUN", "abort"]],
  [0xc0000420, ["STATUS_ASSERTION_FAILURE", "assertion"]],
]);

export function causeOf(crash: TextCrash): Cause {
  const { dump, secondSignal } = crash;
  if (crash.raised !== null) return raisedCause(crash.raised);
  const none = { kind: kinds[dump.kind], reason: null, code: null, message: null };
  switch (dump.kind) {
    case "signal":
      return signalCause(dump.message);
    case "windowsException":
      return windowsCause(dump.message);
    case "fatal": {
      const reason = secondSignal === null ? null : signalCause(secondSignal).reason;
      const classification = fatalClassification(dump.func, dump.message);
      return { ...none, reason, message: dump.message, classification };
    }
    case "timeout":
      return { ...none, classification: "hang" };
    case "dump":
    case "cstack":
      return { ...none, classification: "snapshot" };
  }
}

/** "ValueError: bad row" → the exception's type, and its words. */
function raisedCause(line: string): Cause {
  const [, reason = null, words = null] = /^([\w.]+)(?:: (.*))?$/s.exec(line) ?? [];
  const told = { kind: "exception", code: null, classification: "python-exception" } as const;
  return { ...told, reason, message: reason === null ? line : words };
}

function signalCause(words: string | null): Cause {
  const known = signals.get(words ?? "");
  const none = { kind: "signal", code: null, message: null } as const;
  if (known !== undefined) return { ...none, reason: known[0], classification: known[1] };
  // "Fatal Python error from unexpected signum: N" (3.11+)
  const number = /(\d{1,3})$/.exec(words ?? "")?.[1];
  if (number === undefined) return { ...none, reason: null, message: words, classification: null };
  const reason = signalNumbers.get(Number(number)) ?? `signal ${number}`;
  const classification = [...signals.values()].find(([name]) => name === reason)?.[1] ?? null;
  return { ...none, reason, classification };
}

function windowsCause(words: string | null): Cause {
  // "code 0x%08x"; 3.6.0 prints it without the 0x
  const hex = /^code (?:0x)?([0-9a-f]{1,8})$/i.exec(words ?? "")?.[1];
  const code = hex === undefined ? windowsWords.get(words ?? "") : Number.parseInt(hex, 16);
  const none = { kind: "windows-exception" } as const;
  if (code === undefined) {
    return { ...none, reason: null, code: null, message: words, classification: null };
  }
  const [reason, classification] = windowsCodes.get(code) ?? [null, null];
  return { ...none, reason, code: hexCode(code), message: null, classification };
}

const hexCode = (code: number): string => `0x${code.toString(16).padStart(8, "0")}`;

/**
 * "Cannot recover from stack overflow." (≤ 3.11) and "Unrecoverable stack overflow" (3.14+) are
 * CPython's own recursion checks; "bad leading/trailing pad byte" and "bad ID" are those of its
 * debug allocator (Objects/obmalloc.c), which stand where a write past a block was noticed.
 */
function fatalClassification(func: string | null, message: string | null): Classification {
  const words = message ?? "";
  if (/\bstack overflow\b/i.test(words)) return "stack-overflow";
  if (/^bad (?:leading|trailing) pad byte|^bad ID: /.test(words)) return "heap-corruption";
  if (func === "_PyObject_AssertFailed" || words === "_PyObject_AssertFailed") return "assertion";
  return "fatal-python-error";
}

/** What raises a signal on purpose: the fault is then not in memory. */
const raising = /^(?:gsignal|raise|abort|kill|tgkill|pthread_kill|__pthread_kill.*)$/;

/**
 * A text holds neither the fault address nor the stack's bounds, so a stack overflow shows only as a
 * bad access under a list of frames that is cut and filled by one repeating block. That is strong
 * but not certain, so the gap says what it rests on. A C stack that ends in raise() speaks against it.
 */
export function inferOverflow(
  cause: Cause,
  thread: TextThread,
  native: readonly NativeFrame[],
): { cause: Cause; gaps: readonly Gap[] } {
  const isBadAccess = cause.classification === "memory-access" || cause.reason === "SIGBUS";
  if (!isBadAccess || thread.framesTruncated === null) return { cause, gaps: [] };
  const died = native.filter(({ role }) => role !== "trampoline").slice(0, 4);
  if (died.some((frame) => raising.test(frame.function ?? ""))) return { cause, gaps: [] };
  const block = repeatingBlock(thread.frames);
  if (block.length === 0) return { cause, gaps: [] };
  const names = block.map(({ name }) => name ?? "???").join(", ");
  const detail = `Read as a stack overflow because nearly all of the ${thread.frames.length} frames repeat ${names} and older ones are cut off; the text holds no address that would prove it.`;
  return {
    cause: { ...cause, classification: "stack-overflow" },
    gaps: [gap("stack-overflow-inferred", detail)],
  };
}

/** Longest block of calls that is looked for. */
const MAX_PERIOD = 8;

/** Frames that the repetition must hold: CPython prints 100, and what the last level called may differ. */
const MIN_REPEATING_FRAMES = 90;

/** The block of functions that fills a stack of about a hundred frames; empty when there is none. */
function repeatingBlock(frames: readonly TextFrame[]): readonly TextFrame[] {
  for (let period = 1; period <= MAX_PERIOD; period++) {
    let repeated = period;
    for (let at = period; at < frames.length; at++) {
      repeated = isSameFunction(frames[at]!, frames[at - period]!) ? repeated + 1 : period;
      if (repeated >= MIN_REPEATING_FRAMES) return frames.slice(at - period + 1, at + 1);
    }
  }
  return [];
}

const isSameFunction = (left: TextFrame, right: TextFrame): boolean =>
  left.name === right.name && left.file === right.file;
