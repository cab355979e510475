/** Gaps: what could not be worked out, bounded and without repeats. */
import type { Gap } from "@faultline/shared";
import { walkGapCodes } from "@faultline/unwind";
import { MAX_GAP_CHARS, MAX_NAMES_IN_GAP } from "./limits.ts";

/** Codes of the gaps that this package makes; those of a dump's parser pass through beside them. */
export const gapCodes = {
  "no-dump": "the attachment holds no faulthandler dump",
  "crashes-cut": "the text holds more crashes than are read",
  "c-stack-joined": "a C stack apart from its dump was taken for the same crash",
  "thread-not-listed": "no listed thread can be blamed",
  "blame-assumed": "the blamed thread is a convention, not printed",
  "first-chance": "Windows reports exceptions before anybody could handle them",
  "stack-overflow-inferred": "the classification rests on a repeating stack",
  "pending-exception": "a Python exception was set when the process died",
  "threads-cut": "threads are missing",
  "frames-cut": "older frames are missing, or may be",
  "cut-by-cpython": "CPython abandoned the frame list",
  "freed-thread": "the thread's state was gone when it was printed",
  "no-python-frame": "the thread ran no Python code",
  "not-stitched": "the native stack and the Python stack are shown one after the other",
  "c-stack-cut": "older C frames are missing",
  "c-stack-unavailable": "the system gave no C stack",
  "no-release": "no release was named, so there is nothing to look frames up in",
  "no-map": "no compiled file was uploaded for a frame's file",
  "stale-map": "the uploaded file is not the one that ran",
  ambiguous: "several code objects fit",
  "weak-match": "a file was matched by its base name alone",
  "corrupt-map": "an uploaded map cannot be read",
  "file-name-cut": "CPython cut the file name, so it cannot be looked up",
  "no-source-encoding": "a source file's encoding is not known here",
  "resolve-limit": "more frames than are looked up",
  "files-asked-cut": "more files than are asked for",
  "source-cut": "more source lines than are kept",
  "dump-refused": "the minidump cannot be read",
  "dump-damaged": "part of the minidump cannot be read",
  "no-registers": "the dump holds no registers of the thread",
  "stack-cut": "older native frames are missing, or may be",
  "frames-left-out": "a stack is longer than a report holds",
  "no-symbols": "no symbols were uploaded for a module",
  "no-debug-info": "a module's symbols know no files and lines",
  "symbols-mismatched": "a module's symbols are of another build",
  "symbols-corrupt": "a module's symbol file cannot be used",
  "no-python-memory": "the interpreter's state cannot be read from the dump",
  "no-python-state": "the interpreter knows no such thread",
  "python-disagrees": "text and memory tell different Python frames",
  "stitch-approximate": "where Python frames stand among native ones is not certain",
  "python-memory-cut": "part of the interpreter's state is missing from the dump",
  "extension-modules-cut": "more extension modules than are kept",
  "gaps-cut": "more gaps than are kept",
  ...walkGapCodes,
} as const;
export type GapCode = keyof typeof gapCodes;

export const gap = (code: GapCode, detail: string): Gap => ({ code, detail });

/** At most `limit` different gaps, in order, details cut to a readable length. */
export function keepGaps(gaps: Iterable<Gap>, limit: number): Gap[] {
  const kept = new Map<string, Gap>();
  let left = 0;
  for (const { code, detail } of gaps) {
    const cut = detail.length > MAX_GAP_CHARS ? `${detail.slice(0, MAX_GAP_CHARS - 3)}...` : detail;
    const key = `${code}\n${cut}`;
    if (kept.has(key)) continue;
    if (kept.size < limit) kept.set(key, { code, detail: cut });
    else left++;
  }
  const list = [...kept.values()];
  if (left > 0) list.push(gap("gaps-cut", `${left} more gaps are not kept (limit ${limit}).`));
  return list;
}

/** "a, b, c and 4 more". */
export function listed(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, MAX_NAMES_IN_GAP).join(", ");
  return all.length > MAX_NAMES_IN_GAP
    ? `${shown} and ${all.length - MAX_NAMES_IN_GAP} more`
    : shown;
}

/** "1 frame", "3 frames". */
export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;
