/**
 * Python frames as printed, or as read from memory → Python frames as known: a frame's file is
 * found among the release's, its code object by name and line, its columns where the line leaves
 * one possible call. What memory tells of a frame stands.
 *
 * Fields that all candidates agree on are filled; the others stay null and a gap says why.
 */
import type { TextThread } from "@faultline/faulthandler";
import type { CodeSummary, EntryWay, Position } from "@faultline/pyc";
import type { FoundBy, Gap, PythonFrame, SourceContext } from "@faultline/shared";
import { counted, gap } from "../gaps.ts";
import { MAX_FRAMES_RESOLVED, MAX_SOURCE_CHARS_PER_REPORT } from "../limits.ts";
import {
  agreed,
  callSpan,
  entryWays,
  findCodes,
  oneCode,
  sameFunction,
  type Callee,
  type FoundCode,
} from "./code-objects.ts";
import { fileGaps, frameLabel, knownFile, moduleOfCodes, type KnownFile } from "./known-file.ts";
import type { KnownFrame } from "./known-frame.ts";
import { sourceOf, type ReleaseFiles } from "./release-files.ts";
import { sameLines, sourceChars } from "./source.ts";

/** What is known of a frame beside its printed fields, and its code object. */
interface Known extends Omit<
  PythonFrame,
  "language" | "function" | "file" | "line" | "foundBy" | "role"
> {
  readonly code: CodeSummary | null;
  readonly ways: () => readonly EntryWay[];
}

const nothing: Known = {
  module: null,
  qualname: null,
  definitionLine: null,
  arguments: null,
  endLine: null,
  column: null,
  endColumn: null,
  inApp: null,
  source: null,
  code: null,
  ways: () => [],
};

const noCallee: Callee = { name: null, code: null };

/** Resolves the frames of one crash and remembers what could not be told. */
export class FrameResolver {
  readonly #release: ReleaseFiles;
  readonly #pythonVersion: string | null;
  readonly #files = new Map<string, KnownFile>();
  readonly #known = new Map<string, Known>();
  readonly #ways = new WeakMap<PythonFrame, Known["ways"]>();
  #resolved = 0;
  #overLimit = 0;
  #sourceChars = 0;
  #withoutSource = 0;

  /** `pythonVersion`: of the crashed interpreter where it is known, "3.12" or "3.12.1". */
  constructor(release: ReleaseFiles, pythonVersion: string | null) {
    this.#release = release;
    this.#pythonVersion = /^\d+\.\d+/.exec(pythonVersion ?? "")?.[0] ?? null;
  }

  /** The frames of each thread; those of the blamed one first have their share of the limits. */
  stacks(threads: readonly TextThread[], blamed: number | null): readonly PythonFrame[][] {
    const first = threads[blamed ?? -1];
    const firstStack = first === undefined ? [] : this.stack(first.frames);
    return threads.map((thread) => (thread === first ? firstStack : this.stack(thread.frames)));
  }

  /** A thread's frames, innermost first as printed. */
  stack(frames: readonly KnownFrame[]): PythonFrame[] {
    let callee = noCallee;
    return frames.map((frame) => {
      if (frame.helper === true) return helperFrame(frame);
      const known = frame.file === null ? nothing : this.#knownOf(frame.file, frame, callee);
      const isWhole = frame.nameTruncated !== true && frame.damaged !== true;
      callee = isWhole ? { name: frame.name, code: known.code } : noCallee;
      const resolved = this.#frame(frame, known);
      this.#ways.set(resolved, known.ways);
      return resolved;
    });
  }

  /** How the frame's line can have called the next inner frame; none where that is not known. */
  waysInto(frame: PythonFrame): readonly EntryWay[] {
    return this.#ways.get(frame)?.() ?? [];
  }

  /** What the frames so far left unknown. `release`: the crash's, null when it names none. */
  gaps(release: string | null): Gap[] {
    const gaps = fileGaps(this.#files.values(), release, this.#release.isEmpty);
    if (this.#overLimit > 0) {
      const detail = `${counted(this.#overLimit, "frame")} are shown as printed: ${MAX_FRAMES_RESOLVED} of a crash are looked up.`;
      gaps.push(gap("resolve-limit", detail));
    }
    if (this.#withoutSource > 0) {
      const detail = `${counted(this.#withoutSource, "frame")} show no source: a report keeps ${MAX_SOURCE_CHARS_PER_REPORT} characters of it.`;
      gaps.push(gap("source-cut", detail));
    }
    return gaps;
  }

  #frame(frame: KnownFrame, known: Known): PythonFrame {
    const { memory } = frame;
    const span = isSpan(memory?.position) ? memory.position : known;
    return {
      language: "python",
      module: known.module,
      function: frame.name,
      qualname: memory?.qualname ?? known.qualname,
      file: frame.file,
      line: frame.line,
      endLine: span.endLine,
      column: span.column,
      endColumn: span.endColumn,
      definitionLine: memory?.firstLine ?? known.definitionLine,
      arguments: known.arguments,
      inApp: known.inApp,
      foundBy: foundBy(frame),
      role: null,
      source: this.#withinBudget(known.source),
    };
  }

