/** A Python frame → its token `module:function` and the part it plays. */
import type { CrashFrame } from "./input.ts";
import { MAX_NAME_CHARS } from "./limits.ts";
import { type Location, locate, topOf } from "./python-location.ts";
import {
  entryNames,
  helperNames,
  typeParametersPrefix,
  versionDependentNames,
} from "./rules/helper-names.ts";
import { importModules, plumbingPackages, plumbingStdlib } from "./rules/plumbing-modules.ts";
import { waitFunctions } from "./rules/wait-functions.ts";
import {
  anonymousNames,
  wrapperFiles,
  wrapperNamePattern,
  wrapperNames,
  wrapperPackages,
} from "./rules/wrapper-names.ts";

/** The roles of Python frames, and why a frame has one. */
export const pythonRoles = {
  app: "code of the program",
  helper: "name that many classes share; names a bug only together with its callers",
  wrapper: "stands around other calls and comes and goes between releases; looked through",
  entry: "where a program starts; used only when there is nothing else",
  library: "code of an installed package",
  stdlib: "code of the standard library",
  wait: "waits on behalf of its caller; one lock is waited for through many functions",
  plumbing: "carries calls for others (threads, event loops, imports); never part of a key",
  comprehension: "has a frame in some Python versions only; dropped",
  shim: "pushed by the interpreter for itself; dropped",
  unnamed: "has no function name",
} as const;
export type PythonRole = keyof typeof pythonRoles;

export interface PythonFrame {
  readonly role: PythonRole;
  /** Last component of the qualified name. */
  readonly name: string;
  readonly location: Location;
  /** `module:function`; null for frames that may enter no key. */
  readonly token: string | null;
  /** As `token`, with the module as it was given: for people. */
  readonly label: string;
}

export function describePython(frame: CrashFrame): PythonFrame {
  const location = locate(frame.file, frame.module);
  const name = lastName(frame.function ?? "");
  const role = roleOf(frame, location, name);
  const label = `${frame.module ?? location.module}:${name}`.slice(0, 2 * MAX_NAME_CHARS);
  const token = withoutToken.has(role) ? null : `${location.module.slice(-MAX_NAME_CHARS)}:${name}`;
  return { role, name, location, token, label };
}

const withoutToken: ReadonlySet<PythonRole> = new Set(["comprehension", "shim", "unnamed"]);

/** `Outer.<locals>.Span.write` → `write`: reporters differ in giving `co_name` or `co_qualname`. */
export function lastName(qualified: string): string {
  if (qualified.startsWith("<generic")) return qualified.slice(0, MAX_NAME_CHARS);
  const dot = qualified.lastIndexOf(".");
  const last = dot < 0 ? qualified : qualified.slice(dot + 1);
  return (last === "" ? qualified : last).slice(0, MAX_NAME_CHARS);
}

function roleOf(frame: CrashFrame, location: Location, name: string): PythonRole {
  if (frame.role === "helper") return "shim";
  if (name === "") return "unnamed";
  if (versionDependentNames.has(name) || name.startsWith(typeParametersPrefix))
    return "comprehension";
  const wrapper = isWrapper(location, name);
  const installed = location.origin === "package" || location.origin === "stdlib";
  if (frame.inApp ?? !installed) return wrapper ? "wrapper" : roleInApp(name);
  const top = topOf(location.module);
  if (location.origin === "stdlib") {
    if (isWait(location.module, name)) return "wait";
    return plumbingStdlib.has(top) || frame.file?.startsWith("<frozen") === true
      ? "plumbing"
      : "stdlib";
  }
  if (plumbingPackages.has(top)) return "plumbing";
  return wrapper ? "wrapper" : "library";
}

function roleInApp(name: string): PythonRole {
  if (entryNames.has(name)) return "entry";
  return helperNames.has(name) ? "helper" : "app";
}

function isWrapper({ origin, module }: Location, name: string): boolean {
  if (origin === "package" && wrapperPackages.has(topOf(module))) return true;
  if (origin === "generated" && wrapperFiles.has(module)) return true;
  if (anonymousNames.has(name)) return true;
  const bare = name.replace(/^_+/, "").toLowerCase();
  return wrapperNames.has(bare) || wrapperNamePattern.test(bare);
}

function isWait(module: string, name: string): boolean {
  const names = waitFunctions.get(module);
  return names === "*" || names?.has(name) === true;
}

/** True for the frames between an `import` statement and the module body that it runs. */
export const isImport = ({ location }: PythonFrame): boolean =>
  location.origin === "stdlib" && importModules.has(topOf(location.module));
