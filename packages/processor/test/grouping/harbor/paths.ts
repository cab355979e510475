/** Paths of Python files and of native modules, as each image and each release has them. */
import { hash } from "./chance.ts";
import type { Fleet } from "./fleet.ts";
import type { Moment } from "./images.ts";
import { type NativeObject, versionOf } from "./objects.ts";
import { releaseName } from "./releases.ts";

/** A moment with what differs from process to process. */
export interface Process extends Moment {
  readonly pid: number;
  /** Names a notebook's cell. */
  readonly cell: number;
}

export function pythonPath({ seed }: Fleet, file: string, process: Process): string {
  const { image, system, release } = process;
  if (file === "CELL") return cellPath(process);
  const [root, rest] = [file.slice(0, 3), file.slice(file.indexOf("/") + 1)];
  if (system === "pyinst") return root === "SP/" || root === "LIB" ? rest : file;
  if (file.startsWith("<")) return file;
  const path = file.startsWith("SP/")
    ? sitePackages(process) + rest
    : file.startsWith("LIB/")
      ? standardLibrary(process) + rest
      : file.startsWith("BIN/")
        ? `${image.venv}bin/${rest}`
        : image.root.replace("%", releaseName(seed, release)) + file;
  return system === "win" ? path.replaceAll("/", "\\") : path;
}

function cellPath({ minor, pid, cell }: Process): string {
  if (minor >= 9) return `/tmp/ipykernel_${pid}/${cell}.py`;
  return `<ipython-input-${(pid % 60) + 1}-${(cell * 7919).toString(16).slice(0, 12)}>`;
}

const sitePackages = ({ image, system, minor }: Moment): string =>
  system === "win"
    ? `${image.venv}Lib\\site-packages\\`
    : `${image.venv}lib/python3.${minor}/site-packages/`;

function standardLibrary({ image, system, minor }: Moment): string {
  if (system === "win") return `C:\\Python3${minor}\\Lib\\`;
  const { venv } = image;
  const root = venv.includes("conda")
    ? venv
    : system === "aarch64" && !venv.startsWith("/usr/local")
      ? "/usr/"
      : "/usr/local/";
  return `${root}lib/python3.${minor}/`;
}

const windowsSystem = "C:\\Windows\\System32\\";
const bundle = "/opt/harbor-agent/";

/** Modules of the standard library, by key. */
const libraryModules: Readonly<Record<string, string>> = {
  ctypes: "_ctypes",
  ssl: "_ssl",
  asyncio: "_asyncio",
  mmap: "mmap",
};
/** Extensions that are seen between Python and the objects, below site-packages. */
const otherModules: Readonly<Record<string, string>> = {
  cffi: "_cffi_backend",
  numba: "numba/_dispatcher",
  greenlet: "greenlet/_greenlet",
  av: "av/codec/context",
  palib: "pyarrow/lib",
};
const windowsLibraries: Readonly<Record<string, string>> = {
  ntdll: "ntdll.dll",
  kernel32: "kernel32.dll",
  kbase: "KernelBase.dll",
  ucrt: "ucrtbase.dll",
  vcrt: "vcruntime140.dll",
};

/** The module that holds `object`; null for code that belongs to none. */
export function modulePath(
  fleet: Fleet,
  process: Process,
  object: string,
  library = "",
): string | null {
  const known = fleet.objectsByKey.get(object);
  if (known !== undefined) return objectPath(fleet, process, known);
  if (object === "jit") return null;
  const { system, minor } = process;
  const windows = windowsLibraries[object];
  if (windows !== undefined) return windowsSystem + windows;
  if (object === "win")
    return library === "python.exe" ? `C:\\Python3${minor}\\${library}` : windowsSystem + library;
  const standard = libraryModules[object];
  if (standard !== undefined) return standardModule(process, standard);
  const other = otherModules[object];
  if (other !== undefined) return installed(fleet, process, other + suffix(process));
  if (object === "torchpy")
    return installed(
      fleet,
      process,
      `torch/lib/${system === "win" ? "torch_python.dll" : "libtorch_python.so"}`,
    );
  return systemPath(process, object);
}

