/**
 * faulthandler dumps in a text: CPython 3.3-3.15, Linux, macOS, Windows.
 *
 * Python/traceback.c, Modules/faulthandler.c, Python/pylifecycle.c; there is no specification but these.
 *
 *   report      := header-block body* ; a dump on demand has no header
 *   signal      := ("Fatal Python error: " SIGNAL | "Windows fatal exception: " WHAT
 *                | "Fatal Python error from unexpected signum: " N) NL NL pystacks [NL cstack] [NL extmods]
 *   timeout     := "Timeout (" H ":" MM ":" SS ["." uuuuuu] ")!" NL pystacks
 *   fatal       := "Fatal Python error: " [FUNC ": "] MSG NL ["Python runtime state: " STATE NL]
 *                  [exception text] NL pystacks [NL extmods]
 *   pystacks    := ["<Cannot show all threads while the GIL is disabled>" NL] (all-threads | one-thread)
 *   all-threads := thread (NL thread)* [NL ("..." | "<freed thread state>") NL]
 *   thread      := ("Current thread 0x" | "Thread 0x") HEX [" [" NAME "]"] " (most recent call first):" NL
 *                  ["  Garbage-collecting" NL] frames
 *   one-thread  := "Stack (most recent call first):" NL frames
 *   frames      := frame* ["  ..." NL] ["  <" STOP ">" NL]
 *   frame       := '  File "' FILE '", line ' N ' in ' NAME NL      each of the three may be ???
 *   cstack      := "Current thread's C stack trace (most recent call first):" NL cframe*
 *                  ["  <truncated rest of calls>" NL]
 *   extmods     := "Extension modules: " NAME (", " NAME)* " (total: " N ")" NL
 *
 * Around it: any other text, before, between and inside lines; a prefix or a JSON object around every
 * line; UTF-16; an end at any byte. Left out: what a log itself cut off a dump's beginning, and patch
 * levels of the interpreter (told by line numbers of its library).
 */
import { Anchors } from "./anchors.ts";
import type { Dump, DumpGap } from "./dump.ts";
import type { Sink } from "./dump-sequence.ts";
import { type Envelope, envelopeOf, jsonKey, plainEnvelope } from "./envelope.ts";
import { gap } from "./gaps.ts";
import { type Input, openInput } from "./input.ts";
import {
  AHEAD_LINES,
  MAX_DUMPS,
  MAX_NOISE_LINES,
  MAX_STREAMS,
  MAX_TEXT_FRAMES,
  PREFIX_LINES,
} from "./limits.ts";
import { type Line, Lines } from "./lines.ts";
import { DumpStream } from "./stream.ts";
import { findStart } from "./token.ts";
import { mendThread } from "./torn.ts";

export interface ParsedText {
  /** In the order in which they begin. */
  readonly dumps: readonly Dump[];
  /** What concerns the text as a whole; each dump has gaps of its own. */
  readonly gaps: readonly DumpGap[];
}

/**
 * Every dump of a text. Never throws, whatever the bytes: a text without a dump gives none and the gap
 * "no-dump", a limit that is reached is a gap that names it. Time and memory are linear in the input.
 */
export function parseFaulthandler(bytes: Uint8Array): ParsedText {
  const input = openInput(bytes);
  const { dumps, gaps } = new TextParser(input.bytes).run();
  const sorted = dumps.toSorted((left, right) => left.span[0] - right.span[0]);
  return { dumps: inInput(sorted, input), gaps };
}

/** One writer's lines in the text. */
interface Writer {
  readonly envelope: Envelope;
  readonly stream: DumpStream;
  /** What `stream.taken` was when it last grew, and the lines of the text since. */
  taken: number;
  idle: number;
  /** Lines of the text since the last one of this writer. */
  silent: number;
}

class TextParser {
  readonly #lines: Lines;
  readonly #anchors: Anchors;
  readonly #dumps: Dump[] = [];
  readonly #gaps: DumpGap[] = [];
  readonly #sink: Sink;
  readonly #writers: Writer[] = [];
  #frames = 0;
  /** The text holds more dumps than are read. */
  #isFull = false;
  #hasManyStreams = false;

  constructor(bytes: Buffer) {
    this.#lines = new Lines(bytes);
    this.#anchors = new Anchors(bytes);
    this.#sink = {
      add: (dump) => {
        if (this.#dumps.length < MAX_DUMPS) this.#dumps.push(dump);
        else this.#isFull = true;
      },
      takeFrame: () => ++this.#frames <= MAX_TEXT_FRAMES,
    };
  }

