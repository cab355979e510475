/**
 * A dump as `faultline parse` prints it: a key is there when the text says something about it. Values
 * are what the words mean: the numeric code of a Windows exception, the number of a signal, the state
 * and thread state of the runtime apart.
 */
import {
  type CStackFrame,
  type Dump,
  exceptionLine,
  type TextFrame,
  type TextThread,
  tracebackFrames,
} from "@faultline/faulthandler";

type Json = Record<string, unknown>;

/** Codes of the exceptions that faulthandler prints by words (winnt.h). */
const windowsCodes: ReadonlyMap<string, string> = new Map([
  ["access violation", "0xc0000005"],
  ["page error", "0xc0000006"],
  ["float divide by zero", "0xc000008e"],
  ["float overflow", "0xc0000091"],
  ["int divide by zero", "0xc0000094"],
  ["integer overflow", "0xc0000095"],
  ["stack overflow", "0xc00000fd"],
]);

export function dumpJson(dump: Dump): Json {
  const has = (code: string): boolean => dump.gaps.some((gap) => gap.code === code);
  return {
    kind: dump.kind,
    ...cause(dump),
    ...(dump.runtimeState !== null && runtimeState(dump.runtimeState)),
    ...(dump.timeout !== null && { timeout: dump.timeout, timeoutSeconds: dump.timeoutSeconds }),
    ...(dump.exceptionText !== null && exception(dump.exceptionText)),
    threads: dump.threads.map(threadJson),
    ...(dump.threadsTruncated && { threadsTruncated: true }),
    ...(has("freed-thread-state") && { freedThreadState: true }),
    ...(has("gil-disabled") && { gilDisabled: true }),
    ...(dump.cStack !== null && cStack(dump.cStack)),
    ...(dump.extensionModules !== null && { extensionModules: dump.extensionModules }),
    ...(dump.sameCrashAsPrevious && { sameCrashAsPrevious: true }),
    ...(has("incomplete") && { incomplete: true }),
    pythonVersionHint: dump.pythonVersionHint,
    gaps: dump.gaps,
  };
}

function cause({ kind, message, func }: Dump): Json {
  if (message === null) return {};
  if (kind === "windowsException") {
    const code = windowsCode(message);
    return { message, ...(code !== null && { code }) };
  }
  if (kind === "signal" && /^\d+$/.test(message)) return { message: null, signum: Number(message) };
  return { ...(func !== null && { func }), message };
}

/** 3.6.0 prints `code c06d007f`, later versions `code 0xc06d007f`. */
function windowsCode(message: string): string | null {
  const digits = /^code (?:0x)?([0-9a-f]{1,16})$/.exec(message)?.[1];
  return digits === undefined
    ? (windowsCodes.get(message) ?? null)
    : `0x${digits.padStart(8, "0")}`;
}

function runtimeState(printed: string): Json {
  const [, state, tstate] = /^(.*) \(tstate=(0x[0-9a-f]+)\)$/.exec(printed) ?? [];
  return tstate === undefined
    ? { runtimeState: printed }
    : { runtimeState: state, runtimeTstate: tstate };
}

function exception(text: string): Json {
  const frames = tracebackFrames(text);
  return {
    exceptionLine: exceptionLine(text),
    ...(frames.length > 0 && { pythonTraceback: frames }),
  };
}

function threadJson(thread: TextThread): Json {
  const { current, ident, osName, osNameRaw, framesTruncated, stop } = thread;
  return {
    current,
    ...(ident !== null && { ident }),
    ...(osName !== null && { osName }),
    ...(osNameRaw !== undefined && { osNameRaw }),
    ...(thread.anonymous && { anonymous: true }),
    ...(thread.garbageCollecting && { garbageCollecting: true }),
    frames: thread.frames.map(frameJson),
    ...(framesTruncated !== null && { framesTruncated }),
    ...(stop !== null && { stop }),
    ...(stop === "no Python frame" && { noPythonFrame: true }),
  };
}

/** A string that CPython cut is printed raw with its "...". */
function frameJson(frame: TextFrame): Json {
  const { fileRaw, nameRaw, fileTruncated, nameTruncated } = frame;
  return {
    ...frame,
    ...(fileTruncated && { fileRaw: `${fileRaw ?? frame.file}...` }),
    ...(nameTruncated && { nameRaw: `${nameRaw ?? frame.name}...` }),
  };
}

function cStack({ frames, truncated, unavailable }: NonNullable<Dump["cStack"]>): Json {
  return {
    cStack: frames.map(cFrameJson),
    ...(truncated && { cStackTruncated: true }),
    ...(unavailable !== null && { cStackUnavailable: unavailable }),
  };
}

function cFrameJson({ file, symbol, offset, address }: CStackFrame): Json {
  return {
    file,
    ...(symbol !== null && { symbol }),
    ...(offset !== null && { offset: offsetNumber(offset) }),
    address,
  };
}

/** Offsets within a file are numbers; one that no file can have stays hex. */
function offsetNumber(hex: string): number | string {
  const value = hex.startsWith("-") ? -Number(hex.slice(1)) : Number(hex);
  return Number.isSafeInteger(value) ? value : hex;
}
