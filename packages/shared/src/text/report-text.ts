/**
 * A report as a person wants to read it at 3 a.m.: what died and where in their code first, then what
 * is uncertain, then the rest. Printable ASCII, at most 100 columns.
 */
import type { Gap, Report, Thread } from "../report.ts";
import { counted } from "./words.ts";
import { MAX_TEXT_EXTENSION_MODULES } from "../limits.ts";
import { stackLines } from "./frames.ts";
import { glanceLines } from "./glance.ts";
import { otherThreadLines, threadName } from "./other-threads.ts";
import { labelled, wrapped } from "./plain.ts";

/** What is known of a crash beside its report; absent and null parts are left out. */
export interface AboutCrash {
  readonly id: string;
  readonly url?: string | null;
  /** RFC 3339. */
  readonly receivedAt?: string | null;
  readonly release?: string | null;
  readonly environment?: string | null;
  readonly host?: string | null;
  /** Id, and where given title or URL, of the group that the crash is filed in. */
  readonly group?: string | null;
}

/** The text of `/crashes/:id.txt`; ends with a line feed. */
export function renderReport(report: Report, about: AboutCrash): string {
  return `${[...reportLines(report, about)].join("\n")}\n`;
}

function* reportLines(report: Report, about: AboutCrash): Generator<string> {
  yield* wrapped("", report.grouping?.title ?? causeWords(report) ?? "Crash");
  yield "";
  yield* headLines(report, about);
  const blamed = report.threads[report.crashingThread ?? -1];
  if (blamed !== undefined) yield* blamedLines(report, blamed);
  yield* gapLines([...(blamed?.gaps ?? []), ...report.gaps]);
  yield* otherThreadLines(report.threads, report.crashingThread);
  yield* extensionLines(report.extensionModules);
}

function* headLines(report: Report, about: AboutCrash): Generator<string> {
  yield* labelled(hasDied(report) ? "died of" : "kind", causeWords(report));
  yield* glanceLines(report);
  yield* labelled("message", report.message);
  yield* labelled("state", report.runtimeState);
  yield* labelled("system", systemWords(report));
  yield* labelled("release", about.release);
  yield* labelled("environment", about.environment);
  yield* labelled("host", about.host);
  yield* labelled("received", about.receivedAt);
  yield* labelled("crash", about.id);
  yield* labelled("url", about.url);
  yield* labelled("group", about.group ?? report.grouping?.group);
}

const hasDied = ({ kind }: Report): boolean => kind !== "dump" && kind !== "timeout";

/** "SIGSEGV (memory-access)", "fatal Python error in take_gil (fatal-python-error)". */
function causeWords(report: Report): string | null {
  const what = report.reason ?? report.code ?? kindWords(report);
  const code = report.reason !== null && report.code !== null ? ` ${report.code}` : "";
  const address = report.address === null ? "" : ` at ${report.address}`;
  const where = report.fatalFunction === null ? "" : ` in ${report.fatalFunction}`;
  const isNamed = report.classification === null || what.includes(report.classification);
  return `${what}${code}${where}${address}${isNamed ? "" : ` (${report.classification})`}`;
}

function kindWords({ kind, timeoutSeconds }: Report): string {
  switch (kind) {
    case "fatal":
      return "fatal Python error";
    case "timeout":
      return timeoutSeconds === null ? "watchdog" : `watchdog after ${timeoutSeconds} s`;
    case "dump":
      return "dump on demand";
    case "exception":
      return "Python exception";
    case "signal":
      return "signal";
    case "windows-exception":
      return "Windows exception";
  }
}

function systemWords({ python, os, cpu }: Report): string | null {
  const words = [];
  if (python !== null && python.version !== null) {
    const evidence = python.evidence === null ? "" : ` (from ${python.evidence})`;
    words.push(`Python ${python.version}${evidence}`);
  }
  if (os !== null) words.push(cpu === null ? os : `${os} ${cpu}`);
  return words.length === 0 ? null : words.join(", ");
}

function* blamedLines(report: Report, thread: Thread): Generator<string> {
  const numbered = thread.stack.map((frame, index) => ({ frame, index }));
  const collecting = thread.garbageCollecting ? ", while collecting garbage" : "";
  yield "";
  yield* wrapped("", `${blameWords(report, thread)} ${threadName(thread)}${collecting}`);
  if (thread.stitch === "approximate")
    yield "  (where Python frames stand among native ones is not certain: see below)";
  if (numbered.length === 0) yield "  (no frames)";
  const native = numbered.filter(({ frame }) => frame.language === "native");
  const python = numbered.filter(({ frame }) => frame.language === "python");
  if (thread.stitch !== "none" || native.length === 0 || python.length === 0) {
    yield* stackLines(numbered);
  } else {
    yield "Python stack, most recent call first";
    yield* stackLines(python);
    yield "C stack of the same thread, most recent call first";
    yield* stackLines(native);
  }
  if (python.some(({ frame }) => frame.language === "python" && frame.inApp === true)) {
    yield "  (> is the application's own code)";
  }
}

function blameWords(report: Report, thread: Thread): string {
  if (thread.crashed) return "Crashed thread";
  if (report.kind === "exception") return "Thread that raised";
  return report.kind === "timeout" ? "Thread taken to hang" : "Thread that asked for the dump";
}

function* gapLines(gaps: readonly Gap[]): Generator<string> {
  if (gaps.length === 0) return;
  yield "";
  yield "What is uncertain";
  for (const { code, detail } of gaps) yield* wrapped("  - ", `${detail} [${code}]`);
}

function* extensionLines(names: readonly string[]): Generator<string> {
  if (names.length === 0) return;
  const shown = names.slice(0, MAX_TEXT_EXTENSION_MODULES).join(", ");
  const left = names.length - MAX_TEXT_EXTENSION_MODULES;
  yield "";
  yield `${counted(names.length, "C extension module")} loaded`;
  yield* wrapped("  ", left > 0 ? `${shown} and ${left} more` : shown);
}
