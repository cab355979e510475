/** One dump while its words come in. Methods that answer a boolean say whether the word fits. */
import type { CStackFrame, Dump, DumpGap, DumpKind, TextFrame } from "./dump.ts";
import type { ExtensionModules } from "./extension-modules.ts";
import { type DumpGapCode, gap } from "./gaps.ts";
import type { TornPath } from "./frame-line.ts";
import type { Header } from "./header.ts";
import * as limits from "./limits.ts";
import { finishThread, type OpenThread, withHiddenCut } from "./open-thread.ts";
import type { ThreadLine } from "./thread-line.ts";
import { completePath } from "./torn.ts";
import { decodeUtf8 } from "./utf8.ts";
import { countsShims, type FormsSeen, versionHint, versionRange } from "./version-hint.ts";

interface OpenCStack {
  readonly frames: CStackFrame[];
  truncated: boolean;
  unavailable: string | null;
}

/** For frames whose thread line was torn beyond mending. */
const unknownThread: ThreadLine = {
  current: false,
  ident: null,
  osName: null,
  anonymous: false,
  py33: false,
};

export class DumpAssembly {
  readonly #header: Header;
  readonly #start: number;
  #end: number;
  readonly #threads: OpenThread[] = [];
  readonly #idents = new Set<string>();
  readonly #gaps = new Map<DumpGapCode, string>();
  readonly #forms: FormsSeen = { py33: false, py34: false, bareNoFrame: false };
  #kind: DumpKind;
  #hasCurrent = false;
  #threadsTruncated = false;
  #thread: OpenThread | null = null;
  #cStack: OpenCStack | null = null;
  #modules: ExtensionModules | null = null;
  #runtimeState: string | null = null;
  #exception: string | null = null;
  #cut: string | null = null;
  readonly #tornPaths: { frames: TextFrame[]; index: number; path: TornPath }[] = [];
  #joined = 0;
  #damaged = 0;

  constructor(header: Header, start: number, end: number) {
    this.#header = header;
    this.#kind = header.kind;
    this.#start = start;
    this.#end = end;
  }

  get kind(): DumpKind {
    return this.#kind;
  }

  get threadCount(): number {
    return this.#threads.length;
  }

  get threadsTruncated(): boolean {
    return this.#threadsTruncated;
  }

  get hasThreadNames(): boolean {
    return this.#threads.some(({ line }) => line.osName !== null);
  }

  get idents(): (string | null)[] {
    return this.#threads.map(({ line }) => line.ident);
  }

  get hasCStack(): boolean {
    return this.#cStack !== null;
  }

  get cStackIsEmpty(): boolean {
    return this.#cStack?.frames.length === 0 && this.#cStack.unavailable === null;
  }

  get hasModules(): boolean {
    return this.#modules !== null;
  }

  /** Exception text so far, one byte a character. */
  get exception(): string | null {
    return this.#exception;
  }

  /** The line in which the text ends. */
  get cut(): string | null {
    return this.#cut;
  }

  get lastFrame(): TextFrame | undefined {
    return this.#threads.at(-1)?.frames.at(-1);
  }

