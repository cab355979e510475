/**
 * CPython 3.8 – 3.12: offsetof() of the released headers (Include/internal/pycore_*.h,
 * Include/cpython), 64-bit release builds. They are stable inside a minor version. Not handled:
 * debug builds, whose objects begin with two more words, and 32-bit ones; what is read with these
 * offsets is checked, so that they are refused.
 */
import type { CodeLayout, Layout } from "./layout.ts";

const python38: Layout = {
  minor: 8,
  version: null,
  runtime: { interpreters: 32, collecting: 544 },
  interpreter: { next: 0, threads: 8, collecting: null },
  thread: { next: 8, interpreter: 16, ident: 176, nativeId: null, top: 24 },
  cframe: null,
  frame: {
    previous: 24,
    code: 32,
    codeTags: 0n,
    instruction: 104,
    counts: "bytes",
    owner: null,
    entry: null,
    bytecodeIndex: null,
  },
  code: {
    filename: 104,
    name: 112,
    qualname: null,
    lineTable: 120,
    firstLine: 40,
    bytecode: null,
    copies: null,
  },
  text: { length: 16, state: 32, ascii: 48, compact: 72, kindShift: 2 },
  bytes: { size: 16, data: 32 },
};

const python39: Layout = {
  ...python38,
  minor: 9,
  runtime: { interpreters: 32, collecting: null },
  interpreter: { next: 0, threads: 8, collecting: 816 },
};

const python310: Layout = {
  ...python39,
  minor: 10,
  frame: { ...python39.frame, instruction: 96, counts: "units" },
};

const code311: CodeLayout = {
  filename: 112,
  name: 120,
  qualname: 128,
  lineTable: 136,
  firstLine: 72,
  bytecode: 184,
  copies: null,
};

const python311: Layout = {
  ...python310,
  minor: 11,
  runtime: { interpreters: 40, collecting: null },
  interpreter: { next: 0, threads: 16, collecting: 848 },
  thread: { next: 8, interpreter: 16, ident: 152, nativeId: 160, top: 56 },
  cframe: { frame: 8, previous: 16 },
  frame: {
    previous: 48,
    code: 32,
    codeTags: 0n,
    instruction: 56,
    counts: "pointer",
    owner: 69,
    entry: 68,
    bytecodeIndex: null,
  },
  code: code311,
};

const python312: Layout = {
  ...python311,
  minor: 12,
  interpreter: { next: 0, threads: 72, collecting: 312 },
  thread: { next: 8, interpreter: 16, ident: 136, nativeId: 144, top: 56 },
  cframe: { frame: 0, previous: 8 },
  frame: { ...python311.frame, previous: 8, code: 0, owner: 70, entry: null },
  code: { ...code311, firstLine: 68, bytecode: 192 },
  text: { length: 16, state: 32, ascii: 40, compact: 56, kindShift: 2 },
};

export const fixedLayouts: ReadonlyMap<number, Layout> = new Map(
  [python38, python39, python310, python311, python312].map((layout) => [layout.minor, layout]),
);
