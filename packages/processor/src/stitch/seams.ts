/**
 * Where C code lies between a Python frame and its caller, as far as their names and the caller's
 * line tell: there one activation of the eval loop ends and another begins.
 *
 * Measured on CPython 3.11 – 3.15, with cold and with specialised code; "open" is what depends on
 * that, or on what cannot be seen.
 */
import type { EntryWay } from "@faultline/pyc";
import type { PythonFrame } from "@faultline/shared";

/** Whether C code lies there. */
export type Seam = "always" | "never" | "open";

/** `ways`: how the caller's line can have entered `callee`; none where that is not known. */
export function seamOf(
  callee: PythonFrame,
  caller: PythonFrame,
  ways: readonly EntryWay[],
  minor: number | null,
): Seam {
  return byMachinery(callee, caller, minor) ?? byWays(ways, minor);
}

const isFrozenImport = ({ file }: PythonFrame): boolean =>
  file?.startsWith("<frozen importlib") === true;

const isThreading = ({ file }: PythonFrame): boolean => /[\\/]threading\.py$/.test(file ?? "");

/** Lib/importlib/_bootstrap.py: the functions that an import statement enters. */
const importEntries = new Set(["_find_and_load", "_handle_fromlist"]);

/** Code of the standard library that stands below most programs. */
function byMachinery(callee: PythonFrame, caller: PythonFrame, minor: number | null): Seam | null {
  const called = callee.function ?? "";
  if (called === "<module>") return "always";
  if (called === "__del__" && caller.function !== "__del__") return "always";
  if (importEntries.has(called) && isFrozenImport(callee) && !isFrozenImport(caller))
    return "always";
  if (isFrozenImport(callee) && isFrozenImport(caller))
    return caller.function === "_call_with_frames_removed" ? "open" : "never";
  return isThreading(caller) ? inThreading(called, caller.function ?? "", minor) : null;
}

/** `run` is called through `Context.run` from 3.14 on; its target by `f(*args)`, which 3.11 does in C. */
function inThreading(called: string, caller: string, minor: number | null): Seam | null {
  if (caller === "_bootstrap" && called === "_bootstrap_inner") return "never";
  if (minor === null) return null;
  if (caller === "_bootstrap_inner" && called === "run") return minor >= 14 ? "always" : "never";
  return caller === "run" ? (minor >= 12 ? "never" : "always") : null;
}

/** One seam that all ways lead to, else open. */
function byWays(ways: readonly EntryWay[], minor: number | null): Seam {
  const seams = new Set(ways.map((way) => seamOfWay(way, minor)));
  const [only = "open"] = seams;
  return seams.size === 1 ? only : "open";
}

function seamOfWay({ by, named }: EntryWay, minor: number | null): Seam {
  switch (by) {
    case "call":
      // A class, a decorated function or C code that calls back may have another's name.
      return named ? "never" : "open";
    case "attribute":
    case "subscript":
    case "iteration":
    case "exit":
      return "open";
    case "send":
      return minor === null ? "open" : minor >= 12 ? "never" : "always";
    case "enter":
      return minor === null ? "open" : minor >= 14 ? "never" : "always";
    case "other":
      return "always";
  }
}
