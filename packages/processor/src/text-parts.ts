/** What one crash of a faulthandler text tells. */
import type { Gap } from "@faultline/shared";
import { nativeStack, type NativeStack } from "./c-stack.ts";
import { type Cause, causeOf, inferOverflow } from "./classify.ts";
import type { TextCrash } from "./crashes.ts";
import { gap } from "./gaps.ts";
import { MAX_EXTENSION_MODULES } from "./limits.ts";
import { type Evidence, nothingKnown, type ReportParts } from "./parts.ts";
import { platformOf } from "./platform.ts";
import { FrameResolver } from "./python/frame-resolver.ts";
import { blamedThread, threadsOf } from "./threads.ts";

export function textParts(crash: TextCrash, evidence: Evidence): ReportParts {
  const { dump } = crash;
  const { metadata, release } = evidence;
  const platform = platformOf(dump, metadata);
  const native = dump.cStack === null ? null : nativeStack(dump.cStack);
  const resolver = new FrameResolver(release, platform.python?.version ?? null);
  const stacks = resolver.stacks(dump.threads, blamedThread(dump));
  const threads = threadsOf(dump, stacks, native);
  const { cause, gaps } = fullCause(crash, native);
  const extensions = dump.extensionModules?.names ?? [];
  return {
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
      ...extensionGaps(extensions),
    ],
  };
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
