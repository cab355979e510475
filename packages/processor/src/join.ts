/** Text and minidump of one process: which of the text's crashes the dump is of, which threads are the same, who is believed. */
import type { PythonInfo } from "@faultline/shared";
import type { TextCrash } from "./crashes.ts";
import { hexValue } from "./hex.ts";
import type { NativeCrash } from "./native/native-crash.ts";
import { joinThreads } from "./native-parts.ts";
import type { ReportParts } from "./parts.ts";
import { minorOf } from "./platform.ts";
import type { MemorySide } from "./stitch/memory-threads.ts";
import { sidesOf } from "./stitch/python-side.ts";
import type { TextParts } from "./text-parts.ts";

/**
 * Index of the crash that the dump is of, -1 when the text holds none: one that blames the thread that died, else the last
 * that is a death, since a process writes nothing after it; else the last.
 */
export function sameCrash(crashes: readonly TextCrash[], native: NativeCrash): number {
  const died = native.threads.find(({ crashed }) => crashed)?.ident ?? null;
  const blames = ({ dump }: TextCrash): boolean =>
    dump.threads.some(({ current, ident }) => current && hexValue(ident) === died);
  const current = died === null ? -1 : crashes.findLastIndex(blames);
  if (current >= 0) return current;
  const death = crashes.findLastIndex(
    ({ dump }) => dump.kind !== "dump" && dump.kind !== "timeout",
  );
  return death >= 0 ? death : crashes.length - 1;
}

/**
 * `text`: what the text tells, its frames reconciled with memory. `sides`: what memory adds, by
 * pthread_self().
 */
export function joinParts(
  { parts: text, waysInto }: TextParts,
  dump: ReportParts,
  native: NativeCrash,
  sides: ReadonlyMap<bigint, MemorySide>,
): ReportParts {
  const python = pythonOf(text, dump);
  const minor = native.python?.minor ?? minorOf(python);
  const blamed = text.threads[text.crashingThread ?? -1] ?? null;
  const threads = joinThreads(
    native,
    sidesOf(text.threads, { memory: sides, minor, waysInto }),
    blamed,
  );
  const isBlamed = threads.crashingThread !== null;
  return {
    ...dump,
    ...joinedCause(text, dump),
    ...threads,
    fatalFunction: text.fatalFunction,
    runtimeState: text.runtimeState,
    timeoutSeconds: text.timeoutSeconds,
    python,
    extensionModules: text.extensionModules,
    gaps: [
      ...text.gaps.filter(({ code }) => !(isBlamed && code === "thread-not-listed")),
      ...dump.gaps,
    ],
  };
}

/** What the process says itself, else the client, else what is told by the dump, else by the text. */
function pythonOf({ python }: ReportParts, dump: ReportParts): PythonInfo | null {
  if (dump.python?.evidence === "memory" || python?.evidence !== "metadata")
    return dump.python ?? python;
  return python;
}

/**
 * The dump knows signal, code and address exactly, and classifies by them. The text alone knows a fatal error's words and the
 * watchdog: a process that aborts itself after a fatal Python error died of that error.
 */
function joinedCause(
  text: ReportParts,
  native: ReportParts,
): Pick<ReportParts, "kind" | "reason" | "code" | "address" | "message" | "classification"> {
  const { kind, reason, code, address, message, classification } =
    native.kind === "dump" ? text : native;
  const told = { reason, code, address, message: text.message ?? message };
  return text.kind === "fatal"
    ? { ...told, kind: "fatal", classification: text.classification ?? classification }
    : { ...told, kind, classification };
}
