/**
 * Offsets of CPython's structures for made-up processes. Those of 3.8 – 3.12 are what a C program
 * printed that includes the headers; those of later versions are free, for the process tells them:
 * each is another number, so that none can stand for another.
 */

export interface Structures {
  readonly runtimeInterpreters: number;
  readonly interpreterNext: number;
  readonly interpreterThreads: number;
  readonly collecting: readonly ["runtime" | "interpreter", number];
  readonly threadNext: number;
  readonly threadInterpreter: number;
  readonly threadIdent: number;
  readonly threadNative: number | null;
  readonly threadTop: number;
  readonly cframe: readonly [frame: number, previous: number] | null;
  readonly framePrevious: number;
  readonly frameCode: number;
  readonly frameInstruction: number;
  readonly frameOwner: number | null;
  readonly frameEntry: number | null;
  readonly codeFilename: number;
  readonly codeName: number;
  readonly codeQualname: number | null;
  readonly codeLineTable: number;
  readonly codeFirstLine: number;
  readonly codeBytecode: number | null;
  readonly textLength: number;
  readonly textState: number;
  readonly textAscii: number;
  readonly textCompact: number;
  readonly bytesSize: number;
  readonly bytesData: number;
}

const python38: Structures = {
  runtimeInterpreters: 32,
  interpreterNext: 0,
  interpreterThreads: 8,
  collecting: ["runtime", 544],
  threadNext: 8,
  threadInterpreter: 16,
  threadIdent: 176,
  threadNative: null,
  threadTop: 24,
  cframe: null,
  framePrevious: 24,
  frameCode: 32,
  frameInstruction: 104,
  frameOwner: null,
  frameEntry: null,
  codeFilename: 104,
  codeName: 112,
  codeQualname: null,
  codeLineTable: 120,
  codeFirstLine: 40,
  codeBytecode: null,
  textLength: 16,
  textState: 32,
  textAscii: 48,
  textCompact: 72,
  bytesSize: 16,
  bytesData: 32,
};

const python311: Structures = {
  ...python38,
  runtimeInterpreters: 40,
  interpreterThreads: 16,
  collecting: ["interpreter", 848],
  threadIdent: 152,
  threadNative: 160,
  threadTop: 56,
  cframe: [8, 16],
  framePrevious: 48,
  frameCode: 32,
  frameInstruction: 56,
  frameOwner: 69,
  frameEntry: 68,
  codeFilename: 112,
  codeName: 120,
  codeQualname: 128,
  codeLineTable: 136,
  codeFirstLine: 72,
  codeBytecode: 184,
};

/** What a version that describes itself may have chosen. */
const described: Structures = {
  runtimeInterpreters: 1000,
  interpreterNext: 264,
  interpreterThreads: 344,
  collecting: ["interpreter", 128 + 72],
  threadNext: 24,
  threadInterpreter: 40,
  threadIdent: 168,
  threadNative: 184,
  threadTop: 88,
  cframe: null,
  framePrevious: 16,
  frameCode: 0,
  frameInstruction: 56,
  frameOwner: 74,
  frameEntry: null,
  codeFilename: 112,
  codeName: 96,
  codeQualname: 120,
  codeLineTable: 136,
  codeFirstLine: 68,
  codeBytecode: 208,
  textLength: 24,
  textState: 40,
  textAscii: 48,
  textCompact: 64,
  bytesSize: 24,
  bytesData: 40,
};

const byMinor: ReadonlyMap<number, Structures> = new Map([
  [8, python38],
  [9, { ...python38, collecting: ["interpreter", 816] }],
  [10, { ...python38, collecting: ["interpreter", 816], frameInstruction: 96 }],
  [11, python311],
  [
    12,
    {
      ...python311,
      interpreterThreads: 72,
      collecting: ["interpreter", 312],
      threadIdent: 136,
      threadNative: 144,
      cframe: [0, 8],
      framePrevious: 8,
      frameCode: 0,
      frameOwner: 70,
      frameEntry: null,
      codeFirstLine: 68,
      codeBytecode: 192,
      textAscii: 40,
      textCompact: 56,
    },
  ],
]);

export const structuresOf = (minor: number): Structures => byMinor.get(minor) ?? described;

/** Where the free-threaded builds keep which copy of the bytecode runs, and the copies. */
export const FRAME_COPY_INDEX = 80;
export const CODE_COPIES = 152;

/** Bytes from the start of the interpreter to its collector's state; the flag lies 72 further. */
const GC = 128;

/**
 * The values of `_Py_DebugOffsets` behind its version and free-threaded flag, in the order of
 * Include/internal/pycore_debug_offsets.h of 3.`minor`; those that nobody needs are 1.
 */
export function selfDescription(minor: number, s: Structures, freeThreaded: boolean): number[] {
  const since = (first: number, values: readonly number[]): readonly number[] =>
    minor >= first ? values : [];
  const copyIndex = freeThreaded ? FRAME_COPY_INDEX : 0;
  const copies = freeThreaded ? CODE_COPIES : 0;
  const groups: readonly (readonly number[])[] = [
    [300_000, 1, s.runtimeInterpreters],
    [100_000, 1, s.interpreterNext, s.interpreterThreads],
    since(14, [1]),
    [GC, 1, 1, 1, 1, 1, 1, 1, 1],
    since(14, [1, 1]),
    [400, 1, s.threadNext, s.threadInterpreter, s.threadTop],
    since(15, [1, 1, 1]),
    [s.threadIdent, s.threadNative ?? 0, 1, 1],
    since(15, [1, 1, 1, 1]),
    since(15, [1]),
    [88, s.framePrevious, s.frameCode, s.frameInstruction, 1, s.frameOwner ?? 0],
    since(14, [1, copyIndex]),
    [216, s.codeFilename, s.codeName, s.codeQualname ?? 0, s.codeLineTable, s.codeFirstLine],
    [1, 1, 1, s.codeBytecode ?? 0],
    since(14, [copies]),
    [1, 1],
    [1, 1, 1, 1],
    since(15, [1, 1]),
    since(15, [1, 1]),
    [1, 1, 1],
    [1, 1, 1],
    since(14, [1, 1, 1, 1]),
    [1, 1, 1],
    [1, 1],
    [1, 1, 1],
    [48, s.bytesSize, s.bytesData],
    [80, s.textState, s.textLength, s.textAscii],
    since(15, [s.textCompact]),
    [200, 72],
    since(15, [1, 1, 1]),
  ];
  return groups.flat();
}
