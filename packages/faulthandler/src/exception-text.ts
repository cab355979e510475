/**
 * The Python exception that was set when a fatal error was raised: `_Py_FatalError_PrintExc`,
 * Python/pylifecycle.c. Without a traceback one line stands before the blank line; with one, a whole
 * traceback stands where the threads would. Lines as Lib/traceback.py writes them.
 */
import type { TextFrame } from "./dump.ts";

const header = "Traceback (most recent call last):";
const chained: ReadonlySet<string> = new Set([
  "During handling of the above exception, another exception occurred:",
  "The above exception was the direct cause of the following exception:",
]);
const frameLine = /^ {2}File "(.*)", line (\d{1,9}), in (.*)$/;

/** Whether a line can be the first of what CPython prints of an exception. */
export function beginsException(line: string): boolean {
  if (line === header) return true;
  const [, path = ""] = /^([A-Za-z_][A-Za-z0-9_.]*)(?:: |$)/.exec(line) ?? [];
  const name = path.slice(path.lastIndexOf(".") + 1);
  return /^[A-Z_]/.test(name) && /[a-z]/.test(name);
}

/** Whether a line joins two tracebacks, with a blank line on either side. */
export const chainsExceptions = (line: string): boolean => chained.has(line);

/** The exception's own line ("ValueError: boom"), the last exception's when several are chained. */
export function exceptionLine(text: string): string {
  const lines = text.slice(Math.max(text.lastIndexOf(header), 0)).split("\n");
  const own = lines.find((line) => line !== "" && line !== header && !line.startsWith(" "));
  return own ?? lines.at(-1) ?? "";
}

/** Frames of the last traceback in the text, outermost first as printed; empty when it has none. */
export function tracebackFrames(text: string): TextFrame[] {
  const start = text.lastIndexOf(header);
  if (start < 0) return [];
  return text
    .slice(start)
    .split("\n")
    .flatMap((line) => {
      const [, file, number, name] = frameLine.exec(line) ?? [];
      return file === undefined || name === undefined ? [] : [{ file, line: Number(number), name }];
    });
}
