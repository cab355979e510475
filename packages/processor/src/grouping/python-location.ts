/**
 * Where a Python frame's code belongs, from its file and module name.
 *
 * The answer must be the same on every host that runs the program: no deploy root, virtual
 * environment, interpreter version, release name or build number may reach it.
 *
 * The report's own reading of paths (python/paths.ts) serves another end and may improve at any
 * time; this one is part of an algorithm and may not, so it shares nothing with it.
 */
import { MAX_KNOWN_PATHS, MAX_PATH_CHARS } from "./limits.ts";
import {
  deployDirectoryNames,
  deployDirectoryShapes,
  projectRoots,
} from "./rules/deploy-directories.ts";
import { stdlibModules } from "./rules/stdlib-modules.ts";

/**
 * "app": the program itself. "package": installed beside it. "stdlib": comes with Python.
 * "generated": no file, code made at run time.
 */
export type Origin = "app" | "package" | "stdlib" | "generated";

export interface Location {
  readonly origin: Origin;
  /** Dotted and portable: two components of a program's own module, all of an installed one's. */
  readonly module: string;
}

/** Components that an application's module keeps; more would reach into the deploy root. */
const APP_MODULE_PARTS = 2;

const unknownLocation: Location = { origin: "app", module: "?" };

export function locate(file: string | null, module: string | null): Location {
  if (file === null) return module === null ? unknownLocation : fromModule(module);
  const found = remembered(file);
  return module === null || found.origin === "generated" ? found : named(found.origin, module);
}

const known = new Map<string, Location>();

/** A path's location depends on nothing else, so remembering it changes no answer. */
function remembered(file: string): Location {
  const before = known.get(file);
  if (before !== undefined) return before;
  const location = fromFile(file);
  // A path that was cut keeps the whole of it in memory.
  if (file.length >= MAX_PATH_CHARS) return location;
  if (known.size >= MAX_KNOWN_PATHS) known.clear();
  known.set(file, location);
  return location;
}

function fromFile(file: string): Location {
  if (/^<[^>]*>$/.test(file) || ipykernel.test(file)) return fromSyntheticFile(file);
  // `<embedded stdlib>/tarfile.py`: how programs with a Python built into them name its files.
  return fromPath(file.replace(/^<[^>]*>[\\/]+/, ""));
}

const ipykernel = /[\\/]ipykernel_\d+[\\/]/;
const notebookCell: Location = { origin: "generated", module: "<notebook-cell>" };

/** `<frozen importlib._bootstrap>`, `<string>`, `<ipython-input-3-9f…>`, `<decorator-gen-12>`. */
function fromSyntheticFile(file: string): Location {
  const frozen = /^<frozen ([\w.]+)>$/.exec(file)?.[1];
  if (frozen !== undefined) {
    const origin = stdlibModules.has(topOf(frozen)) || frozen.startsWith("_") ? "stdlib" : "app";
    return named(origin, frozen);
  }
  if (ipykernel.test(file) || /^<(?:ipython-input|cell)\b/.test(file)) return notebookCell;
  return { origin: "generated", module: file.replaceAll(/[-_. ]?\b[0-9a-f]+\b/gi, withoutNumber) };
}

/** `<lambdifygenerated-3>` and `<cell-9f86d081884c>` count up; a word of the letters a to f does not. */
const withoutNumber = (word: string): string =>
  /^\W?\d+$/.test(word) || (word.length > 8 && /\d/.test(word)) ? "" : word;

function fromModule(module: string): Location {
  return named(stdlibModules.has(topOf(module)) ? "stdlib" : "app", module);
}

function named(origin: Origin, module: string): Location {
  const parts = withoutInit(module.split("."));
  return { origin, module: (origin === "app" ? appParts(parts, 0) : parts).join(".") || module };
}

