/**
 * Python tracebacks in a text, as far as they stand for a stack: `_Py_FatalError_PrintExc` (Python/pylifecycle.c) prints one in
 * the place of a fatal error's threads, sys.excepthook one of an exception that nobody caught.
 */
import { type TextFrame, tracebackFrames } from "@faultline/faulthandler";
import { MAX_TRACEBACK_FRAMES } from "../limits.ts";

export const tracebackHeader = "Traceback (most recent call last):";

/** The frames of the last traceback in the text, innermost first as dumps print them; empty when there is none. */
export const raisingFrames = (text: string): TextFrame[] =>
  tracebackFrames(text.replaceAll("\r\n", "\n")).slice(-MAX_TRACEBACK_FRAMES).toReversed();

/**
 * The line that names the exception behind the last traceback's frames ("shop.errors.Empty: no rows"): the first that is not
 * indented, for a message may go on below it. Null when the traceback ends before it.
 */
export function raisedLine(text: string): string | null {
  const [, ...lines] = text.slice(Math.max(0, text.lastIndexOf(tracebackHeader))).split(/\r?\n/);
  return lines.find((line) => line !== "" && !line.startsWith(" ")) ?? null;
}
