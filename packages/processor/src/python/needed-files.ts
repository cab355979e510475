/** The one request for Python files that a text's crashes need. */
import type { TextFrame } from "@faultline/faulthandler";
import type { NeedPythonFiles } from "@faultline/shared";
import { MAX_FILES_ASKED } from "../limits.ts";
import { baseName, type SourcePaths } from "./paths.ts";

export interface Needed {
  readonly request: NeedPythonFiles;
  /** Names that are over the limit (MAX_FILES_ASKED). */
  readonly left: number;
}

/** Base names of the frames' files, the application's first; `stacks` in order of importance. */
export function neededFiles(stacks: Iterable<readonly TextFrame[]>, paths: SourcePaths): Needed {
  const own = new Set<string>();
  const others = new Set<string>();
  const seen = new Set<string>();
  for (const frames of stacks) {
    for (const { file, fileTruncated, helper } of frames) {
      if (file === null || fileTruncated === true || helper === true || seen.has(file)) continue;
      seen.add(file);
      const path = paths.read(file);
      const name = baseName(path);
      if (name === null) continue;
      const names = path.origin === "app" ? own : others;
      names.add(name);
      if (path.windows) names.add(name.toLowerCase());
    }
  }
  const all = [...new Set([...own, ...others])];
  const basenames = all.slice(0, MAX_FILES_ASKED);
  return { request: { need: "python-files", basenames }, left: all.length - basenames.length };
}
