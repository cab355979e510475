/**
 * Text for terminals, pagers and mail: printable ASCII only.
 *
 * File names, thread names and messages come from a crashed process; what is not printable ASCII is
 * written as Python's `ascii()` does (\n included), so that nothing in a dump can move a cursor,
 * start a colour or fake a line.
 */
import { TEXT_COLUMNS } from "../limits.ts";

const unprintable = /[^\x20-\x7e]/u;
const unprintables = /[^\x20-\x7e]/gu;

/** Printable ASCII on one line; the rest as \xHH, \uHHHH or \UHHHHHHHH. */
export const plain = (text: string): string =>
  unprintable.test(text) ? text.replace(unprintables, escapeOf) : text;

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

/** Plain text of at most `width` columns, its end cut. */
export function fitStart(text: string, width: number): string {
  const shown = plain(text);
  return shown.length <= width ? shown : `${shown.slice(0, Math.max(0, width - 3))}...`;
}

/** Plain text of at most `width` columns, its start cut: for paths, whose end tells most. */
export function fitEnd(text: string, width: number): string {
  const shown = plain(text);
  return shown.length <= width ? shown : `...${shown.slice(shown.length - width + 3)}`;
}

/** Plain text of at most `width` columns, folders cut from its start: ".../Objects/call.c:240". */
export function fitPath(text: string, width: number): string {
  const shown = plain(text);
  if (shown.length <= width) return shown;
  const cut = shown.slice(shown.length - width + 3);
  const folder = cut.search(/[\\/]/);
  return folder < 0 ? fitEnd(shown, width) : `...${cut.slice(folder)}`;
}

/** Plain text in lines of at most TEXT_COLUMNS, the first behind `lead`, the others indented by as much. */
export function wrapped(lead: string, text: string): string[] {
  const width = Math.max(20, TEXT_COLUMNS - lead.length);
  const lines: string[] = [];
  let line = "";
  for (const word of plain(text).split(" ")) {
    for (const piece of pieces(word, width)) {
      const joined = line === "" ? piece : `${line} ${piece}`;
      if (joined.length <= width) line = joined;
      else {
        lines.push(line);
        line = piece;
      }
    }
  }
  lines.push(line);
  const indent = " ".repeat(lead.length);
  return lines.map((content, index) => (index === 0 ? lead : indent) + content);
}

const LABEL_COLUMNS = 12;

/** "label       value"; nothing for a value that is not known. */
export const labelled = (label: string, value: string | null | undefined): string[] =>
  value === null || value === undefined || value === ""
    ? []
    : wrapped(label.padEnd(LABEL_COLUMNS), value);

function pieces(word: string, width: number): string[] {
  const parts: string[] = [];
  for (let at = 0; at < word.length || at === 0; at += width)
    parts.push(word.slice(at, at + width));
  return parts;
}

const TAB = "    ";

/** A source line as shown, and where UTF-8 byte columns of the original lie in it. */
export interface ShownLine {
  readonly text: string;
  /** Shown column of a byte column; null past the line's end. */
  columnOf(byte: number): number | null;
}

export function shownLine(line: string): ShownLine {
  let text = "";
  let bytes = 0;
  const columns = new Map<number, number>();
  for (const character of line) {
    columns.set(bytes, text.length);
    bytes += utf8Length(character);
    text += character === "\t" ? TAB : plain(character);
  }
  columns.set(bytes, text.length);
  return { text, columnOf: (byte) => columns.get(byte) ?? null };
}

function utf8Length(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}
