/**
 * The report: everything worked out about one crash. Stored, served by the API and printed by the
 * command alike. Any field may be null, none may be missing. Addresses are hex strings ("0x…").
 *
 * Version 1. A change that a reader of old reports could trip over raises `REPORT_VERSION`.
 */
export const REPORT_VERSION = 1;

/** What ended the process, or what asked for the dump. */
export const reportKinds = [
  "signal",
  "fatal",
  "timeout",
  "windows-exception",
  "exception",
  "dump",
] as const;
export type ReportKind = (typeof reportKinds)[number];

/** How a frame was found, most trustworthy first. Shown beside the frame and weighed by grouping. */
export const foundBy = [
  "registers",
  "cfi",
  "frame-pointer",
  "scan",
  "inline",
  "memory",
  "faulthandler",
  "c-stack",
] as const;
export type FoundBy = (typeof foundBy)[number];

/** Something that could not be worked out, kept beside what it weakens. `code` is for programs. */
export interface Gap {
  readonly code: string;
  /** One sentence for a person: what is missing, its exact id, and what would mend it. */
  readonly detail: string;
}

/** Lines of source around a frame's line, without their line ends. */
export interface SourceContext {
  readonly before: readonly string[];
  readonly line: string;
  readonly after: readonly string[];
}

export interface PythonFrame {
  readonly language: "python";
  /** Dotted module name ("app.jobs"); null when no release file or well-known path tells it. */
  readonly module: string | null;
  /** `co_name`, as the interpreter printed it. */
  readonly function: string | null;
  /** `co_qualname`, from memory or a pyc map; null without either. */
  readonly qualname: string | null;
  readonly file: string | null;
  readonly line: number | null;
  readonly endLine: number | null;
  /** 0-based UTF-8 byte columns, as `co_positions()` counts; end exclusive. Null when more than one expression of the line could be meant. */
  readonly column: number | null;
  readonly endColumn: number | null;
  /** `co_firstlineno` of the code object: the definition (or its first decorator). */
  readonly definitionLine: number | null;
  /** Argument names in order, `*args` and `**kwargs` with their stars. */
  readonly arguments: readonly string[] | null;
  readonly inApp: boolean | null;
  readonly foundBy: FoundBy;
  /** "helper" for frames the interpreter pushes for itself; null for frames of somebody's code. */
  readonly role: string | null;
  readonly source: SourceContext | null;
}

export interface NativeFrame {
  readonly language: "native";
  readonly pc: string | null;
  readonly module: string | null;
  /** Module-relative address. */
  readonly offset: string | null;
  readonly function: string | null;
  readonly linkageName: string | null;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly inline: boolean;
  readonly foundBy: FoundBy;
  /**
   * "interpreter" (the eval loop, and what leads to it and from it into C), "start" (of the program
   * or a thread), "trampoline" (of a crash handler) when the frame is machinery; null when it is
   * somebody's code. The eval loop's activation stands behind the Python frames that it runs.
   */
  readonly role: string | null;
}

export type Frame = PythonFrame | NativeFrame;

export interface Thread {
  /** Operating system thread id, decimal. */
  readonly id: string | null;
  /** `threading.get_ident()`, hex; what faulthandler prints. */
  readonly ident: string | null;
  readonly name: string | null;
  readonly crashed: boolean;
  /**
   * How the Python and native stacks were laid over each other; "none" when only one side is
   * known, or nothing tells how they belong together (then the native one stands first).
   */
  readonly stitch: "exact" | "approximate" | "none";
  readonly garbageCollecting: boolean;
  /** Innermost first; inlined frames expanded. */
  readonly stack: readonly Frame[];
  /** True when older frames are missing or may be missing (the reason is in `gaps`). */
  readonly truncated: boolean;
  readonly gaps: readonly Gap[];
}

export interface Module {
  readonly name: string;
  readonly codeFile: string | null;
  readonly buildId: string | null;
  readonly debugId: string | null;
  readonly base: string | null;
  readonly size: number | null;
  readonly symbols: "found" | "missing" | "mismatched" | "corrupt" | "unused";
}

export interface PythonInfo {
  /** "3.12" or "3.12.1": as exact as the evidence allows. */
  readonly version: string | null;
  /** Where the version comes from: "memory", "metadata", "path", "grammar", "module". */
  readonly evidence: string | null;
}

/** What the dump tells of the process itself. */
export interface ProcessInfo {
  readonly id: number | null;
  /** Seconds from its start to its death. */
  readonly uptimeSeconds: number | null;
}

export interface Report {
  readonly version: typeof REPORT_VERSION;
  readonly kind: ReportKind;
  /** "SIGSEGV", "EXCEPTION_ACCESS_VIOLATION", …; null when nothing names one. */
  readonly reason: string | null;
  readonly code: string | null;
  readonly address: string | null;
  /** The fatal error's or assertion's own words. */
  readonly message: string | null;
  /** C function that raised the fatal error (`Fatal Python error: FUNC: MSG`). */
  readonly fatalFunction: string | null;
  /** `Python runtime state:` of a fatal error. */
  readonly runtimeState: string | null;
  /** The watchdog's limit in seconds, for kind "timeout". */
  readonly timeoutSeconds: number | null;
  readonly classification: Classification | null;
  readonly os: string | null;
  readonly cpu: string | null;
  /** Version and build of the system: "6.1.0", "10.0.19041". */
  readonly osVersion: string | null;
  readonly process: ProcessInfo | null;
  readonly python: PythonInfo | null;
  /** Registers of the thread that died, where it died, by name, as hex; null without a minidump. */
  readonly registers: Readonly<Record<string, string>> | null;
  /** What the program and its crash handler noted in the dump (Crashpad's annotations, an assertion's words). */
  readonly annotations: Readonly<Record<string, string>>;
  /** Index into `threads`; null when no thread can be blamed. */
  readonly crashingThread: number | null;
  readonly threads: readonly Thread[];
  readonly modules: readonly Module[];
  readonly extensionModules: readonly string[];
  readonly gaps: readonly Gap[];
  readonly grouping: Grouping | null;
}

export const classifications = [
  "null-dereference",
  "stack-overflow",
  "non-canonical",
  "guard-page",
  "write-to-read-only",
  "execute-data",
  "heap-corruption",
  "abort",
  "assertion",
  "fatal-python-error",
  "hang",
  "illegal-instruction",
  "arithmetic",
  "memory-access",
  "bus-error",
  "python-exception",
  "snapshot",
] as const;
export type Classification = (typeof classifications)[number];

/** Which list a frame's token went into, and why (or why not). One for every frame of the stack. */
export interface FrameGrouping {
  /** Index into the crashing thread's stack. */
  readonly index: number;
  readonly role: string;
  readonly token: string | null;
  readonly usedIn: readonly ("coarse" | "mid" | "fine" | "link")[];
  readonly reason: string;
}

/** What `faultline group` prints for one report: nested hashes, and every frame's part in them. */
export interface Grouping {
  /** Id of the algorithm, an entry of its append-only list. */
  readonly ruleset: string;
  readonly mode: "native" | "python" | "runtime" | "skipped" | "empty" | "overflow" | "victim";
  readonly confidence: "high" | "low";
  readonly coarse: string;
  readonly mid: string;
  readonly fine: string;
  /** Key over the Python anchor; null when there are no Python frames. */
  readonly link: string | null;
  /** The key the crash was filed under; equals `mid` unless it was attached by link. */
  readonly group: string;
  readonly title: string;
  readonly culprit: string | null;
  readonly frames: readonly FrameGrouping[];
}
