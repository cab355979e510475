/** What a faulthandler text says, as data. Shapes shared by the parser and everything above it. */

export type DumpKind = "signal" | "fatal" | "timeout" | "dump" | "cstack" | "windowsException";

export interface TextFrame {
  /** Unescaped for display; null for `???`. */
  readonly file: string | null;
  /** Null for `???`. */
  readonly line: number | null;
  readonly name: string | null;
  /** The text as printed, without CPython's "..." mark; present only when it differs from `file` / `name`. */
  readonly fileRaw?: string;
  readonly nameRaw?: string;
  /** CPython cut the string to 500 code points. */
  readonly fileTruncated?: true;
  readonly nameTruncated?: true;
  /** The hidden `__init__` frame of CPython 3.13+: not somebody's code. */
  readonly helper?: true;
  /** The line was torn by another writer and could be mended only in part. */
  readonly damaged?: true;
}

export interface TextThread {
  /** False for `Thread`, true for `Current thread`; the anonymous `Stack` form counts as current. */
  readonly current: boolean;
  /** Hex as printed, "0x…"; null in the anonymous form. */
  readonly ident: string | null;
  /** The operating system's thread name (3.14+). */
  readonly osName: string | null;
  /** As printed; present only when it differs from `osName` (Windows escapes it). */
  readonly osNameRaw?: string;
  /** The `Stack (most recent call first):` form, which names no thread. */
  readonly anonymous: boolean;
  readonly garbageCollecting: boolean;
  readonly frames: readonly TextFrame[];
  /** "marked": the text says frames are missing; "possible": the list stops where CPython stops silently. */
  readonly framesTruncated: "marked" | "possible" | null;
  /** A stop line's words: "no Python frame", "tstate is freed", "freed thread state", "freed frame", "invalid frame". */
  readonly stop: string | null;
}

export interface CStackFrame {
  /** Null for `<unknown>`. */
  readonly file: string | null;
  readonly symbol: string | null;
  /** Hex with sign ("0x1f", "-0x4"): from the symbol when there is one, else module-relative; null when not printed. */
  readonly offset: string | null;
  readonly address: string | null;
}

export interface CStack {
  readonly frames: readonly CStackFrame[];
  readonly truncated: boolean;
  /** "system returned no stack trace" or "cannot get C stack on this system". */
  readonly unavailable: string | null;
}

export interface DumpGap {
  readonly code: string;
  readonly detail: string;
}

export interface Dump {
  readonly kind: DumpKind;
  /**
   * What followed the header's fixed words: "Segmentation fault", "access violation", the fatal message; the
   * number alone for "Fatal Python error from unexpected signum: 29".
   */
  readonly message: string | null;
  /** C function of `Fatal Python error: FUNC: MSG`. */
  readonly func: string | null;
  /** "initialized", "finalizing (tstate=0x…)", … */
  readonly runtimeState: string | null;
  /** As printed, "0:00:02.500000". */
  readonly timeout: string | null;
  readonly timeoutSeconds: number | null;
  readonly threads: readonly TextThread[];
  readonly threadsTruncated: boolean;
  readonly cStack: CStack | null;
  readonly extensionModules: { readonly names: readonly string[]; readonly total: number } | null;
  /** A second dump that CPython prints for the crash of the one before (3.14+). */
  readonly sameCrashAsPrevious: boolean;
  /** Python exception text printed between a fatal error's header and its threads. */
  readonly exceptionText: string | null;
  /** Where in the text the dump lies, in bytes of the input: [start, end). */
  readonly span: readonly [number, number];
  /** What the text alone tells of the interpreter's version ("3.14+", "3.8-3.9", "3.12"), null when nothing. */
  readonly pythonVersionHint: string | null;
  readonly gaps: readonly DumpGap[];
}
