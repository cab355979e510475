/** Two reports of one crash, made with different symbols: which of them tells more. */
import type { Frame, Report, Verdict } from "@faultline/shared";

/**
 * A report is worse when it lost something: a module's symbols, the name of a Python function. It is better when it
 * gained any; names may change without either (a symbol table in place of exported names), and stacks get shorter
 * when they are walked right.
 */
export function compareReports(before: Report, after: Report): Verdict {
  const [old, now] = [knownOf(before), knownOf(after)];
  if (now.python < old.python) return "worse";
  if (after.modules.some((module) => isWithout(module) && old.modules.has(idOf(module))))
    return "worse";
  const gained = [...now.modules].some((id) => !old.modules.has(id));
  if (gained || now.python > old.python || now.facts > old.facts) return "better";
  return JSON.stringify(before) === JSON.stringify(after) ? "same" : "changed";
}

type Module = Report["modules"][number];

const idOf = ({ debugId, buildId, name }: Module): string => debugId ?? buildId ?? name;
const isWithout = ({ symbols }: Module): boolean => symbols !== "found" && symbols !== "unused";

interface Known {
  /** Modules whose symbols were found. */
  readonly modules: ReadonlySet<string>;
  /** Python frames whose function is known. */
  readonly python: number;
  /** Names, lines, columns and source of all frames. */
  readonly facts: number;
}

function knownOf({ modules, threads }: Report): Known {
  const found = modules.filter(({ symbols }) => symbols === "found");
  let python = 0;
  let facts = 0;
  for (const { stack } of threads) {
    for (const frame of stack) {
      if (frame.language === "python" && frame.qualname !== null) python++;
      facts += factsOf(frame);
    }
  }
  return { modules: new Set(found.map(idOf)), python, facts };
}

function factsOf(frame: Frame): number {
  const facts =
    frame.language === "python"
      ? [frame.qualname, frame.column, frame.source]
      : [frame.function, frame.line];
  return facts.filter((fact) => fact !== null).length;
}
