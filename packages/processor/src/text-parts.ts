/** What one crash of a faulthandler text tells. */
import type { EntryWay } from "@faultline/pyc";
import type { Gap, PythonFrame } from "@faultline/shared";
import { nativeStack, type NativeStack } from "./c-stack.ts";
import { type Cause, causeOf, inferOverflow } from "./classify.ts";
import type { TextCrash } from "./crashes.ts";
import { gap } from "./gaps.ts";
import { MAX_EXTENSION_MODULES } from "./limits.ts";
import { type Evidence, nothingKnown, type ReportParts } from "./parts.ts";
import { minorOf, platformOf } from "./platform.ts";
import { FrameResolver } from "./python/frame-resolver.ts";
import type { Known, PythonSide } from "./stitch/python-side.ts";
import { blamedThread, threadsOf } from "./threads.ts";

export interface TextParts {
  readonly parts: ReportParts;
  readonly waysInto: PythonSide["waysInto"];
}

export function textParts(crash: TextCrash, evidence: Evidence): TextParts {
  const { dump } = crash;
  const { metadata, release } = evidence;
  const platform = platformOf(dump, metadata);
  const native = dump.cStack === null ? null : nativeStack(dump.cStack, evidence.mapped);
  const resolver = new FrameResolver(release, platform.python?.version ?? null);
  const stacks = resolver.stacks(dump.threads, blamedThread(dump));
  const waysInto = (frame: PythonFrame): readonly EntryWay[] => resolver.waysInto(frame);
  const known: Known = { memory: new Map(), minor: minorOf(platform.python), waysInto };
  const threads = threadsOf(dump, stacks, native, known);
  const { cause, gaps } = fullCause(crash, native);
  const extensions = dump.extensionModules?.names ?? [];
  const parts: ReportParts = {
    ...nothingKnown,
    ...cause,
    ...platform,
    fatalFunction: dump.func,
    runtimeState: dump.runtimeState,
    timeoutSeconds: dump.timeoutSeconds,
    crashingThread: threads.crashingThread,
    threads: threads.threads,
    modules: native?.modules ?? [],
    extensionModules: extensions.slice(0, MAX_EXTENSION_MODULES),
    gaps: [
      ...threads.gaps,
      ...gaps,
      ...crash.gaps,
      ...evidence.gaps,
      ...resolver.gaps(metadata.release),
      ...(native?.symbolGaps ?? []),
      ...extensionGaps(extensions),
    ],
  };
  return { parts, waysInto };
}

function fullCause(
  crash: TextCrash,
  native: NativeStack | null,
): { cause: Cause; gaps: readonly Gap[] } {
  const cause = causeOf(crash);
  if (cause.kind === "windows-exception") return { cause, gaps: [firstChance] };
  const thread = crash.dump.threads.find(({ current }) => current);
  return thread === undefined
    ? { cause, gaps: [] }
    : inferOverflow(cause, thread, native?.frames ?? []);
}

const firstChance = gap(
  "first-chance",
  "Windows reports an exception before anybody could handle it: the program may have gone on.",
);

function extensionGaps(names: readonly string[]): Gap[] {
  const left = names.length - MAX_EXTENSION_MODULES;
  if (left <= 0) return [];
  const detail = `${left} more extension modules are not kept (limit ${MAX_EXTENSION_MODULES}).`;
  return [gap("extension-modules-cut", detail)];
}
