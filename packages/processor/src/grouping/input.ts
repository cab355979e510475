/**
 * What grouping reads of a report, and how it bears with less: every field may be missing or of a
 * wrong type, for `faultline group` takes reports from anywhere.
 */
import { MAX_MESSAGE_CHARS, MAX_NAME_CHARS, MAX_PATH_CHARS } from "./limits.ts";

/**
 * A report, or as much of one as there is. `Report` of @faultline/shared fits. A field that is
 * missing, or not what a report would hold there, counts as null.
 */
export interface GroupInput {
  readonly kind?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly classification?: unknown;
  /** Index into `threads`. Missing: the thread marked `crashed`, else the first. */
  readonly crashingThread?: unknown;
  readonly threads?: unknown;
}

/** The one stack that is grouped, and what is known of the death. */
export interface Crash {
  readonly kind: string | null;
  readonly reason: string | null;
  readonly message: string | null;
  readonly classification: string | null;
  readonly garbageCollecting: boolean;
  /** The whole stack, nearest the crash first. */
  readonly stack: readonly unknown[];
}

/** A frame's fields that grouping looks at, of either language. */
export interface CrashFrame {
  readonly language: "python" | "native";
  readonly module: string | null;
  readonly function: string | null;
  readonly file: string | null;
  readonly inApp: boolean | null;
  readonly role: string | null;
  /** Module-relative address of a native frame; never part of a key. */
  readonly offset: string | null;
  readonly inline: boolean;
  /** Found by a stack scan. */
  readonly scanned: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;

const textOf = (value: unknown, limit: number): string | null => {
  if (typeof value !== "string" || value === "") return null;
  return value.length > limit ? value.slice(0, limit) : value;
};

/** Chooses the crashing thread and checks the rest of `input`. Never throws. */
export function readCrash(input: GroupInput): Crash {
  const fields = fieldsOf(input) ?? {};
  const kind = textOf(fields["kind"], MAX_NAME_CHARS);
  const thread = crashingThread(fields, kind);
  const stack = thread?.["stack"];
  return {
    kind,
    reason: textOf(fields["reason"], MAX_NAME_CHARS),
    message: textOf(fields["message"], MAX_MESSAGE_CHARS),
    classification: textOf(fields["classification"], MAX_NAME_CHARS),
    garbageCollecting: thread?.["garbageCollecting"] === true,
    stack: Array.isArray(stack) ? stack : [],
  };
}

/** Fields of one frame of a stack, whatever stands there. */
export function readFrame(value: unknown): CrashFrame {
  const fields = fieldsOf(value) ?? {};
  const file = fields["file"];
  const module = textOf(fields["module"], MAX_PATH_CHARS);
  const qualified = textOf(fields["qualname"], MAX_PATH_CHARS);
  return {
    language: languageOf(fields, module),
    module,
    function:
      textOf(fields["function"], MAX_PATH_CHARS) ??
      qualified ??
      textOf(fields["linkageName"], MAX_PATH_CHARS),
    file: typeof file === "string" && file !== "" ? file.slice(-MAX_PATH_CHARS) : null,
    inApp: typeof fields["inApp"] === "boolean" ? fields["inApp"] : null,
    role: textOf(fields["role"], MAX_NAME_CHARS),
    offset: textOf(fields["offset"], MAX_NAME_CHARS),
    inline: fields["inline"] === true || fields["foundBy"] === "inline",
    scanned: fields["foundBy"] === "scan",
  };
}

const objectFile = /\.(?:so(?:\.[\d.]+)?|dll|dylib|exe|pyd)$/i;

function languageOf(fields: Fields, module: string | null): "python" | "native" {
  const language = fields["language"];
  if (language === "python" || language === "native") return language;
  const native =
    typeof fields["pc"] === "string" ||
    typeof fields["linkageName"] === "string" ||
    (module !== null && objectFile.test(module));
  return native ? "native" : "python";
}

/** Kinds of dumps that no thread asked for: the main thread is the one to look at. */
const withoutCulprit = new Set(["timeout", "hang", "dump"]);

function crashingThread(fields: Fields, kind: string | null): Fields | null {
  const threads = fields["threads"];
  if (!Array.isArray(threads)) return null;
  const index = fields["crashingThread"];
  if (typeof index === "number") return fieldsOf(threads[index]);
  const crashed: unknown = threads.find((thread) => fieldsOf(thread)?.["crashed"] === true);
  if (crashed !== undefined) return fieldsOf(crashed);
  if (kind !== null && withoutCulprit.has(kind)) return mainThread(threads);
  return index === null ? null : fieldsOf(threads[0]);
}

/**
 * faulthandler prints the main thread last. A thread that `threading` started ends in
 * `_bootstrap`; the main thread does not.
 */
function mainThread(threads: readonly unknown[]): Fields | null {
  const main = threads.findLast((thread) => {
    const stack = fieldsOf(thread)?.["stack"];
    const outermost: unknown = Array.isArray(stack) ? stack.at(-1) : undefined;
    return outermost !== undefined && fieldsOf(outermost)?.["function"] !== "_bootstrap";
  });
  return fieldsOf(main ?? threads.at(-1));
}
