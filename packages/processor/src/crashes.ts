/**
 * Dumps of a text → crashes.
 *
 * CPython 3.14+ prints two dumps for one fatal error on a thread without a thread state: the fatal
 * block, then "Fatal Python error: Aborted" with the same threads and the C stack. The parser marks
 * the second one; here they become one crash, its words from the first and its C stack from the second.
 */
import { type Dump, exceptionLine } from "@faultline/faulthandler";
import type { Gap } from "@faultline/shared";
import { gap } from "./gaps.ts";
import { MAX_CRASHES_PER_TEXT } from "./limits.ts";
import { raisingFrames } from "./python/traceback.ts";

/** One crash as the text tells it. */
export interface TextCrash {
  readonly dump: Dump;
  /** The signal's words when a second dump of the crash named one ("Aborted"). */
  readonly secondSignal: string | null;
  /** The exception's own line when the text is the traceback of one that nobody caught. */
  readonly raised: string | null;
  readonly span: readonly [number, number];
  readonly gaps: readonly Gap[];
}

/** Crashes in text order; at most MAX_CRASHES_PER_TEXT, the rest counted in a gap of the last. */
export function crashesOf(dumps: readonly Dump[]): TextCrash[] {
  const crashes: TextCrash[] = [];
  let left = 0;
  for (const dump of dumps) {
    const previous = crashes.at(-1);
    if (left === 0 && previous !== undefined && belongsTo(previous.dump, dump)) {
      crashes[crashes.length - 1] = merge(previous, dump);
    } else if (crashes.length < MAX_CRASHES_PER_TEXT) {
      crashes.push({
        dump,
        secondSignal: null,
        raised: null,
        span: dump.span,
        gaps: dump.gaps,
      });
    } else left++;
  }
  if (left > 0) crashes.push(withCut(crashes.pop()!, left));
  return crashes.map(withException);
}

/**
 * A C stack that stands alone is what `faulthandler.dump_c_stack()` prints, or the end of a dump
 * that foreign lines tore off. After a dump that could have had one it is taken for its end.
 */
function belongsTo(previous: Dump, dump: Dump): boolean {
  if (dump.sameCrashAsPrevious) return true;
  if (dump.kind !== "cstack" || previous.cStack !== null) return false;
  if (previous.kind === "signal") return true;
  return previous.kind === "dump" && previous.span[1] === dump.span[0];
}

function merge(crash: TextCrash, second: Dump): TextCrash {
  const first = crash.dump;
  const apart = second.kind === "cstack" && !second.sameCrashAsPrevious;
  const joined = apart && first.span[1] !== second.span[0];
  return {
    dump: {
      ...first,
      threads: first.threads.length > 0 ? first.threads : second.threads,
      threadsTruncated: first.threadsTruncated || second.threadsTruncated,
      cStack: first.cStack ?? second.cStack,
      extensionModules: first.extensionModules ?? second.extensionModules,
      pythonVersionHint: second.pythonVersionHint ?? first.pythonVersionHint,
      span: [first.span[0], Math.max(first.span[1], second.span[1])],
    },
    secondSignal: second.kind === "signal" ? second.message : crash.secondSignal,
    raised: crash.raised,
    span: [crash.span[0], Math.max(crash.span[1], second.span[1])],
    gaps: [...crash.gaps, ...second.gaps, ...(joined ? [joinedGap(first, second)] : [])],
  };
}

function joinedGap(first: Dump, second: Dump): Gap {
  const between = second.span[0] - first.span[1];
  return gap(
    "c-stack-joined",
    `The C stack at byte ${second.span[0]} stands ${between} bytes after its dump; it is taken for the same crash.`,
  );
}

/**
 * A Python exception that was set when a fatal error was raised. When it has a traceback, CPython
 * prints that instead of the threads: it is then the only stack there is.
 */
function withException(crash: TextCrash): TextCrash {
  const { dump } = crash;
  if (dump.exceptionText === null) return crash;
  const words = `A Python exception was pending: ${exceptionLine(dump.exceptionText)}.`;
  const frames = dump.threads.length === 0 ? raisingFrames(dump.exceptionText) : [];
  const printed =
    frames.length > 0
      ? "Its traceback stands for the threads, which CPython did not print: it shows where the exception was raised."
      : "CPython printed no traceback for it.";
  const gaps = [...crash.gaps, gap("pending-exception", `${words} ${printed}`)];
  if (frames.length === 0) return { ...crash, gaps };
  const thread = {
    current: true,
    ident: null,
    osName: null,
    anonymous: true,
    garbageCollecting: false,
    frames,
    framesTruncated: null,
    stop: null,
  };
  return { ...crash, dump: { ...dump, threads: [thread] }, gaps };
}

function withCut(crash: TextCrash, left: number): TextCrash {
  const detail = `${left} more dumps of this text are not read (limit ${MAX_CRASHES_PER_TEXT} crashes a text).`;
  return { ...crash, gaps: [...crash.gaps, gap("crashes-cut", detail)] };
}