  run(): ParsedText {
    for (let line = this.#next(); line !== null; line = this.#next()) {
      this.#deliver(line);
      this.#closeIdle();
    }
    for (const writer of this.#writers) closeWriter(writer, true);
    if (this.#dumps.length === 0) this.#gaps.push(noDump);
    if (this.#isFull) {
      this.#gaps.push(gap("too-many-dumps", `only the first ${MAX_DUMPS} dumps are read`));
    }
    return { dumps: this.#dumps, gaps: this.#gaps };
  }

  /** The next line worth reading: while nobody writes a dump, one that may begin one. */
  #next(): Line | null {
    if (this.#isFull) return null;
    if (this.#writers.length > 0) return this.#lines.next();
    const place = this.#anchors.next(this.#lines.position);
    if (place >= this.#lines.length) return null;
    this.#lines.skipTo(place);
    return this.#lines.next();
  }

  #deliver(line: Line): void {
    let plain: Writer | undefined;
    for (const writer of this.#writers) {
      writer.idle++;
      writer.silent++;
      if (writer.envelope.plain) plain = writer;
      else if (carry(writer, line)) return;
    }
    if (this.#anchors.next(line.start) < line.end) {
      const envelope = this.#envelopeAt(line);
      if (envelope !== null && (plain === undefined || !envelope.plain)) {
        plain = this.#open(envelope, line);
      }
    }
    if (plain !== undefined) carry(plain, line);
  }

  /** How a dump that begins in this line is carried, null when none does. */
  #envelopeAt(line: Line): Envelope | null {
    const key = jsonKey(line.text);
    const start = key === null ? findStart(line.text, line.whole) : 0;
    if (start > 0 || key !== null)
      return envelopeOf(line, start, key, this.#lines.ahead(PREFIX_LINES));
    if (start === 0) return plainEnvelope;
    const torn = line.whole ? mendThread(line.text, this.#lines.ahead(AHEAD_LINES)) : null;
    return torn === null || torn.used === 0 ? null : plainEnvelope;
  }

  #open(envelope: Envelope, line: Line): Writer {
    if (this.#writers.length >= MAX_STREAMS) this.#closeMostSilent();
    const writer = { envelope, stream: new DumpStream(this.#sink), taken: 0, idle: 0, silent: 0 };
    writer.stream.learn(this.#lines.before(line).flatMap((text) => textsIn(envelope, text)));
    this.#writers.push(writer);
    return writer;
  }

  #closeIdle(): void {
    for (let index = this.#writers.length - 1; index >= 0; index--) {
      if (this.#writers[index]!.idle > MAX_NOISE_LINES) this.#close(index);
    }
  }

  /** Makes room for one more writer. One that is about to go on loses the rest of its dump. */
  #closeMostSilent(): void {
    let index = 0;
    for (const [other, { silent }] of this.#writers.entries()) {
      if (silent > this.#writers[index]!.silent) index = other;
    }
    if (this.#writers[index]!.silent <= 2 * MAX_STREAMS && !this.#hasManyStreams) {
      this.#hasManyStreams = true;
      this.#gaps.push(gap("too-many-streams", `only ${MAX_STREAMS} at a time are followed`));
    }
    this.#close(index);
  }

  #close(index: number): void {
    for (const writer of this.#writers.splice(index, 1)) closeWriter(writer, false);
  }
}

const noDump = gap(
  "no-dump",
  'looked for "Fatal Python error", "Windows fatal exception:", "Timeout (h:mm:ss)!", thread lines and "Stack (most recent call first):"',
);

/** Gives a line to a writer; false when it is not one of its lines. */
function carry(writer: Writer, line: Line): boolean {
  const lines = writer.envelope.open(line);
  if (lines === null) return false;
  writer.silent = 0;
  for (const own of lines) writer.stream.feed(own);
  if (writer.stream.taken !== writer.taken) writer.idle = 0;
  writer.taken = writer.stream.taken;
  return true;
}

function closeWriter({ envelope, stream }: Writer, textEnds: boolean): void {
  for (const line of envelope.rest()) stream.feed(line);
  stream.end(textEnds);
}

const textsIn = (envelope: Envelope, line: Line): string[] =>
  (envelope.open(line) ?? []).map(({ text }) => text);

/** Spans as offsets into the input. */
function inInput(dumps: readonly Dump[], input: Input): Dump[] {
  const ascending = dumps.flatMap(({ span }) => span).toSorted((left, right) => left - right);
  const offsets = input.inputOffsets(ascending);
  const offsetOf = new Map(ascending.map((offset, index) => [offset, offsets[index] ?? offset]));
  return dumps.map((dump) => {
    const [start, end] = dump.span;
    return { ...dump, span: [offsetOf.get(start) ?? start, offsetOf.get(end) ?? end] };
  });
}
