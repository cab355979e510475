/**
 * What a file of an upload is, by its name, and the source path it answers for.
 *
 * PEP 3147 (`__pycache__/jobs.cpython-312.pyc`), PEP 488 (`.opt-1`); before 3.2 and in zips the compiled
 * file lies beside its source (`jobs.pyc`). `app/__pycache__/jobs.cpython-312.pyc` → `app/jobs.py`.
 */
import { MAX_SYMBOL_PATH_CHARS } from "../limits.ts";

export type MemberName =
  | PythonName
  | { readonly use: "archive" }
  | { readonly use: "nothing" }
  | { readonly use: "refused"; readonly reason: string };

export interface PythonName {
  readonly use: "pyc" | "source";
  /** As a source path inside the upload: "app/jobs.py". */
  readonly path: string;
  readonly basename: string;
  /** PEP 488: 0 for none. Among files for one path the least optimised answers best. */
  readonly optimisation: number;
}

const ARCHIVE = /\.(zip|whl|egg|pyz|tar|tar\.gz|tgz|tar\.zst|tzst)$/i;
const PYC = /^(.+?)(?:\.opt-(\w{1,20}))?\.py[co]$/i;
/** PEP 3147 cache tags, for files that lost their `__pycache__` on the way. */
const CACHE_TAG = /\.(?:cpython|pypy|graalpy|jython|ironpython|pyston)-?[\w-]{1,20}$/i;

/** `name`: as the archive or the multipart part spells it. */
export function readMemberName(name: string): MemberName {
  const path = relativePath(name);
  if (typeof path !== "string") return { use: "refused", ...path };
  const folders = path.split("/");
  const basename = folders.pop() ?? "";
  if (ARCHIVE.test(basename)) return { use: "archive" };
  if (/\.py$/i.test(basename)) return { use: "source", path, basename, optimisation: 0 };
  const compiled = PYC.exec(basename);
  if (compiled === null) return { use: "nothing" };
  const [, stem = "", optimisation = "0"] = compiled;
  const isCached = folders.at(-1) === "__pycache__";
  if (isCached) folders.pop();
  const source = `${isCached ? withoutTag(stem) : stem.replace(CACHE_TAG, "")}.py`;
  return {
    use: "pyc",
    path: [...folders, source].join("/"),
    basename: source,
    optimisation: /^\d+$/.test(optimisation) ? Number(optimisation) : 1,
  };
}

/** importlib: what follows the last dot is the cache tag, whatever it is. */
function withoutTag(stem: string): string {
  const dot = stem.lastIndexOf(".");
  return dot > 0 ? stem.slice(0, dot) : stem;
}

/** Forward slashes, no "." and no empty parts; or why the name cannot be a path inside the upload. */
function relativePath(name: string): string | { reason: string } {
  if (name.length > MAX_SYMBOL_PATH_CHARS) {
    return {
      reason: `name of ${name.length} characters (limit MAX_SYMBOL_PATH_CHARS, ${MAX_SYMBOL_PATH_CHARS})`,
    };
  }
  if (/\p{Cc}/u.test(name) || !name.isWellFormed())
    return { reason: "control characters in the name" };
  const slashed = name.replaceAll("\\", "/");
  // a drive letter in any part: `__pycache__/C:x.pyc` would lead to `C:x.py` once its folder is dropped
  if (slashed.startsWith("/") || /(^|\/)[A-Za-z]:/.test(slashed))
    return { reason: "absolute path" };
  const parts = slashed.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return { reason: "path that leads out of the upload (..)" };
  return parts.join("/");
}
