/**
 * How a log carries a program's lines: as they are, behind a prefix, or as a string in a JSON object
 * a line (Docker's json-file, structured logs). A string may hold a line, several, or a part of one.
 */
import { stringFields } from "./json-line.ts";
import { MAX_LINE_BYTES } from "./limits.ts";
import type { Line } from "./lines.ts";
import { choosePrefix, matchPrefix } from "./prefix.ts";
import { findStart } from "./token.ts";

export interface Envelope {
  /** The program's lines in a line of the log; null when the line is not carried by this envelope. */
  readonly open: (line: Line) => readonly Line[] | null;
  /** What is left when the log ends. */
  readonly rest: () => readonly Line[];
  /** Every line of the log is one of ours, those of other writers included. */
  readonly plain: boolean;
}

const nothing = (): readonly Line[] => [];

export const plainEnvelope: Envelope = { open: (line) => [line], rest: nothing, plain: true };

/**
 * The envelope of the dump that begins at `at` in a line, or in the string under `key` of its JSON.
 * `following`: the next lines of the log.
 */
export function envelopeOf(
  line: Line,
  at: number,
  key: string | null,
  following: readonly Line[],
): Envelope {
  if (key !== null) return jsonEnvelope(key, line, following);
  const prefix = choosePrefix(
    line.text.slice(0, at),
    following.map(({ text }) => text),
  );
  if (prefix === "") return plainEnvelope;
  return { open: (next) => behindPrefix(prefix, next), rest: nothing, plain: false };
}

function behindPrefix(prefix: string, line: Line): Line[] | null {
  const end = matchPrefix(prefix, line.text);
  if (end < 0) return null;
  const textStart = line.textStart === null ? null : line.textStart + end;
  return [{ ...line, text: line.text.slice(end), textStart }];
}

/** Which string of a JSON line begins a dump, null when the line is no such thing. */
export function jsonKey(text: string): string | null {
  for (const [key, value] of stringFields(text) ?? []) {
    if (value.split("\n").some((part) => findStart(part) >= 0)) return key;
  }
  return null;
}

function jsonEnvelope(key: string, first: Line, following: readonly Line[]): Envelope {
  const strings = new JsonStrings(key, stringFields(first.text)?.get(key)?.endsWith("\n") ?? false);
  const inner = new JsonStrings(key, strings.endsLines);
  const lines = [first, ...following].flatMap((line) => inner.open(line) ?? []);
  const index = lines.findIndex(({ text }) => findStart(text) >= 0);
  const begin = lines[index]?.text ?? "";
  const prefix = choosePrefix(
    begin.slice(0, Math.max(findStart(begin), 0)),
    lines.slice(index + 1).map(({ text }) => text),
  );
  const inside = (parts: readonly Line[]): readonly Line[] =>
    parts.flatMap((part) => behindPrefix(prefix, part) ?? []);
  const open = (line: Line): readonly Line[] | null => {
    const parts = strings.open(line);
    return parts === null ? null : inside(parts);
  };
  return { open, rest: () => inside(strings.rest()), plain: false };
}

/** The strings under one key, put together to lines. */
class JsonStrings {
  /** Docker keeps the newline in the string, and cuts longer lines into strings without one. */
  readonly endsLines: boolean;
  readonly #key: string;
  #begun = "";
  #last: Line | null = null;

  constructor(key: string, endsLines: boolean) {
    this.#key = key;
    this.endsLines = endsLines;
  }

  open(line: Line): Line[] | null {
    const value = stringFields(line.text)?.get(this.#key);
    if (value === undefined) return null;
    const texts = value.split("\n");
    texts[0] = this.#begun + (texts[0] ?? "");
    const last = texts.at(-1) ?? "";
    this.#begun = "";
    if (this.endsLines && last.length < MAX_LINE_BYTES) {
      texts.pop();
      this.#begun = last;
      this.#last = line;
    }
    return texts.map((text) => lineOf(text, line));
  }

  /** What a string without a newline began, when no more strings come. */
  rest(): Line[] {
    if (this.#last === null || this.#begun === "") return [];
    return [{ ...lineOf(this.#begun, this.#last), whole: false }];
  }
}

const lineOf = (text: string, line: Line): Line => ({
  ...line,
  text: text.endsWith("\r") ? text.slice(0, -1) : text,
  textStart: null,
});
