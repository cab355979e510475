/**
 * Where one dump ends and the next begins, from the words of one writer's lines.
 *
 * A dump begins at a header; at the one-thread title; at a thread line that no blank line precedes, or
 * that names a thread which the dump has; at the title of a second C stack, or of one that no blank
 * line precedes and no signal explains. What does not fit the grammar there is foreign.
 */
import type { Dump } from "./dump.ts";
import { DumpAssembly } from "./dump-assembly.ts";
import { beginsException, chainsExceptions } from "./exception-text.ts";
import type { Header } from "./header.ts";
import type { Line } from "./lines.ts";
import { whatIsMissing } from "./missing.ts";
import type { ThreadLine } from "./thread-line.ts";
import { beginsToken, type Token } from "./token.ts";

/** Where finished dumps go, and what bounds the frames of all of them. */
export interface Sink {
  readonly add: (dump: Dump) => void;
  /** False when the text may have no more frames. */
  readonly takeFrame: () => boolean;
}

/** A dump on demand begins without a header. */
const headerless = (kind: "dump" | "cstack"): Header => ({
  kind,
  message: null,
  func: null,
  timeout: null,
  timeoutSeconds: null,
});

export class DumpSequence {
  readonly #sink: Sink;
  #dump: DumpAssembly | null = null;
  #previous: Dump | null = null;
  /** The open dump's header stood right behind a fatal error's last line. */
  #glued = false;
  /** A blank line stands between the dump's last line and here. */
  #blank = false;
  /** Foreign lines between the dump's last line and here. */
  #foreign = 0;
  /** Between a header and the blank line or thread that ends it. */
  #preamble = false;
  /** The blank line around "During handling of the above exception…" is still to come. */
  #chaining = false;
  /** The writer's log keeps no blank lines. */
  #blanksLost = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** The dump that lines now belong to. */
  get dump(): DumpAssembly | null {
    return this.#dump;
  }

  /** Takes a word of the grammar; false when it is foreign where it stands. */
  take(token: Token, line: Line): boolean {
    if (token.kind === "blank") {
      this.#takeBlank();
      return true;
    }
    if (!this.#fits(token, line)) return false;
    this.#dump?.extend(line.end);
    if (line.cut)
      this.#dump?.note("long-line", `only the first ${line.text.length} bytes are read`);
    this.#blank = false;
    this.#foreign = 0;
    return true;
  }

  /** Takes a line that is no word of the grammar; false when it is foreign. */
  takeText(line: Line): boolean {
    const dump = this.#dump;
    if (dump !== null && this.#isExceptionText(dump, line.text)) {
      dump.addException(line.text);
      dump.extend(line.end);
      return true;
    }
    this.#foreign++;
    return false;
  }

  /** The text ends in this line, which is not whole; false when it is foreign. */
  takeCut(line: Line): boolean {
    const dump = this.#dump;
    if (dump === null || dump.hasModules || this.#foreign > 0 || !beginsToken(line.text)) {
      return this.takeText(line);
    }
    dump.extend(line.end);
    dump.cutAt(line.text);
    return true;
  }

  /** `textEnds`: not because other text went on for too long. */
  finish(textEnds: boolean): void {
    const dump = this.#dump;
    if (dump === null) return;
    const missing = textEnds && this.#foreign === 0 ? whatIsMissing(dump, this.#blank) : null;
    if (missing !== null) dump.note("incomplete", missing);
    const finished = dump.finish(this.#glued && this.#listsSameThreads(dump));
    this.#sink.add(finished);
    this.#previous = finished;
    this.#dump = null;
  }

  #takeBlank(): void {
    this.#blank = true;
    if (!this.#preamble) return;
    this.#preamble = this.#chaining;
    if (this.#chaining) this.#dump?.addException("");
    this.#chaining = false;
  }

  #fits(token: Exclude<Token, { kind: "blank" }>, line: Line): boolean {
    if (token.kind === "header") this.#begin(token.header, line);
    else if (token.kind === "thread") this.#takeThread(token.thread, line);
    else if (token.kind === "cTitle") this.#takeCTitle(line);
    else return this.#dump !== null && this.#belongs(this.#dump, token);
    return true;
  }

  #begin(header: Header, line: Line): void {
    const { kind, message } = header;
    const glued =
      this.#dump?.kind === "fatal" && !this.#blank && this.#foreign === 0 && message === "Aborted";
    this.finish(false);
    this.#glued = glued && kind === "signal";
    this.#dump = new DumpAssembly(header, line.start, line.end);
    this.#preamble = kind !== "timeout" && kind !== "dump" && kind !== "cstack";
    this.#chaining = false;
    this.#blanksLost = false;
  }

  #takeThread(thread: ThreadLine, line: Line): void {
    if (this.#dump === null || !this.#joins(this.#dump, thread)) {
      this.#begin(headerless("dump"), line);
    } else if (this.#preamble) {
      this.#blanksLost = true;
    }
    this.#preamble = false;
    this.#dump?.addThread(thread);
  }

