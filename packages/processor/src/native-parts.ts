/** What a minidump alone tells. */
import type { CrashMetadata, PythonInfo } from "@faultline/shared";
import type { NativeCrash } from "./native/native-crash.ts";
import { nothingKnown, type ReportParts } from "./parts.ts";
import { pythonOfModules, pythonSaid } from "./platform.ts";
import { stitchThread } from "./stitch.ts";

export function nativeParts(native: NativeCrash, metadata: CrashMetadata): ReportParts {
  const { threads, python: _python, ...told } = native;
  const crashed = threads.findIndex((thread) => thread.crashed);
  return {
    ...nothingKnown,
    ...told,
    python: pythonOf(native, metadata),
    crashingThread: crashed >= 0 ? crashed : null,
    threads: threads.map((thread) => stitchThread(thread, null)),
  };
}

const pythonOf = (native: NativeCrash, metadata: CrashMetadata): PythonInfo | null =>
  pythonSaid(metadata) ?? pythonOfModules(native.modules.map(({ name }) => name));
