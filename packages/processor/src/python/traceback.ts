/**
 * A Python traceback that stands where a fatal error's threads would.
 *
 * `_Py_FatalError_PrintExc` (Python/pylifecycle.c) prints the pending exception; when it has a
 * traceback, CPython prints no threads at all. Lines as Lib/traceback.py writes them:
 * `  File "x.py", line 3, in f`, innermost last. Of chained exceptions the last block is the one
 * that was pending.
 */
import type { TextFrame } from "@faultline/faulthandler";
import { MAX_TRACEBACK_FRAMES } from "../limits.ts";

export const tracebackHeader = "Traceback (most recent call last):";
const frameLine = /^ {2}File "(.*)", line (\d{1,9}), in (.*)$/;

/** The frames of the last traceback in the text, innermost first; empty when there is none. */
export function tracebackFrames(text: string): TextFrame[] {
  const start = text.lastIndexOf(tracebackHeader);
  if (start < 0) return [];
  const frames: TextFrame[] = [];
  for (const line of text.slice(start).split("\n")) {
    const match = frameLine.exec(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (match === null) continue;
    const [, file, number, name] = match;
    frames.push({ file: file ?? null, line: Number(number), name: name ?? null });
  }
  return frames.slice(-MAX_TRACEBACK_FRAMES).toReversed();
}

/**
 * The line that names the exception behind the last traceback's frames ("shop.errors.Empty: no rows"): the first that is not
 * indented, for a message may go on below it. Null when the traceback ends before it.
 */
export function raisedLine(text: string): string | null {
  const [, ...lines] = text.slice(Math.max(0, text.lastIndexOf(tracebackHeader))).split(/\r?\n/);
  return lines.find((line) => line !== "" && !line.startsWith(" ")) ?? null;
}

/** The exception's own line ("ValueError: left behind by C"): the last one of the text. */
export function exceptionLine(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return (lines.at(-1) ?? "").trim();
}
