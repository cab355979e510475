/**
 * What a dump's text alone tells of the interpreter's version.
 *
 * A path of the standard library, of libpython or of an extension module is the surest sign and wins.
 * Without one, forms that came or went with a version bound it from both sides. 3.3 and 3.15 are the
 * first and the last version with known forms.
 */
import type { Dump, TextFrame } from "./dump.ts";

/** `/python3.12/`, `/lib/python3.13t/`, `Python312\Lib`, `cpython-312-`, `libpython3.12.so`, `Versions/3.12/`. */
const versionInPath =
  /(?:[\\/](?:lib)?python|Versions[\\/])3\.(\d{1,2})(?=[td]{0,2}(?:[\\/]|\.so|\.dylib|$))|[\\/][Pp]ython3(\d{1,2})(?:-32|t)?\\|\bcpython-3(\d{1,2})t?d?-/;
const comprehension = /^<(?:list|dict|set)comp>$/;

/** Signs that only the lines themselves show. */
export interface FormsSeen {
  /** A thread line without "(most recent call first)", or the 3.3 form of the one-thread title. */
  py33: boolean;
  /** A thread line or title as 3.4+ prints it. */
  py34: boolean;
  /** `<no Python frame>` without its indent. */
  bareNoFrame: boolean;
}

/** Minor versions, both inclusive. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

const FIRST = 3;
const LAST = 99;

export function versionRange(
  dump: Omit<Dump, "pythonVersionHint">,
  forms: FormsSeen,
): VersionRange | null {
  const named = versionFromPaths(dump);
  if (named !== null) return { min: named, max: named };
  let min = forms.py34 ? 4 : FIRST;
  let max = LAST;
  for (const { applies, from = FIRST, to = LAST } of signs(dump, forms)) {
    if (!applies) continue;
    min = Math.max(min, from);
    max = Math.min(max, to);
  }
  return min <= max ? { min, max } : null;
}

/** "3.12", "3.8-3.9", "3.14+"; null when every version is possible. */
export function versionHint(range: VersionRange | null): string | null {
  if (range === null) return null;
  const { min, max } = range;
  if (max === LAST) return min > 4 ? `3.${min}+` : null;
  return min === max ? `3.${min}` : `3.${min}-3.${max}`;
}

/** Whether the interpreter may be one that counts invisible frames (3.14+). */
export const countsShims = (range: VersionRange | null): boolean =>
  range === null || range.max >= 14;

function versionFromPaths({ cStack, threads }: Pick<Dump, "cStack" | "threads">): number | null {
  for (const { file } of cStack?.frames ?? []) {
    const version = versionIn(file);
    if (version !== null) return version;
  }
  for (const { frames } of threads) {
    for (const { file } of frames) {
      const version = versionIn(file);
      if (version !== null) return version;
    }
  }
  return null;
}

function versionIn(file: string | null): number | null {
  if (file === null || !/ython|Versions/.test(file)) return null;
  const match = versionInPath.exec(file);
  const minor = match?.[1] ?? match?.[2] ?? match?.[3];
  return minor === undefined ? null : Number(minor);
}

interface Sign {
  readonly applies: boolean;
  readonly from?: number;
  readonly to?: number;
}

function signs(dump: Omit<Dump, "pythonVersionHint">, forms: FormsSeen): Sign[] {
  const { threads, message } = dump;
  const stops = new Set(threads.map(({ stop }) => stop));
  return [
    { applies: forms.py33, to: 3 },
    { applies: dump.cStack !== null || threads.some(({ osName }) => osName !== null), from: 14 },
    {
      applies: ["freed thread state", "freed frame", "invalid frame"].some((stop) =>
        stops.has(stop),
      ),
      from: 14,
    },
    {
      applies: dump.gaps.some(
        ({ code }) => code === "gil-disabled" || code === "freed-thread-state",
      ),
      from: 14,
    },
    { applies: stops.has("tstate is freed"), from: 13, to: 13 },
    { applies: forms.bareNoFrame, from: 8, to: 9 },
    { applies: stops.has("no Python frame") && !forms.bareNoFrame, from: 10, to: 14 },
    { applies: message === "Floating-point exception", from: 13 },
    { applies: message === "Floating point exception", to: 12 },
    {
      applies: dump.extensionModules !== null || threads.some((thread) => thread.garbageCollecting),
      from: 10,
    },
    { applies: dump.runtimeState !== null, from: 8 },
    { applies: dump.kind === "fatal" && dump.runtimeState === null && threads.length > 0, to: 7 },
    { applies: threads.some(({ framesTruncated }) => framesTruncated === "marked"), to: 12 },
    { applies: threads.some(silentlyCut), from: 13 },
    { applies: threads.some(({ frames }) => frames.some(isComprehension)), to: 11 },
  ];
}

/** 3.13+ stops at 100 frames without a word; a list that ends in a root may just have 100. */
const silentlyCut = ({ frames, framesTruncated }: Dump["threads"][number]): boolean =>
  frames.length === 100 && framesTruncated === "possible" && !isRoot(frames.at(-1));

const isComprehension = ({ name }: TextFrame): boolean => name !== null && comprehension.test(name);

const roots: ReadonlySet<string> = new Set(["<module>", "_bootstrap", "_run_module_as_main"]);

/** Whether a frame is where a thread's Python code begins. */
export const isRoot = (frame: TextFrame | undefined): boolean =>
  frame !== undefined && frame.name !== null && roots.has(frame.name);