  #withinBudget(source: SourceContext | null): SourceContext | null {
    if (source === null) return null;
    const chars = sourceChars(source);
    if (this.#sourceChars + chars <= MAX_SOURCE_CHARS_PER_REPORT) {
      this.#sourceChars += chars;
      return source;
    }
    this.#withoutSource++;
    return null;
  }

  /** Recursion repeats frames, so answers are kept by everything that they depend on. */
  #knownOf(name: string, frame: KnownFrame, callee: Callee): Known {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = knownFile(name, frame, this.#release);
      this.#files.set(name, file);
    }
    file.frames++;
    if (frame.memory !== undefined && frame.memory.qualname !== null) file.inMemory++;
    if (this.#resolved >= MAX_FRAMES_RESOLVED) {
      this.#overLimit++;
      return { ...nothing, module: file.module, inApp: file.inApp };
    }
    this.#resolved++;
    const key = keyOf(name, frame, callee);
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#resolve(file, frame, callee);
      this.#known.set(key, known);
    }
    return known;
  }

  #resolve(file: KnownFile, frame: KnownFrame, callee: Callee): Known {
    const known = { ...nothing, module: file.module, inApp: file.inApp };
    if (file.match === null) return known;
    try {
      const search = findCodes(file.match, frame, this.#pythonVersion);
      if (search.outcome === "found") return this.#found(file, frame, search.codes, callee);
      if (file.match.maps.length === 0) return { ...known, source: sourceLines(file, [], frame) };
      if (frame.damaged !== true) {
        if (search.outcome === "line-differs") file.lineDiffers.add(frameLabel(frame));
        if (search.outcome === "name-missing") file.nameMissing.add(frameLabel(frame));
      }
    } catch (error) {
      // A map is read where it is asked: damage past its header shows here.
      file.corrupt.add(
        `${file.path.text}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    return known;
  }

  #found(file: KnownFile, frame: KnownFrame, codes: readonly FoundCode[], callee: Callee): Known {
    file.found++;
    const summaries = codes.map(({ opened, index }) => opened.map.code(index));
    if (!sameFunction(summaries)) {
      file.ambiguous.add(`${codes.length} code objects fit ${frameLabel(frame)}`);
    }
    const span = frame.line === null ? null : callSpan(codes, frame.line, callee);
    const names = agreed(summaries.map((code) => code.arguments.join("\n")));
    return {
      module: file.module ?? moduleOfCodes(codes),
      qualname: agreed(summaries.map((code) => code.qualname)),
      definitionLine: agreed(summaries.map((code) => code.firstLine)),
      arguments: names === null ? null : (summaries[0]?.arguments ?? null),
      endLine: span?.endLine ?? null,
      column: span?.column ?? null,
      endColumn: span?.endColumn ?? null,
      inApp: file.inApp,
      source: sourceLines(file, codes, frame),
      code: oneCode(summaries),
      ways: () => (frame.line === null ? [] : entryWays(codes, frame.line, callee)),
    };
  }
}

/** All that the answer depends on. */
const keyOf = (file: string, { line, name, memory }: KnownFrame, { name: called, code }: Callee) =>
  `${file}\n${line}\n${name}\n${memory?.firstLine}\n${memory?.qualname}\n${called}\n${code?.flags}\n${code?.isPlain}`;

const isSpan = (position: Position | undefined): position is Position =>
  position !== undefined && position.column !== null && position.endColumn !== null;

const foundBy = ({ memory }: KnownFrame): FoundBy =>
  memory === undefined ? "faulthandler" : "memory";

/** Source lines of the matched file; those uploaded with the code object's own map come first. */
function sourceLines(
  file: KnownFile,
  codes: readonly FoundCode[],
  frame: KnownFrame,
): SourceContext | null {
  const { match } = file;
  if (match === null || frame.line === null || (match.weak && codes.length === 0)) return null;
  const own = codes.map(({ opened }) => opened.file).filter(({ source }) => source !== null);
  let only: SourceContext | null = null;
  for (const uploaded of own.length > 0 ? own : match.sources) {
    const text = sourceOf(uploaded);
    if (text === null) continue;
    if (text.unknownEncoding !== null) file.unknownEncodings.add(text.unknownEncoding);
    const lines = text.around(frame.line);
    if (only !== null && lines !== null && !sameLines(only, lines)) return null;
    only ??= lines;
  }
  return only;
}

/** `File "__init__", line ??? in __init__` (3.13+): the interpreter's own, between a class call and `__init__`. */
const helperFrame = (frame: KnownFrame): PythonFrame => ({
  language: "python",
  module: null,
  function: frame.name,
  qualname: null,
  file: frame.file,
  line: frame.line,
  endLine: null,
  column: null,
  endColumn: null,
  definitionLine: null,
  arguments: null,
  inApp: false,
  foundBy: foundBy(frame),
  role: "helper",
  source: null,
});
