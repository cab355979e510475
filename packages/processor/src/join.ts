/** Text and minidump of one process: which of the text's crashes the dump is of, which threads are the same, who is believed. */
import type { Thread } from "@faultline/shared";
import type { TextCrash } from "./crashes.ts";
import { hexValue } from "./hex.ts";
import type { NativeCrash, NativeThread } from "./native/native-crash.ts";
import type { ReportParts } from "./parts.ts";
import { stitchThread } from "./stitch.ts";

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

export function joinParts(
  text: ReportParts,
  nativeOnly: ReportParts,
  native: NativeCrash,
): ReportParts {
  const threads = joinThreads(text, native);
  const isBlamed = threads.crashingThread !== null;
  return {
    ...nativeOnly,
    ...joinedCause(text, nativeOnly),
    ...threads,
    fatalFunction: text.fatalFunction,
    runtimeState: text.runtimeState,
    timeoutSeconds: text.timeoutSeconds,
    python: text.python?.evidence === "metadata" ? text.python : (nativeOnly.python ?? text.python),
    extensionModules: text.extensionModules,
    gaps: [
      ...text.gaps.filter(({ code }) => !(isBlamed && code === "thread-not-listed")),
      ...nativeOnly.gaps,
    ],
  };
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

/** The dump's threads, each with what the text tells of it, then those that only the text has. */
function joinThreads(
  text: ReportParts,
  native: NativeCrash,
): Pick<ReportParts, "threads" | "crashingThread"> {
  const left = new Set(text.threads);
  const threads = native.threads.map((thread) => {
    const same = sameThread(thread, text) ?? null;
    if (same !== null) left.delete(same);
    return stitchThread(thread, same);
  });
  const crashed = native.threads.findIndex((thread) => thread.crashed);
  const blamed = crashed >= 0 ? crashed : blamedByText(text, native);
  return { threads: [...threads, ...left], crashingThread: blamed >= 0 ? blamed : null };
}

/** By pthread_self(), which both print; by being the one that died where the dump does not tell it. */
function sameThread(thread: NativeThread, text: ReportParts): Thread | undefined {
  if (thread.ident !== null) {
    return text.threads.find(({ ident }) => hexValue(ident) === thread.ident);
  }
  return thread.crashed ? text.threads[text.crashingThread ?? -1] : undefined;
}

function blamedByText({ threads, crashingThread }: ReportParts, native: NativeCrash): number {
  const ident = hexValue(threads[crashingThread ?? -1]?.ident ?? null);
  return ident === null ? -1 : native.threads.findIndex((thread) => thread.ident === ident);
}
