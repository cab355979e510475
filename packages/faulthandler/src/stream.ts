/**
 * The dumps of one writer, from its lines: each is read as a word of the grammar; where it is none, it
 * is divided where another text ended without a newline, or mended where another writer tore it.
 */
import type { CStackFrame } from "./dump.ts";
import { DumpSequence, type Sink } from "./dump-sequence.ts";
import { ForeignText } from "./foreign.ts";
import { frameStart, isPlainName, readFrame } from "./frame-line.ts";
import { AHEAD_LINES, MAX_FAILED_MENDS, MEND_LINES } from "./limits.ts";
import { type Line, splitLine } from "./lines.ts";
import type { ThreadLine } from "./thread-line.ts";
import { findStart, readToken, type Token } from "./token.ts";
import {
  type Mended,
  mendCFrame,
  mendFrame,
  mendKnown,
  mendName,
  mendThread,
  type TornFrame,
} from "./torn.ts";

export class DumpStream {
  readonly #foreign = new ForeignText();
  readonly #dumps: DumpSequence;
  /** Lines not read yet, so that a torn one can be joined with what follows. */
  readonly #queue: Line[] = [];
  #taken = 0;
  #failedMends = 0;

  constructor(sink: Sink) {
    this.#dumps = new DumpSequence(sink);
  }

  /** Lines that belonged to a dump so far. */
  get taken(): number {
    return this.#taken;
  }

  /** Learns what other writers' lines look like, from those before the first dump. */
  learn(texts: readonly string[]): void {
    for (const text of texts) this.#foreign.learn(text);
  }

  feed(line: Line): void {
    this.#queue.push(line);
    if (this.#queue.length > MEND_LINES) this.#readNext();
  }

  /** No more lines come. `textEnds`: not because other text went on for too long. */
  end(textEnds: boolean): void {
    while (this.#queue.length > 0) this.#readNext();
    this.#dumps.finish(textEnds);
  }

  #readNext(): void {
    const line = this.#queue.shift();
    if (line !== undefined) this.#read(line);
  }

  #read(line: Line): void {
    const word = readToken(line.text, line.whole);
    const token = word === null || this.#isOtherThread(word) ? null : word;
    if (token === null || isOdd(token)) this.#readOdd(token, line);
    else this.#takeOrCut(token, line);
  }

  /** `Thread 0x1f:` and the like are in many a log; a dump of 3.3 on demand goes on with frames. */
  #isOtherThread(token: Token): boolean {
    if (token.kind !== "thread" || token.thread.anonymous || !token.thread.py33) return false;
    return this.#dumps.dump === null && this.#queue[0]?.text.startsWith("  ") !== true;
  }

  /** A line that is no word of the grammar, or one that may hold foreign text. */
  #readOdd(token: Token | null, line: Line): void {
    const start = findStart(line.text, line.whole);
    if (start > 0) {
      const [left, right] = splitLine(line, start);
      this.#readLeft(left);
      this.#read(right);
      return;
    }
    const mended = line.whole ? this.#mend(token, line.text) : null;
    if (mended !== null) this.#takeMended(mended, line);
    else if (token !== null) this.#takeOrCut(token, line);
    else if (this.#takeText(line)) this.#taken++;
    else this.#foreign.learn(line.text);
  }

  /** What stands before the beginning of a dump in its line. */
  #readLeft(line: Line): void {
    const token = readToken(line.text);
    if (token !== null) this.#take(token, line);
    else if (this.#dumps.takeText(line)) this.#taken++;
  }

  #takeText(line: Line): boolean {
    return line.whole ? this.#dumps.takeText(line) : this.#dumps.takeCut(line);
  }

  #takeOrCut(token: Token, line: Line): void {
    if (line.whole || this.#endsItself(token)) this.#take(token, line);
    else this.#dumps.takeCut(line);
  }

  #take(token: Token, line: Line): boolean {
    const taken = this.#dumps.take(token, line);
    if (taken) this.#taken++;
    else if (token.kind !== "blank") this.#dumps.takeText(line);
    return taken;
  }

  /**
   * Whether a word is complete although no newline ends it. Only a frame's name can go on: not past
   * the bracket of `<module>`, nor where nothing longer is called by `_bootstrap_inner`.
   */
  #endsItself(token: Token): boolean {
    if (token.kind !== "frame" || token.frame.name === null) return true;
    const { name } = token.frame;
    const caller = this.#dumps.dump?.lastFrame?.name;
    return name.endsWith(">") || (name === "_bootstrap" && caller === "_bootstrap_inner");
  }

  #mend(token: Token | null, text: string): Mended<Token> | null {
    const dump = this.#dumps.dump;
    const next = this.#queue.slice(0, AHEAD_LINES);
    if (dump === null && token === null) return asThread(mendThread(text, next), false);
    const known = this.#mendKnown(text, next);
    if (known !== null) return known;
    if (token !== null) return token.kind === "frame" ? asFrame(mendName(token.frame, next)) : null;
    const frame = dump?.expectsFrame ? mendFrame(text, next) : null;
    const cFrame = dump?.hasCStack ? mendCFrame(text, next) : null;
    return (
      asFrame(frame ?? frameBehindText(text)) ??
      asCFrame(cFrame) ??
      asThread(mendThread(text, next), dump !== null)
    );
  }

  #mendKnown(text: string, next: readonly Line[]): Mended<Token> | null {
    const begin = this.#foreign.begin(text);
    if (begin <= 0) return null;
    const pieces = this.#failedMends < MAX_FAILED_MENDS ? this.#queue : next;
    const mended = mendKnown(text.slice(0, begin), pieces, this.#foreign);
    if (mended === null) this.#failedMends++;
    return mended;
  }

  #takeMended({ value, used }: Mended<Token>, line: Line): void {
    const pieces = this.#queue.splice(0, used);
    if (!this.#take(value, { ...line, end: pieces.at(-1)?.end ?? line.end })) return;
    const isCFrame = value.kind === "cFrame" && value.frame.file === null;
    if (isCFrame) this.#dumps.dump?.countDamaged();
    else if (value.kind !== "frame" || value.frame.damaged !== true)
      this.#dumps.dump?.countJoined();
  }
}

const asFrame = (mended: Mended<TornFrame> | null): Mended<Token> | null =>
  mended === null ? null : { ...mended, value: { kind: "frame", ...mended.value } };

const asCFrame = (mended: Mended<CStackFrame> | null): Mended<Token> | null =>
  mended === null ? null : { ...mended, value: { kind: "cFrame", frame: mended.value } };

/** `inDump`: outside of one, a thread line must have come back whole. */
const asThread = (mended: Mended<ThreadLine> | null, inDump: boolean): Mended<Token> | null =>
  mended === null || (mended.used === 0 && !inDump)
    ? null
    : { ...mended, value: { kind: "thread", thread: mended.value } };

/** Words that can hold foreign text unnoticed: a function's name, a fatal error's message. */
const isOdd = (token: Token): boolean =>
  token.kind === "frame"
    ? !isPlainName(token.frame.name)
    : token.kind === "header" && token.header.kind === "fatal";

/** A frame in a line that another writer began and did not end. */
function frameBehindText(text: string): Mended<TornFrame> | null {
  const at = text.indexOf(`${frameStart}"`, 1);
  const frame = at < 0 ? null : readFrame(text.slice(at));
  if (frame === null || !isPlainName(frame.name)) return null;
  return { value: { frame, path: null }, used: 0 };
}
