/** What a dump at the end of its text lacks: CPython would have gone on. */
import type { DumpAssembly } from "./dump-assembly.ts";
import { decodeUtf8 } from "./utf8.ts";

const MAX_QUOTED_CHARS = 120;

/** `blank`: a blank line is the last. Null when nothing says that the text was cut. */
export function whatIsMissing(dump: DumpAssembly, blank: boolean): string | null {
  if (dump.cut !== null) return `the text ends in ${quoted(dump.cut)}`;
  if (dump.hasCStack) return dump.cStackIsEmpty ? "the C stack is missing" : null;
  if (dump.hasModules) return null;
  if (dump.threadCount === 0) return missingThreads(dump, blank);
  return blank ? missingAfterThreads(dump) : null;
}

const quoted = (text: string): string =>
  JSON.stringify(decodeUtf8(text.length > MAX_QUOTED_CHARS ? text.slice(-MAX_QUOTED_CHARS) : text));

/**
 * A signal on a thread that has no Python state prints nothing after the blank line when only the
 * current thread is asked for; a fatal error may print a traceback instead of threads.
 */
function missingThreads({ kind, exception }: DumpAssembly, blank: boolean): string | null {
  if (exception?.includes("\n") === true) return null;
  const mayBeAll = blank && (kind === "signal" || kind === "windowsException");
  return mayBeAll ? null : "the text ends before the threads";
}

/** The main thread is listed last, and 3.14+ prints a C stack after a signal's threads. */
function missingAfterThreads(dump: DumpAssembly): string | null {
  if (dump.threadsTruncated) return null;
  if (dump.lastFrame?.name === "_bootstrap") return "the text ends between two threads";
  const hasCStack =
    dump.hasThreadNames && (dump.kind === "signal" || dump.kind === "windowsException");
  return hasCStack ? "the text ends before the C stack" : null;
}