  /** A frame line would belong to a thread of this dump. */
  get expectsFrame(): boolean {
    if (this.#thread !== null) return true;
    const died = this.#kind !== "dump" && this.#kind !== "cstack";
    return died && this.#threads.length === 0 && this.#cStack === null && this.#modules === null;
  }

  extend(end: number): void {
    this.#end = end;
  }

  cutAt(text: string): void {
    this.#cut = text;
  }

  /** CPython lists no thread twice, marks one as current, and lists none after the other sections. */
  accepts({ current, ident }: ThreadLine): boolean {
    if (this.#threadsTruncated || this.#cStack !== null || this.#modules !== null) return false;
    if (current && this.#hasCurrent) return false;
    return ident === null ? this.#threads.length === 0 : !this.#idents.has(ident);
  }

  addThread(line: ThreadLine): void {
    this.#forms.py33 ||= line.py33;
    this.#forms.py34 ||= !line.py33 && line !== unknownThread;
    this.#hasCurrent ||= line.current;
    this.#thread = { line, frames: [], garbageCollecting: false, marked: false, stop: null };
    if (this.#threads.length >= limits.MAX_THREADS) {
      this.note("too-many-threads", `only the first ${limits.MAX_THREADS} threads are read`);
      return;
    }
    this.#threads.push(this.#thread);
    if (line.ident !== null) this.#idents.add(line.ident);
  }

  /** `path`: what is left of the frame's, when that alone is unknown. */
  addFrame(frame: TextFrame, path: TornPath | null): void {
    if (this.#thread === null) {
      this.#damaged++;
      this.addThread(unknownThread);
    }
    const frames = this.#thread?.frames ?? [];
    if (frames.length >= limits.MAX_FRAMES) {
      this.note("too-many-frames", `only the first ${limits.MAX_FRAMES} of a thread are read`);
      return;
    }
    const index = frames.push(frame) - 1;
    if (frame.damaged === true) this.#damaged++;
    if (path !== null && this.#tornPaths.length < limits.MAX_TORN_PATHS) {
      this.#tornPaths.push({ frames, index, path });
    }
  }

  markThread(mark: "framesCut" | "collecting"): boolean {
    if (this.#thread === null) return false;
    if (mark === "framesCut") this.#thread.marked = true;
    else this.#thread.garbageCollecting = true;
    return true;
  }

  stopThread(words: string, indented: boolean): boolean {
    if (this.#thread === null) return false;
    this.#thread.stop ??= words;
    this.#forms.bareNoFrame ||= !indented;
    return true;
  }

  cutThreads(): boolean {
    if (this.#threads.length === 0) return false;
    this.#threadsTruncated = true;
    this.#thread = null;
    return true;
  }

  setRuntimeState(state: string): boolean {
    if (this.#runtimeState !== null || this.#kind === "windowsException") return false;
    this.#runtimeState = state;
    this.#kind = "fatal";
    return true;
  }

  /** One line of exception text. */
  addException(line: string): void {
    const length = (this.#exception?.length ?? 0) + line.length;
    if (length > limits.MAX_EXCEPTION_CHARS) {
      this.note("exception-text-cut", `only ${limits.MAX_EXCEPTION_CHARS} bytes of it are kept`);
    } else {
      this.#exception = this.#exception === null ? line : `${this.#exception}\n${line}`;
    }
  }

  openCStack(): void {
    this.#cStack = { frames: [], truncated: false, unavailable: null };
    this.#thread = null;
  }

  addCFrame(frame: CStackFrame): boolean {
    if (this.#cStack === null) return false;
    if (this.#cStack.frames.length < limits.MAX_C_FRAMES) this.#cStack.frames.push(frame);
    else this.note("too-many-c-frames", `only the first ${limits.MAX_C_FRAMES} are read`);
    return true;
  }

  /** `unavailable`: the words that stand for the frames; null when older ones are cut off. */
  endCStack(unavailable: string | null): boolean {
    if (this.#cStack === null) return false;
    this.#cStack.unavailable = unavailable;
    this.#cStack.truncated = unavailable === null;
    return true;
  }

  setModules(modules: ExtensionModules): boolean {
    if (this.#modules !== null || this.#kind === "timeout") return false;
    this.#modules = modules;
    this.#thread = null;
    const { names, found, total } = modules;
    if (found > names.length) {
      this.note("too-many-extension-modules", `only ${names.length} of ${found} are read`);
    } else if (found !== total) {
      this.note("module-names", `CPython counts ${total}; the line divides into ${found}`);
    }
    return true;
  }

  /** A line of the dump was torn and joined again. */
  countJoined(): void {
    this.#joined++;
  }

  /** A line of the dump was torn and is known in part at most. */
  countDamaged(): void {
    this.#damaged++;
  }

  note(code: DumpGapCode, detail: string): void {
    if (!this.#gaps.has(code)) this.#gaps.set(code, detail);
  }

  finish(sameCrashAsPrevious: boolean): Dump {
    this.#completePaths();
    const { message, func, timeout, timeoutSeconds } = this.#header;
    const modules = this.#modules;
    const draft = {
      kind: this.#kind,
      message,
      func,
      runtimeState: this.#runtimeState,
      timeout,
      timeoutSeconds,
      threads: this.#threads.map(finishThread),
      threadsTruncated: this.#threadsTruncated,
      cStack: this.#cStack,
      extensionModules: modules && { names: modules.names, total: modules.total },
      sameCrashAsPrevious,
      exceptionText: this.#exception === null ? null : decodeUtf8(this.#exception),
      span: [this.#start, this.#end] as const,
      gaps: this.#allGaps(),
    };
    const range = versionRange(draft, this.#forms);
    const threads = countsShims(range) ? draft.threads.map(withHiddenCut) : draft.threads;
    return { ...draft, threads, pythonVersionHint: versionHint(range) };
  }

  /** Completes torn paths from the files of intact frames, older and newer ones. */
  #completePaths(): void {
    if (this.#tornPaths.length === 0) return;
    const files = this.#files();
    for (const { frames, index, path } of this.#tornPaths) {
      const frame = frames[index];
      const file = completePath(path, files);
      if (frame === undefined || file === null) continue;
      frames[index] = { file, line: frame.line, name: frame.name };
      this.#damaged--;
      this.#joined++;
    }
  }

  #files(): ReadonlySet<string> {
    const files = new Set<string>();
    for (const { frames } of this.#threads) {
      for (const { file, damaged } of frames) {
        if (file !== null && damaged !== true) files.add(file);
        if (files.size >= limits.MAX_KNOWN_FILES) return files;
      }
    }
    return files;
  }

  #allGaps(): DumpGap[] {
    const gaps = [...this.#gaps].map(([code, detail]) => gap(code, detail));
    if (this.#joined + this.#damaged === 0) return gaps;
    const detail = `lines torn by another writer: ${this.#joined} joined again, ${this.#damaged} known in part`;
    return [...gaps, gap("torn-lines", detail)];
  }
}