function fromPath(file: string): Location {
  const windows = /^[A-Za-z]:|\\/.test(file);
  const all = (windows ? file.replaceAll("\\", "/") : file).split("/");
  const parts = all.filter((part) => part !== "" && part !== "." && part !== ".." && part !== "?");
  const last = parts.length - 1;
  if (last < 0) return unknownLocation;
  parts[last] = parts[last]!.replace(/\.(?:py[cow]?|pyx)$/i, "");
  const installed = installedFrom(parts);
  if (installed >= 0)
    return { origin: "package", module: withoutInit(parts.slice(installed)).join(".") };
  const relative = all[0] !== "" && !/^[A-Za-z]:$/.test(all[0]!);
  const standard = standardFrom(parts, relative, windows);
  if (standard >= 0)
    return { origin: "stdlib", module: withoutInit(parts.slice(standard)).join(".") };
  const root = rootLength(parts, all[0] === "", windows);
  return { origin: "app", module: appParts(withoutInit(parts), root).join(".") };
}

/** Index of the first component below `site-packages`, an egg or `__pypackages__`; -1: none. */
function installedFrom(parts: readonly string[]): number {
  for (let index = parts.length - 2; index >= 0; index--) {
    const part = parts[index]!;
    if (part === "site-packages" || part === "dist-packages") return index + 1;
    if (part.endsWith(".egg") && index + 1 < parts.length) return index + 1;
    if (part === "__pypackages__") return Math.min(index + 3, parts.length - 1);
  }
  return -1;
}

const versionedLibrary = /^(?:python|pypy|graalpy)\d+(?:\.\d+)*[a-z]*$/;

/** Index of the first component below the standard library's folder or archive; -1: none. */
function standardFrom(parts: readonly string[], relative: boolean, windows: boolean): number {
  for (let index = parts.length - 2; index >= 0; index--) {
    const part = parts[index]!;
    if (/^python\d{2,}\.zip$/i.test(part)) return index + 1;
    if (!/^lib(?:32|64|-python)?$/i.test(part)) continue;
    const next = parts[index + 1]!;
    if (index + 2 < parts.length && (versionedLibrary.test(next) || part === "lib-python"))
      return index + 2;
    // Windows (`C:\Python39\lib\queue.py`) and source trees (`cpython/Lib/queue.py`).
    if ((windows || part === "Lib") && stdlibModules.has(next)) return index + 1;
  }
  // PyInstaller and cx_Freeze keep only the path inside the library.
  return relative && stdlibModules.has(parts[0]!) ? 0 : -1;
}

const rootPatterns = projectRoots.map((root) => root.split("/"));

/** How many leading components are the host's and the deployment's, whatever their names are. */
function rootLength(parts: readonly string[], absolute: boolean, windows: boolean): number {
  const archive = parts.findLastIndex((part) => /\.(?:zip|pyzw?|pex|whl|par|xar)$/i.test(part));
  if (archive >= 0) return archive + 1;
  const drive = windows && /^[A-Za-z]:$/.test(parts[0]!) ? 1 : 0;
  if (!absolute && drive === 0) return 0;
  const root = rootPatterns.find((pattern) =>
    pattern.every((name, index) => name === "*" || name === parts[drive + index]?.toLowerCase()),
  );
  return drive + (root?.length ?? drive);
}

/** The last two components, fewer where a directory of the deployment comes earlier. */
function appParts(parts: readonly string[], root: number): readonly string[] {
  const end = parts.length;
  let start = end - 1;
  while (start > root && end - start < APP_MODULE_PARTS && !isDeployDirectory(parts[start - 1]!)) {
    start--;
  }
  return parts.slice(Math.max(start, 0));
}

const identifier = /^[\p{L}_][\p{L}\p{N}_]*$/u;

const isDeployDirectory = (name: string): boolean =>
  !identifier.test(name) ||
  deployDirectoryNames.has(name.toLowerCase()) ||
  deployDirectoryShapes.some((shape) => shape.test(name));

/** A package's own code: `media/__init__.py` is module `media`, as `media.py` would be. */
const withoutInit = (parts: readonly string[]): readonly string[] =>
  parts.length > 1 && parts.at(-1) === "__init__" ? parts.slice(0, -1) : parts;

/** First component of a dotted name. */
export const topOf = (module: string): string => {
  const dot = module.indexOf(".");
  return dot < 0 ? module : module.slice(0, dot);
};
