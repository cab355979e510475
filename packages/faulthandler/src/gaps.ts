/** What a text could not tell, each code with its meaning. */
import type { DumpGap } from "./dump.ts";

export const dumpGapCodes = {
  "no-dump": "the text holds no dump",
  incomplete: "the text ends before the dump does",
  "torn-lines": "another writer tore lines of the dump",
  "long-line": "a line was cut",
  "too-many-dumps": "the text holds more dumps than are read",
  "too-many-streams": "more writers took turns in the text than are followed",
  "too-many-threads": "the dump holds more threads than are read",
  "too-many-frames": "a thread, or the text, holds more frames than are read",
  "too-many-c-frames": "the C stack holds more frames than are read",
  "too-many-extension-modules": "the dump names more extension modules than are read",
  "exception-text-cut": "the exception text is longer than is kept",
  "gil-disabled": "CPython lists one thread only while the GIL is disabled",
  "freed-thread-state": "CPython met a freed thread state and listed no further thread",
  "module-names": "names of extension modules cannot be told apart",
} as const;
export type DumpGapCode = keyof typeof dumpGapCodes;

export const gap = (code: DumpGapCode, detail: string): DumpGap => ({ code, detail });
