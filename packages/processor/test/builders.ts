/** Hand-made dumps, uploaded files and pyc maps, each showing only the fact that a test is about. */
import type { Dump, TextFrame, TextThread } from "@faultline/faulthandler";
import type { CodeSummary, EntryWay, Position, PycMap } from "@faultline/pyc";
import type {
  CrashMetadata,
  Frame,
  NativeFrame,
  PythonFile,
  PythonFiles,
  PythonFrame,
  Report,
  Thread,
} from "@faultline/shared";
import { nothingKnown } from "../src/parts.ts";

export const aFrame = (
  file: string | null,
  line: number | null,
  name: string | null,
): TextFrame => ({
  file,
  line,
  name,
});

export function aThread(frames: readonly TextFrame[], more: Partial<TextThread> = {}): TextThread {
  return {
    current: false,
    ident: "0x00007f0000000001",
    osName: null,
    anonymous: false,
    garbageCollecting: false,
    frames,
    framesTruncated: null,
    stop: null,
    ...more,
  };
}

export function aDump(more: Partial<Dump> = {}): Dump {
  return {
    kind: "signal",
    message: "Segmentation fault",
    func: null,
    runtimeState: null,
    timeout: null,
    timeoutSeconds: null,
    threads: [],
    threadsTruncated: false,
    cStack: null,
    extensionModules: null,
    sameCrashAsPrevious: false,
    exceptionText: null,
    span: [0, 100],
    pythonVersionHint: null,
    gaps: [],
    ...more,
  };
}

export const noMetadata: CrashMetadata = {
  release: null,
  environment: null,
  host: null,
  pid: null,
  time: null,
  pythonVersion: null,
  tags: {},
  modules: [],
};

/** One code object of a map: the lines it holds, and the spans that calls on a line can have. */
export interface Code {
  readonly name: string;
  readonly qualname?: string;
  readonly firstLine?: number;
  readonly arguments?: readonly string[];
  readonly lines: readonly number[];
  readonly spans?: Readonly<Record<number, readonly Position[]>>;
  readonly ways?: Readonly<Record<number, readonly EntryWay[]>>;
}

export function aMap(codes: readonly Code[], pythonVersion = "3.12"): PycMap {
  const summaries: readonly CodeSummary[] = codes.map((code, index) => ({
    index,
    name: code.name,
    qualname: code.qualname ?? code.name,
    firstLine: code.firstLine ?? Math.min(...code.lines),
    arguments: code.arguments ?? [],
    flags: 0,
  }));
  const having = (wanted: (code: Code) => boolean) =>
    codes.flatMap((code, index) => (wanted(code) ? [index] : []));
  return {
    pythonVersion,
    filename: "unused.py",
    codeCount: codes.length,
    code: (index) => summaries[index]!,
    codesNamed: (name) => having((code) => code.name === name),
    codesAt: (name, line) => having((code) => code.name === name && code.lines.includes(line)),
    positionAt: () => null,
    callSpansAt: (index, line) => codes[index]?.spans?.[line] ?? [],
    entryWaysAt: (index, line) => codes[index]?.ways?.[line] ?? [],
  };
}

export const aSpan = (line: number, column: number, endColumn: number): Position => ({
  line,
  endLine: line,
  column,
  endColumn,
});

/** An uploaded file; its map's bytes only say that there is one, `mapsOf` answers for them. */
export function anUpload(
  path: string,
  map: PycMap | null,
  more: Partial<PythonFile> = {},
): { file: PythonFile; map: PycMap | null } {
  const bytes = map === null ? null : new Uint8Array(1);
  return { map, file: { path, codeFilename: null, map: bytes, source: null, key: path, ...more } };
}

type Upload = ReturnType<typeof anUpload>;

/** The uploads by base name, as the store hands them over. */
export function filesOf(uploads: readonly Upload[]): PythonFiles {
  return Map.groupBy(
    uploads.map(({ file }) => file),
    ({ path }) => path.slice(path.lastIndexOf("/") + 1),
  );
}

/** Opens the uploads' maps by key, as the worker's cache does. */
export function opener(uploads: readonly Upload[]): (file: PythonFile) => PycMap {
  const maps = new Map(uploads.map(({ file, map }) => [file.key, map]));
  return (file) => {
    const map = maps.get(file.key);
    if (map === undefined || map === null) throw new Error(`${file.path}: no such map`);
    return map;
  };
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A report of a segmentation fault, of which nothing else is known. */
export const aReport = (more: Partial<Report>): Report => ({
  ...nothingKnown,
  version: 1,
  kind: "signal",
  reason: "SIGSEGV",
  grouping: null,
  ...more,
});

export const aReportThread = (stack: readonly Frame[], more: Partial<Thread> = {}): Thread => ({
  id: null,
  ident: null,
  name: null,
  crashed: false,
  stitch: "none",
  garbageCollecting: false,
  stack,
  truncated: false,
  gaps: [],
  ...more,
});

export const aPythonFrame = (more: Partial<PythonFrame>): PythonFrame => ({
  language: "python",
  module: null,
  function: "run",
  qualname: null,
  file: "/app/a.py",
  line: 3,
  endLine: null,
  column: null,
  endColumn: null,
  definitionLine: null,
  arguments: null,
  inApp: null,
  foundBy: "faulthandler",
  role: null,
  source: null,
  ...more,
});

export const aNativeFrame = (more: Partial<NativeFrame>): NativeFrame => ({
  language: "native",
  pc: null,
  module: null,
  offset: null,
  function: "go",
  linkageName: null,
  file: null,
  line: null,
  column: null,
  inline: false,
  foundBy: "cfi",
  role: null,
  ...more,
});
