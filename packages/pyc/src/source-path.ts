/**
 * The source path that a compiled file answers for.
 *
 * PEP 3147 (`__pycache__/jobs.cpython-312.pyc`), PEP 488 (`.opt-1`); before 3.2 and in zips the compiled file lies beside its
 * source (`jobs.pyc`).
 */
export interface CompiledName {
  /** `app/__pycache__/jobs.cpython-312.pyc` → "app/jobs.py". */
  readonly path: string;
  readonly basename: string;
  /** PEP 488: 0 for none. Among files for one path the least optimised answers best. */
  readonly optimisation: number;
}

const PYC = /^(.+?)(?:\.opt-(\w{1,20}))?\.py[co]$/i;
/** PEP 3147 cache tags, for files that lost their `__pycache__` on the way. */
const CACHE_TAG = /\.(?:cpython|pypy|graalpy|jython|ironpython|pyston)-?[\w-]{1,20}$/i;

/** `path`: with forward slashes. Null for what is no compiled file by its name. */
export function compiledName(path: string): CompiledName | null {
  const folders = path.split("/");
  const compiled = PYC.exec(folders.pop() ?? "");
  if (compiled === null) return null;
  const [, stem = "", optimisation = "0"] = compiled;
  const isCached = folders.at(-1) === "__pycache__";
  if (isCached) folders.pop();
  const basename = `${isCached ? withoutTag(stem) : stem.replace(CACHE_TAG, "")}.py`;
  return {
    path: [...folders, basename].join("/"),
    basename,
    optimisation: /^\d+$/.test(optimisation) ? Number(optimisation) : 1,
  };
}

/** importlib: what follows the last dot is the cache tag, whatever it is. */
function withoutTag(stem: string): string {
  const dot = stem.lastIndexOf(".");
  return dot > 0 ? stem.slice(0, dot) : stem;
}
