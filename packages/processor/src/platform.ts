/** What a dump's paths tell of the machine: operating system, CPU, version of the interpreter. */
import type { Dump } from "@faultline/faulthandler";
import type { CrashMetadata, PythonInfo } from "@faultline/shared";

export interface Platform {
  readonly os: string | null;
  readonly cpu: string | null;
  readonly python: PythonInfo | null;
}

/** Names by the Debian multiarch and sysconfig triplets in library paths. */
const cpus: ReadonlyMap<string, string> = new Map([
  ["x86_64", "amd64"],
  ["aarch64", "arm64"],
  ["i386", "x86"],
  ["arm", "arm"],
]);

const triplet = /\b(x86_64|aarch64|i386|arm)-linux-(?:gnu|musl)/;
const drive = /^(?:[A-Za-z]:\\|\\\\)/;

/**
 * Version folders and libraries: `lib/python3.12`, `bin/python3.14`, `libpython3.8.so`,
 * `Python312\Lib`, `_x.cpython-312-…`.
 */
const versionInPath =
  /(?:^|[\\/])(?:lib)?python3\.(\d{1,2})t?(?=[\\/.]|$)|[\\/]Python3(\d{1,2})(?:-32|-arm64)?\\|\.cpython-3(\d{1,2})t?-/;

export function platformOf(dump: Dump, metadata: CrashMetadata): Platform {
  const paths = pathsOf(dump);
  return { ...machineOf(dump, paths), python: pythonOf(dump, paths, metadata) };
}

function pathsOf(dump: Dump): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const { frames } of dump.threads) {
    for (const { file } of frames) if (file !== null) paths.add(file);
  }
  for (const { file } of dump.cStack?.frames ?? []) if (file !== null) paths.add(file);
  return paths;
}

function machineOf(
  dump: Dump,
  paths: ReadonlySet<string>,
): { os: string | null; cpu: string | null } {
  if (dump.kind === "windowsException") return { os: "windows", cpu: null };
  for (const path of paths) {
    const cpu = triplet.exec(path)?.[1];
    if (cpu !== undefined) return { os: "linux", cpu: cpus.get(cpu) ?? null };
    if (drive.test(path)) return { os: "windows", cpu: null };
    if (path.endsWith(".dylib") || path.includes("/Python.framework/")) {
      return { os: "macos", cpu: null };
    }
  }
  return { os: null, cpu: null };
}

/** What the client says, else what all paths agree on, else what only some versions print. */
function pythonOf(
  dump: Dump,
  paths: ReadonlySet<string>,
  metadata: CrashMetadata,
): PythonInfo | null {
  const said = pythonSaid(metadata);
  if (said !== null) return said;
  const version = onlyVersion(paths);
  if (version !== null) return { version, evidence: "path" };
  const hint = dump.pythonVersionHint;
  return hint === null ? null : { version: hint, evidence: "grammar" };
}

/** The one version that the paths agree on. */
function onlyVersion(paths: Iterable<string>): string | null {
  const minors = new Set<string>();
  for (const path of paths) {
    const match = versionInPath.exec(path);
    const minor = match?.[1] ?? match?.[2] ?? match?.[3];
    if (minor !== undefined) minors.add(minor);
  }
  const [only] = minors;
  return minors.size === 1 ? `3.${only}` : null;
}

/** The version that the names of mapped files agree on: the interpreter's library, extension modules. */
export function pythonOfModules(names: readonly string[]): PythonInfo | null {
  const version = onlyVersion(names);
  return version === null ? null : { version, evidence: "module" };
}

/** The version that the client named, without what may follow it in `sys.version`. */
export function pythonSaid(metadata: CrashMetadata): PythonInfo | null {
  const said = /\d+\.\d+(?:\.\d+)?(?:[a-z]+\d*)?/.exec(metadata.pythonVersion ?? "")?.[0];
  return said === undefined ? null : { version: said, evidence: "metadata" };
}

/** Minor version of CPython 3; null where it is not known, or another Python. */
export function minorOf(python: PythonInfo | null): number | null {
  const digits = /^3\.(\d{1,2})\b/.exec(python?.version ?? "")?.[1];
  return digits === undefined ? null : Number(digits);
}
