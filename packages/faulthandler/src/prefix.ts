/**
 * What a log writes in front of every line: `Mar 01 10:00:00 web1 app[4242]: `, `[gw0] `, `> `,
 * `2025-03-01T10:00:00.123456789Z stderr F ` (CRI).
 *
 * Two lines have the same prefix when they differ in the digits of times only: `[gw1] ` and `app[17]: `
 * are other writers than `[gw0] ` and `app[4]: `. Its last spaces are exact: those after it belong to the line.
 */
import { isDigit } from "./frame-line.ts";
import { MAX_PREFIX_CHARS } from "./limits.ts";
import { readToken } from "./token.ts";

const SPACE = 0x20;

/** Where `prefix` ends in `text`; -1 when the text does not begin with it. */
export function matchPrefix(prefix: string, text: string): number {
  const [matched, end] = commonPrefix(prefix, text);
  if (matched === prefix.length) return end;
  // An empty line loses the spaces at its end in many an editor and collector.
  const isStripped = end === text.length && prefix.slice(matched).trim() === "";
  return isStripped && (text !== "" || prefix.trim() === "") ? end : -1;
}

/** How far two texts agree, as a position in each. */
function commonPrefix(prefix: string, text: string): [inPrefix: number, inText: number] {
  let at = 0;
  let end = 0;
  while (at < prefix.length && end < text.length) {
    const wanted = prefix.charCodeAt(at);
    const found = text.charCodeAt(end);
    if (isDigit(wanted) && isDigit(found) && isTime(prefix, at)) {
      at = endOfRun(prefix, at, isDigit);
      end = endOfRun(text, end, isDigit);
    } else if (wanted !== found) {
      break;
    } else if (wanted === SPACE && endOfRun(prefix, at, isSpace) < prefix.length) {
      at = endOfRun(prefix, at, isSpace);
      end = endOfRun(text, end, isSpace);
    } else {
      at++;
      end++;
    }
  }
  return [at, end];
}

const MIN_EPOCH_DIGITS = 9;

/** Whether the digits at `start` belong to a time: 10:00:00.123, 2025-03-01T10, seconds since 1970. */
function isTime(text: string, start: number): boolean {
  const end = endOfRun(text, start, isDigit);
  return (
    end - start >= MIN_EPOCH_DIGITS ||
    /[0-9][-:.,/T]$/.test(text.slice(Math.max(start - 2, 0), start)) ||
    /^[-:.,/T][0-9]/.test(text.slice(end, end + 2))
  );
}

const isSpace = (code: number): boolean => code === SPACE;

function endOfRun(text: string, start: number, belongs: (code: number) => boolean): number {
  let end = start;
  while (belongs(text.charCodeAt(end))) end++;
  return end;
}

/**
 * The prefix that a dump's lines have, told from what stands before its first words and from the
 * lines that follow. Empty when those have none: then another text merely ended without a newline.
 */
export function choosePrefix(before: string, following: readonly string[]): string {
  if (before === "" || before.length > MAX_PREFIX_CHARS) return "";
  let onlyBlank = false;
  for (const text of following) {
    const end = matchPrefix(before, text);
    if (end >= 0 && isLineOfDump(text.slice(end))) return before;
    const shared = before.slice(0, commonPrefix(before, text)[0]);
    if (shared !== "" && isLineOfDump(text.slice(matchPrefix(shared, text)))) return shared;
    if (isLineOfDump(text)) return "";
    onlyBlank ||= end >= 0 && text.slice(end).trim() === "" && text.trim() !== "";
  }
  return onlyBlank ? before : "";
}

function isLineOfDump(text: string): boolean {
  const token = readToken(text);
  return token !== null && token.kind !== "blank";
}
