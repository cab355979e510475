/**
 * One crash, top to bottom: text → dumps → crashes → frames → threads → cause → group.
 *
 * Pure: asks once for the Python files it needs and is handed them; opens nothing, knows no time.
 */
import { parseFaulthandler } from "@faultline/faulthandler";
import { openPycMap } from "@faultline/pyc";
import type {
  CrashInput,
  CrashMetadata,
  Gap,
  NeedPythonFiles,
  PythonFile,
  PythonFiles,
  Report,
} from "@faultline/shared";
import { nativeStack, type NativeStack } from "./c-stack.ts";
import { causeOf, inferOverflow, type Cause } from "./classify.ts";
import { crashesOf, type TextCrash } from "./crashes.ts";
import { gap, keepGaps } from "./gaps.ts";
import { groupReport } from "./grouping/index.ts";
import { MAX_EXTENSION_MODULES, MAX_FILES_ASKED, MAX_GAPS_PER_REPORT } from "./limits.ts";
import { platformOf, pythonSaid } from "./platform.ts";
import { FrameResolver } from "./python/frame-resolver.ts";
import { neededFiles } from "./python/needed-files.ts";
import { SourcePaths } from "./python/paths.ts";
import { ReleaseFiles, type OpenMap } from "./python/release-files.ts";
import { blamedThread, threadsOf } from "./threads.ts";

export interface ProcessedCrash {
  readonly report: Report;
  /** Bytes [start, end) of the text that this crash came from; null when no text came. */
  readonly span: readonly [number, number] | null;
}

/**
 * The crashes of one text, in text order; at least one, which says so when the text holds no dump.
 *
 * Yields at most one request and wants the release's files for it. `openMap` lets the caller keep
 * opened maps by `PythonFile.key`; what it throws becomes a gap. Never throws for any input.
 */
export function* buildReports(
  input: CrashInput,
  openMap: OpenMap = openMapOf,
): Generator<NeedPythonFiles, ProcessedCrash[], PythonFiles> {
  const { faulthandler: bytes, metadata } = input;
  if (bytes === null) return [{ report: withoutDump(metadata, [noText]), span: null }];
  const text = parseFaulthandler(bytes);
  const crashes = crashesOf(text.dumps);
  if (crashes.length === 0) {
    return [{ report: withoutDump(metadata, text.gaps), span: [0, bytes.length] }];
  }
  const paths = new SourcePaths();
  const { request, left } = neededFiles(stacksByImportance(crashes), paths);
  const files = request.basenames.length > 0 ? yield request : noFiles;
  const release = new ReleaseFiles(files, openMap, paths);
  const textGaps = left > 0 ? [...text.gaps, askedCut(left)] : text.gaps;
  return crashes.map((crash) => ({
    report: reportOf(crash, textGaps, metadata, release),
    span: crash.span,
  }));
}

const noFiles: PythonFiles = new Map();

function openMapOf({ map, path }: PythonFile): ReturnType<OpenMap> {
  if (map === null) throw new TypeError(`${path}: no map to open`);
  return openPycMap(map);
}

/** Blamed threads first: their files are asked for before those of bystanders. */
function* stacksByImportance(crashes: readonly TextCrash[]) {
  for (const { dump } of crashes) yield dump.threads[blamedThread(dump) ?? -1]?.frames ?? [];
  for (const { dump } of crashes) for (const { frames } of dump.threads) yield frames;
}

function reportOf(
  crash: TextCrash,
  textGaps: readonly Gap[],
  metadata: CrashMetadata,
  release: ReleaseFiles,
): Report {
  const { dump } = crash;
  const platform = platformOf(dump, metadata);
  const native = dump.cStack === null ? null : nativeStack(dump.cStack);
  const resolver = new FrameResolver(release, platform.python?.version ?? null);
  const stacks = resolver.stacks(dump.threads, blamedThread(dump));
  const threads = threadsOf(dump, stacks, native);
  const { cause, gaps: causeGaps } = fullCause(crash, native);
  const gaps = [
    ...threads.gaps,
    ...causeGaps,
    ...crash.gaps,
    ...textGaps,
    ...resolver.gaps(metadata.release),
    ...extensionGaps(dump.extensionModules?.names ?? []),
  ];
  const report: Report = {
    ...emptyReport,
    ...cause,
    ...platform,
    fatalFunction: dump.func,
    runtimeState: dump.runtimeState,
    timeoutSeconds: dump.timeoutSeconds,
    crashingThread: threads.crashingThread,
    threads: threads.threads,
    modules: native?.modules ?? [],
    extensionModules: (dump.extensionModules?.names ?? []).slice(0, MAX_EXTENSION_MODULES),
    gaps: keepGaps(gaps, MAX_GAPS_PER_REPORT),
  };
  return { ...report, grouping: groupReport(report) };
}

function fullCause(
  crash: TextCrash,
  native: NativeStack | null,
): { cause: Cause; gaps: readonly Gap[] } {
  const cause = causeOf(crash);
  if (cause.kind === "windows-exception") {
    const detail =
      "Windows reports an exception before anybody could handle it: the program may have gone on.";
    return { cause, gaps: [gap("first-chance", detail)] };
  }
  const thread = crash.dump.threads.find(({ current }) => current);
  return thread === undefined
    ? { cause, gaps: [] }
    : inferOverflow(cause, thread, native?.frames ?? []);
}

const emptyReport: Report = {
  version: 1,
  kind: "dump",
  reason: null,
  code: null,
  address: null,
  message: null,
  fatalFunction: null,
  runtimeState: null,
  timeoutSeconds: null,
  classification: null,
  os: null,
  cpu: null,
  python: null,
  crashingThread: null,
  threads: [],
  modules: [],
  extensionModules: [],
  gaps: [],
  grouping: null,
};

/** A crash that nothing is known of but that it came. */
function withoutDump(metadata: CrashMetadata, gaps: readonly Gap[]): Report {
  const told = gaps.some(({ code }) => code === noText.code) ? gaps : [noText, ...gaps];
  const report: Report = {
    ...emptyReport,
    python: pythonSaid(metadata),
    gaps: keepGaps(told, MAX_GAPS_PER_REPORT),
  };
  return { ...report, grouping: groupReport(report) };
}

const noText = gap(
  "no-dump",
  "No faulthandler dump came: was faulthandler.enable() called, and what it wrote kept?",
);

function extensionGaps(names: readonly string[]): Gap[] {
  const left = names.length - MAX_EXTENSION_MODULES;
  if (left <= 0) return [];
  const detail = `${left} more extension modules are not kept (limit ${MAX_EXTENSION_MODULES}).`;
  return [gap("extension-modules-cut", detail)];
}

const askedCut = (left: number): Gap =>
  gap(
    "files-asked-cut",
    `${left} more file names were not looked up (limit ${MAX_FILES_ASKED} a text).`,
  );
