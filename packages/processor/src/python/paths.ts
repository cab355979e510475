/**
 * What a Python file's path alone tells: where its import root is, whose code it is, its module.
 *
 * Layouts: PEP 370 and sysconfig schemes (`lib/pythonX.Y/site-packages`, Debian's `dist-packages`,
 * Windows' `PythonXY\Lib`), zip imports (PEP 273), `<frozen NAME>` (Python/import.c) and the
 * `<string>` kind of name given to `compile()`.
 */

/** Whose code a path is, by the path alone. */
export type Origin = "app" | "site-packages" | "stdlib" | "frozen" | "synthetic";

export interface SourcePath {
  readonly text: string;
  readonly origin: Origin;
  readonly windows: boolean;
  /** Names from the root on, as written; empty for frozen and synthetic ones. */
  readonly components: readonly string[];
  /** Index of the first component below the import root; null when the path does not show it. */
  readonly importRoot: number | null;
}

const windowsStart = /^(?:[A-Za-z]:[\\/]|\\\\)/;
const identifier = /^[\p{ID_Start}_]\p{ID_Continue}*$/u;
const asciiIdentifier = /^[A-Za-z_][A-Za-z0-9_]*$/;
const archive = /\.(?:zip|egg|pyz|whl|par|pex|xar)$/i;
const stdlibArchive = /^python3\d{1,2}t?\.zip$/i;
const pythonFolder = /^(?:python|pypy)3(?:\.\d{1,2})?t?$/;
const windowsHome = /^(?:python3?\d{0,2}(?:-32|-arm64)?|(?:ana|mini|micro)conda3?|miniforge3?)$/i;

/** The path of a frame or of an uploaded file, read once. */
export function sourcePath(text: string): SourcePath {
  if (text.startsWith("<") && text.endsWith(">")) {
    const origin = text.startsWith("<frozen ") ? "frozen" : "synthetic";
    return { text, origin, windows: false, components: [], importRoot: null };
  }
  const windows = windowsStart.test(text) || (text.includes("\\") && !text.includes("/"));
  const components = text
    .split(windows ? /[\\/]/ : "/")
    .filter((component) => component !== "" && component !== ".");
  return { text, windows, components, ...importRootOf(components, windows) };
}

/** Paths of one text, each read once. */
export class SourcePaths {
  readonly #read = new Map<string, SourcePath>();

  read(text: string): SourcePath {
    let path = this.#read.get(text);
    if (path === undefined) {
      path = sourcePath(text);
      this.#read.set(text, path);
    }
    return path;
  }
}

/** The last name of a path: what uploaded files are looked up by. Null when it has none. */
export const baseName = (path: SourcePath): string | null => path.components.at(-1) ?? null;

function importRootOf(
  components: readonly string[],
  windows: boolean,
): { origin: Origin; importRoot: number | null } {
  for (let at = components.length - 2; at >= 0; at--) {
    const component = components[at]!;
    if (component === "site-packages" || component === "dist-packages") {
      return { origin: "site-packages", importRoot: at + 1 };
    }
    if (component.includes(".") && archive.test(component)) {
      if (stdlibArchive.test(component)) return { origin: "stdlib", importRoot: at + 1 };
      const installed = /\.(?:egg|whl)$/i.test(component);
      return { origin: installed ? "site-packages" : "app", importRoot: at + 1 };
    }
    if (isStdlib(components, at, windows)) return { origin: "stdlib", importRoot: at + 1 };
  }
  return { origin: "app", importRoot: null };
}

/** `lib/python3.12`, `lib64/python3.12`, `Python312\Lib`, `miniconda3\envs\NAME\Lib`. */
function isStdlib(components: readonly string[], at: number, windows: boolean): boolean {
  const parent = components[at - 1];
  if (parent === undefined) return false;
  if (parent === "lib" || parent === "lib64") return pythonFolder.test(components[at]!);
  if (!windows || components[at]!.toLowerCase() !== "lib") return false;
  return windowsHome.test(parent) || components[at - 2]?.toLowerCase() === "envs";
}

/** Whether frames of the path are the application's own; null when nothing tells. */
export function inAppByPath(path: SourcePath): boolean | null {
  if (path.origin === "app") return true;
  if (path.origin !== "synthetic") return false;
  // Code given to exec() by the application, a console or a notebook; other "<…>" names are made
  // up by libraries that generate code (attrs, dataclasses, numpy) and by applications alike.
  return /^<(?:string|stdin|script|console|cell|ipython)/.test(path.text) ? true : null;
}

/** Dotted module name where the path shows its import root ("json.decoder"), else null. */
export function moduleByPath(path: SourcePath): string | null {
  if (path.origin === "frozen") return frozenModule(path.text);
  if (path.importRoot === null) return null;
  const names = moduleParts(path.components.slice(path.importRoot));
  return names.every(isIdentifier) ? dotted(names) : null;
}

/**
 * Dotted module name of a file by its path inside an upload: "app/jobs.py" is "app.jobs". Folders
 * that cannot be packages ("shop-1.4.2") and a leading `src` (the PyPA layout) are above the root.
 */
export function moduleInRelease(path: SourcePath): string | null {
  const shown = moduleByPath(path);
  if (shown !== null) return shown;
  const names = moduleParts(path.components);
  let start = names.length;
  while (start > 0 && isIdentifier(names[start - 1]!)) start--;
  if (names[start] === "src" && start + 1 < names.length) start++;
  return dotted(names.slice(start));
}

function frozenModule(text: string): string | null {
  const name = text.slice("<frozen ".length, -1);
  return name.split(".").every(isIdentifier) ? name : null;
}

function moduleParts(components: readonly string[]): string[] {
  const parts = [...components];
  const last = parts.pop();
  if (last !== undefined) parts.push(last.replace(/\.py[wco]?$/i, ""));
  return parts;
}

function dotted(names: readonly string[]): string | null {
  const kept = names.length > 1 && names.at(-1) === "__init__" ? names.slice(0, -1) : names;
  return kept.length === 0 ? null : kept.join(".");
}

const isIdentifier = (name: string): boolean => asciiIdentifier.test(name) || identifier.test(name);

/** Components that two paths share, counted from their ends. Windows paths compare without case. */
export function commonSuffix(left: SourcePath, right: SourcePath): number {
  const anyCase = left.windows || right.windows;
  const limit = Math.min(left.components.length, right.components.length);
  for (let count = 0; count < limit; count++) {
    const a = left.components[left.components.length - 1 - count]!;
    const b = right.components[right.components.length - 1 - count]!;
    if (a !== b && !(anyCase && a.toLowerCase() === b.toLowerCase())) return count;
  }
  return limit;
}
