/**
 * What died, by every name it goes by: signals, Mach and Windows exceptions, faulthandler's words
 * (`Fatal Python error: Segmentation fault`), and the kinds of a report.
 *
 * `group` is the class that enters keys. One bug shows as SIGSEGV here and SIGBUS there, so both
 * are "memory"; `words` begin the title and enter no key.
 */
export interface KindRule {
  readonly group: string;
  readonly words: string;
  /** The processor does not know the instruction: a build for another one, whatever function. */
  readonly foreignBuild?: true;
}

const memory = (words: string): KindRule => ({ group: "memory", words });
const arithmetic = (words: string): KindRule => ({ group: "arith", words });
const trap = (words: string): KindRule => ({ group: "trap", words });
const illegal: KindRule = { ...trap("Illegal instruction"), foreignBuild: true };
const abort = (words: string): KindRule => ({ group: "abort", words });
const overflow: KindRule = { group: "stack-overflow", words: "Stack overflow" };
const hang: KindRule = { group: "hang", words: "Hang" };
export const fatalError: KindRule = { group: "fatal-python-error", words: "Fatal Python error" };
const assertion: KindRule = { group: "assert", words: "Assertion failed" };
const terminate: KindRule = { group: "terminate", words: "Terminate" };
const rustPanic: KindRule = { group: "rust-panic", words: "Rust panic" };
const heap: KindRule = { group: "heap-corruption", words: "Heap corruption" };

/** Keys are lower case, with one space for every run of spaces, `_` and `-`. */
export const kindRules: ReadonlyMap<string, KindRule> = new Map([
  ["sigsegv", memory("Segfault")],
  ["segmentation fault", memory("Segfault")],
  ["sigbus", memory("Bus error")],
  ["bus error", memory("Bus error")],
  ["exc bad access", memory("Bad access")],
  ["memory access", memory("Bad access")],
  ["null dereference", memory("Null dereference")],
  ["non canonical", memory("Bad access")],
  ["exception access violation", memory("Access violation")],
  ["access violation", memory("Access violation")],
  ["exception in page error", memory("Page error")],
  ["page error", memory("Page error")],
  ["exception guard page", memory("Guard page hit")],
  ["exception array bounds exceeded", memory("Array bounds exceeded")],
  ["exception datatype misalignment", memory("Misaligned access")],
  ["sigfpe", arithmetic("Arithmetic error")],
  ["floating point exception", arithmetic("Arithmetic error")],
  ["exc arithmetic", arithmetic("Arithmetic error")],
  ["arithmetic", arithmetic("Arithmetic error")],
  ["exception int divide by zero", arithmetic("Division by zero")],
  ["int divide by zero", arithmetic("Division by zero")],
  ["exception int overflow", arithmetic("Integer overflow")],
  ["integer overflow", arithmetic("Integer overflow")],
  ["exception flt divide by zero", arithmetic("Float division by zero")],
  ["float divide by zero", arithmetic("Float division by zero")],
  ["exception flt overflow", arithmetic("Float overflow")],
  ["float overflow", arithmetic("Float overflow")],
  ["exception flt invalid operation", arithmetic("Invalid float operation")],
  ["sigill", illegal],
  ["illegal instruction", illegal],
  ["exc bad instruction", illegal],
  ["exception illegal instruction", illegal],
  ["exception priv instruction", trap("Privileged instruction")],
  ["sigtrap", trap("Trap")],
  ["exc breakpoint", trap("Trap")],
  ["exception breakpoint", trap("Breakpoint")],
  ["sigabrt", abort("Abort")],
  ["sigiot", abort("Abort")],
  ["aborted", abort("Abort")],
  ["abort", abort("Abort")],
  ["exc crash", abort("Abort")],
  ["status fatal app exit", abort("Abort")],
  ["exception fatal app exit", abort("Abort")],
  ["status stack buffer overrun", abort("Abort")],
  ["exception stack buffer overrun", abort("Abort")],
  ["fast fail", abort("Abort")],
  ["exception stack overflow", overflow],
  ["stack overflow", overflow],
  ["recursionerror", overflow],
  ["timeout", hang],
  ["hang", hang],
  ["fatal", fatalError],
  ["fatal python error", fatalError],
  ["assert", assertion],
  ["assertion", assertion],
  ["terminate", terminate],
  ["rust panic", rustPanic],
  ["heap corruption", heap],
  ["status heap corruption", heap],
  ["exception heap corruption", heap],
  ["code 0xc0000005", memory("Access violation")],
  ["code 0xc0000006", memory("Page error")],
  ["code 0xc000001d", illegal],
  ["code 0x80000003", trap("Breakpoint")],
  ["code 0xc0000094", arithmetic("Division by zero")],
  ["code 0xc00000fd", overflow],
  ["code 0xc0000374", heap],
  ["code 0xc0000409", abort("Abort")],
  ["oom", { group: "oom", words: "Out of memory" }],
  ["dump", { group: "dump", words: "Snapshot" }],
  ["snapshot", { group: "dump", words: "Snapshot" }],
]);

/** Classes that are an abort with a known cause: coarse and link keys call all of them "abort". */
export const abortCauses: ReadonlySet<string> = new Set([
  "abort",
  "assert",
  "fatal-python-error",
  "heap-corruption",
  "rust-panic",
  "terminate",
]);

/**
 * Abort causes whose message tells one bug from another in the same function. An uncaught C++
 * exception and a Rust panic are worded by the runtime, and the words change with its version.
 */
export const keyedMessages: ReadonlySet<string> = new Set(["assert", "fatal-python-error"]);

/** Deaths of a bad access or a wild jump: what endless recursion, too, can look like. */
export const accessKinds: ReadonlySet<string> = new Set(["memory", "stack-overflow", "unknown"]);

/** Deaths that a process brought about by itself: frames of an abort may stand above the cause. */
export const deliberateKinds: ReadonlySet<string> = new Set(["abort", "trap", "unknown"]);

/**
 * What the words of an abort say about its cause; the first that fits decides. glibc malloc.c and
 * assert.c, libc++abi, Rust's default panic hook, CPython's debug allocator (obmalloc.c).
 */
export const causeOfMessage: readonly (readonly [RegExp, KindRule])[] = [
  [/stack overflow|overflowed its stack|maximum recursion depth/i, overflow],
  [/\bassert(?:ion)?\b[^\n]{0,1000}\bfailed\b|\bassertion failed\b|\bD?CHECK failed: /i, assertion],
  [/\bterminate called\b|\bterminating (?:with|due to) uncaught\b/i, terminate],
  [/\bpanicked at\b/i, rustPanic],
  [
    /double free|corrupted (?:size|double-linked|unsorted|top)|memory corruption|heap corruption|malloc(?:_consolidate)?\(\)|free\(\): |realloc\(\): |munmap_chunk\(\)|tcache_|bad (?:ID|leading pad byte|trailing pad byte)/i,
    heap,
  ],
];
