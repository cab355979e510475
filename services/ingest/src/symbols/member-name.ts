/** What a file of an upload is, by its name, and the source path it answers for. */
import { compiledName, type CompiledName } from "@faultline/pyc";
import { MAX_SYMBOL_PATH_CHARS } from "../limits.ts";

export type MemberName =
  | PythonName
  | { readonly use: "archive" }
  | { readonly use: "nothing" }
  | { readonly use: "refused"; readonly reason: string };

/** `path` is a source path inside the upload: "app/jobs.py". */
export interface PythonName extends CompiledName {
  readonly use: "pyc" | "source";
}

const ARCHIVE = /\.(zip|whl|egg|pyz|tar|tar\.gz|tgz|tar\.zst|tzst|a)$/i;

/** `name`: as the archive or the multipart part spells it. */
export function readMemberName(name: string): MemberName {
  const path = relativePath(name);
  if (typeof path !== "string") return { use: "refused", ...path };
  const basename = path.slice(path.lastIndexOf("/") + 1);
  if (ARCHIVE.test(basename)) return { use: "archive" };
  if (/\.py$/i.test(basename)) return { use: "source", path, basename, optimisation: 0 };
  const compiled = compiledName(path);
  return compiled === null ? { use: "nothing" } : { use: "pyc", ...compiled };
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