function standardModule(process: Moment, name: string): string {
  const { system, minor } = process;
  if (system === "win") return `C:\\Python3${minor}\\DLLs\\${name}.pyd`;
  const root = system === "pyinst" ? `${bundle}_internal` : `/usr/local/lib/python3.${minor}`;
  return `${root}/lib-dynload/${name}${suffix(process)}`;
}

const architecture = ({ system }: Moment): string => (system === "aarch64" ? "aarch64" : "x86_64");

function suffix(moment: Moment): string {
  const { system, minor } = moment;
  if (system === "win") return `.cp3${minor}-win_amd64.pyd`;
  const libc = system === "musl" ? "musl" : "gnu";
  return `.cpython-3${minor}-${architecture(moment)}-linux-${libc}.so`;
}

const installed = (fleet: Fleet, process: Process, path: string): string =>
  process.system === "pyinst"
    ? `${bundle}_internal/${path}`
    : pythonPath(fleet, `SP/${path}`, process);

function systemPath(moment: Moment, object: string): string {
  const { image, system, minor } = moment;
  const win = system === "win";
  const musl = system === "musl";
  const arch = architecture(moment);
  const muslLoader = "/lib/ld-musl-x86_64.so.1";
  const executable = `/usr/${image.venv.startsWith("/usr/local") ? "local/" : ""}bin/python3.${minor}`;
  switch (object) {
    case "py":
      if (win) return `C:\\Python3${minor}\\python3${minor}.dll`;
      if (system === "pyinst") return `${bundle}_internal/libpython3.${minor}.so.1.0`;
      return image.shared ? `/usr/local/lib/libpython3.${minor}.so.1.0` : executable;
    case "exe":
      return image.shared ? `/usr/local/bin/python3.${minor}` : executable;
    case "pyiexe":
      return `${bundle}harbor-agent`;
    case "libc":
      if (musl) return muslLoader;
      return `/lib/${arch}-linux-gnu/${image.newGlibc ? "libc.so.6" : "libc-2.31.so"}`;
    case "ld":
      if (musl) return muslLoader;
      return system === "aarch64" ? "/lib/ld-linux-aarch64.so.1" : "/lib64/ld-linux-x86-64.so.2";
    case "libstdcxx":
      return musl
        ? "/usr/lib/libstdc++.so.6.0.32"
        : `/usr/lib/${arch}-linux-gnu/libstdc++.so.6.0.30`;
    case "ffi":
      return win
        ? `C:\\Python3${minor}\\DLLs\\libffi-8.dll`
        : `/usr/lib/${arch}-linux-gnu/libffi.so.8.1.2`;
    case "libssl":
      return win
        ? `C:\\Python3${minor}\\DLLs\\libssl-3.dll`
        : `/usr/lib/${arch}-linux-gnu/libssl.so.3`;
    default:
      throw new Error(`no module is known for ${object}`);
  }
}

function objectPath(fleet: Fleet, process: Process, object: NativeObject): string {
  const { key, maker, path } = object;
  const win = process.system === "win";
  if (maker === "vendor") {
    if (!win) return path;
    return key === "hsm"
      ? "C:\\Program Files\\Kestrel\\kestrelhsm3.dll"
      : "C:\\Program Files\\Arcus\\arcuscam7.dll";
  }
  const version = versionOf(object, process.release);
  if (object.hashed === true) {
    const named = path.replace("@", hash(key, version, "aw").toString(16).padStart(8, "0"));
    return installed(
      fleet,
      process,
      win ? named.replace(/(\.so.*|\.\d+\.\d+\.so)$/, ".dll") : named,
    );
  }
  if (object.isLibrary === true) {
    const number = object.numbers?.[Math.min(version, object.numbers.length - 1)] ?? "1";
    const named = path.replace("@", number);
    return installed(
      fleet,
      process,
      win ? named.replace("lib/lib", "lib/").replace(/\.so.*/, ".dll") : named,
    );
  }
  // NumPy 2 moved it.
  const moved = key === "umath" && version >= 3 ? path.replace("numpy/core", "numpy/_core") : path;
  const ending = object.stableAbi === true ? (win ? ".pyd" : ".abi3.so") : suffix(process);
  return installed(fleet, process, moved + ending);
}
