/**
 * Which of a module's files its cache is built of, and what they still ask for. The choice hangs on what the files are,
 * never on when they came, so that the same files end in the same cache.
 */
import type { MissingFile, NativeFile, SplitFile } from "@faultline/shared";
import { MAX_SPLIT_FILES } from "../limits.ts";

export interface Chosen {
  /** What the cache is about: the object, else its debug file, else a Breakpad .sym. */
  readonly main: NativeFile;
  /** The debug file, where `main` has no debug information of its own. */
  readonly debug: NativeFile | null;
  readonly missing: readonly MissingFile[];
}

/** `files`: readable ones of the module. Null when there are none. */
export function chooseFiles(files: readonly NativeFile[]): Chosen | null {
  const object = best(files.filter(({ kind }) => kind === "object"));
  const debug = best(files.filter((file) => file.kind === "debug" && isOf(file, object)));
  const sym = best(files.filter(({ kind }) => kind === "breakpad"));
  const elf = object === null ? null : pairUp(object, debug);
  const chosen = elf ?? (debug === null ? null : alone(debug));
  if (sym !== null && !(chosen !== null && hasDebugInfo(chosen)))
    return { main: sym, debug: null, missing: [] };
  return chosen;
}

/** Of the same build, or the one whose CRC the object names. */
const isOf = (debug: NativeFile, object: NativeFile | null): boolean =>
  object === null ||
  debug.crc32 === object.debugLinkCrc ||
  (debug.buildId !== null && debug.buildId === object.buildId);

const hasDebugInfo = ({ main, debug }: Chosen): boolean =>
  main.hasDebugInfo || (debug?.hasDebugInfo ?? false);

function pairUp(object: NativeFile, debug: NativeFile | null): Chosen {
  const used = debug !== null && adds(debug, object) ? debug : null;
  const chosen = { main: object, debug: used };
  const { buildId, debugLink } = object;
  const missing: MissingFile[] = hasDebugInfo({ ...chosen, missing: [] })
    ? []
    : [{ role: "debug", buildId, file: debugLink }];
  return { ...chosen, missing };
}

/** Names, lines and inlined calls are there; how to unwind is in the object alone. */
const alone = (debug: NativeFile): Chosen => ({
  main: debug,
  debug: null,
  missing: [{ role: "object", buildId: debug.buildId, file: null }],
});

/** Whether the debug file knows something that the object does not. */
const adds = (debug: NativeFile, object: NativeFile): boolean =>
  !object.hasDebugInfo && (debug.hasDebugInfo || rank(debug) > rank(object));

const rank = ({ symbols }: NativeFile): number =>
  symbols === null ? 0 : ["dynsym", "minidebug", "symtab"].indexOf(symbols) + 1;

/** The file that knows most; of equals the larger, then the one whose hash comes first. */
export function best(files: readonly NativeFile[]): NativeFile | null {
  const [first = null] = files.toSorted(
    (a, b) =>
      Number(b.hasDebugInfo) - Number(a.hasDebugInfo) ||
      rank(b) - rank(a) ||
      Number(b.hasUnwind) - Number(a.hasUnwind) ||
      b.size - a.size ||
      (a.sha256 < b.sha256 ? -1 : 1),
  );
  return first;
}

export interface ChosenSplit {
  readonly files: readonly SplitFile[];
  /** Units that none of them has. */
  readonly missing: number;
}

/** Files that together have as many of the `wanted` units as can be had: those with most first, so a .dwp before its .dwo's. */
export function chooseSplit(wanted: number, files: readonly SplitFile[]): ChosenSplit {
  const had = new Set<string>();
  const chosen: SplitFile[] = [];
  const byUnits = files.toSorted(
    (a, b) => b.units.length - a.units.length || b.size - a.size || (a.sha256 < b.sha256 ? -1 : 1),
  );
  for (const file of byUnits) {
    if (chosen.length === MAX_SPLIT_FILES) break;
    if (file.units.every((unit) => had.has(unit))) continue;
    chosen.push(file);
    for (const unit of file.units) had.add(unit);
  }
  return { files: chosen, missing: Math.max(0, wanted - had.size) };
}
