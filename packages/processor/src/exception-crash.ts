/**
 * A text that is the traceback of an exception which nobody caught, as sys.excepthook prints it and the reporter sends it: it
 * begins with one. (A log that holds tracebacks between its lines tells of no death.) Lines as Lib/traceback.py writes
 * them; of chained tracebacks the last is that of the exception that was not caught.
 */
import type { Dump } from "@faultline/faulthandler";
import type { TextCrash } from "./crashes.ts";
import { MAX_TRACEBACK_BYTES } from "./limits.ts";
import { raisedLine, raisingFrames, tracebackHeader } from "./python/traceback.ts";

/** Null when the text does not begin with a traceback, or that has no frames or names no exception. */
export function exceptionCrash(bytes: Uint8Array): TextCrash | null {
  const text = new TextDecoder().decode(bytes.subarray(0, MAX_TRACEBACK_BYTES)).trimStart();
  if (!text.startsWith(tracebackHeader)) return null;
  const frames = raisingFrames(text);
  const raised = raisedLine(text);
  if (frames.length === 0 || raised === null) return null;
  const span = [0, bytes.length] as const;
  const dump: Dump = {
    kind: "dump",
    message: null,
    func: null,
    runtimeState: null,
    timeout: null,
    timeoutSeconds: null,
    threads: [
      {
        current: true,
        ident: null,
        osName: null,
        anonymous: true,
        garbageCollecting: false,
        frames,
        framesTruncated: null,
        stop: null,
      },
    ],
    threadsTruncated: false,
    cStack: null,
    extensionModules: null,
    sameCrashAsPrevious: false,
    exceptionText: null,
    span,
    pythonVersionHint: null,
    gaps: [],
  };
  return { dump, secondSignal: null, raised, span, gaps: [] };
}