  #joins(dump: DumpAssembly, thread: ThreadLine): boolean {
    if (!dump.accepts(thread)) return false;
    if (dump.threadCount > 0) return this.#blank || this.#blanksLost;
    return !this.#preamble || this.#foreign === 0;
  }

  #takeCTitle(line: Line): void {
    const dump = this.#dump;
    const died = dump?.kind === "signal" || dump?.kind === "windowsException";
    const joins =
      dump?.hasCStack === false &&
      !dump.hasModules &&
      dump.kind !== "timeout" &&
      (died || this.#blank);
    if (!joins) this.#begin(headerless("cstack"), line);
    this.#preamble = false;
    this.#dump?.openCStack();
  }

  #belongs(
    dump: DumpAssembly,
    token: Exclude<Token, { kind: "blank" | "header" | "thread" | "cTitle" }>,
  ): boolean {
    switch (token.kind) {
      case "frame":
        if (!dump.expectsFrame) return false;
        if (this.#sink.takeFrame()) dump.addFrame(token.frame, token.path ?? null);
        else dump.note("too-many-frames", "the text holds more frames than are read");
        this.#preamble = false;
        return true;
      case "framesCut":
      case "collecting":
        return dump.markThread(token.kind);
      case "stop":
        return dump.stopThread(token.words, token.indented);
      case "threadsCut":
        return (this.#blank || this.#blanksLost) && dump.cutThreads();
      case "freedThread":
        dump.note("freed-thread-state", "no thread is listed after it");
        return dump.cutThreads();
      case "gilDisabled":
        dump.note("gil-disabled", "only the current thread is listed");
        return true;
      case "runtimeState":
        return this.#preamble && dump.setRuntimeState(token.state);
      case "cFrame":
        return dump.addCFrame(token.frame);
      case "cCut":
      case "cUnavailable":
        return dump.endCStack(token.kind === "cUnavailable" ? token.words : null);
      case "extensionModules":
        return dump.setModules(token.modules);
    }
  }

  /** Text of the exception that was set when a fatal error was raised: up to a blank line. */
  #isExceptionText(dump: DumpAssembly, text: string): boolean {
    if (dump.kind !== "fatal" || dump.threadCount > 0) return false;
    if (this.#preamble) return dump.exception !== null || beginsException(text);
    if (dump.exception === null || !this.#blank || !chainsExceptions(text)) return false;
    dump.addException("");
    this.#preamble = true;
    this.#chaining = true;
    return true;
  }

  /** The threads of a second dump that CPython prints for one crash, as far as the text goes. */
  #listsSameThreads(dump: DumpAssembly): boolean {
    const threads = this.#previous?.threads ?? [];
    return dump.idents.every((ident, index) => threads[index]?.ident === ident);
  }
}
