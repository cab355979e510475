/** Native functions, the objects that hold them, and how builds and symbol files spell them. */
import { type Dice, numberOf } from "./dice.ts";
import type { Host } from "./hosts.ts";
import { identifier, nouns, verbs } from "./python-code.ts";

export type Language = "c" | "c++" | "cython" | "rust";

/**
 * `extension`: a Python module. `library`: vendored beside one. `sdk`: a vendor's, of which only
 * the exports are ever known. The others come with Python and the system.
 */
export type ObjectKind = "extension" | "library" | "sdk" | "interpreter" | "stdlib" | "system";

export interface NativeObject {
  readonly name: string;
  readonly kind: ObjectKind;
  readonly package: string;
  readonly language: Language;
  /** Names that a stripped build still has. */
  readonly exports: readonly string[];
}

export interface NativeFunc {
  readonly object: NativeObject;
  readonly name: string;
  /** Class, module or prefix. */
  readonly owner: string;
}

export interface NativeCall extends NativeFunc {
  readonly inline?: boolean;
}

export const interpreter: NativeObject = {
  name: "python",
  kind: "interpreter",
  package: "",
  language: "c",
  exports:
    "PyObject_GetAttr PyList_Append PyDict_SetItem PyErr_SetString PyCFunction_GetFlags PyObject_Size PyType_Ready PyUnicode_New PyTuple_Pack PyEval_SaveThread _PyEval_EvalFrameDefault PyImport_ImportModuleLevelObject PyMem_Malloc PyObject_Str".split(
      " ",
    ),
};
export const libc: NativeObject = {
  name: "libc",
  kind: "system",
  package: "",
  language: "c",
  exports: "abort raise free malloc memcpy qsort __libc_start_main pthread_cond_wait".split(" "),
};
export const standard = (name: string): NativeObject => ({
  name,
  kind: "stdlib",
  package: "",
  language: "c",
  exports: [`PyInit_${name}`],
});
export const system = (name: string): NativeObject => ({
  name,
  kind: "system",
  package: "",
  language: "c",
  exports: [],
});
export const plain = (object: NativeObject, name: string, inline = false): NativeCall => ({
  object,
  name,
  owner: "",
  inline,
});

const packages =
  "tiles geoidx pixelkit vecdb tabular lexer fastxml audioio meshlib torchx cvx pgwire".split(" ");
const parts = "core codec index ops graph _speedups engine kernels".split(" ");

export function objectsOf(roll: Dice): readonly NativeObject[] {
  const extensions = packages.flatMap((pkg) =>
    roll.some(roll.between(1, 2), parts).map((name): NativeObject => {
      const language = roll.pick<Language>(["c", "c++", "c++", "cython", "rust"]);
      return { name, kind: "extension", package: pkg, language, exports: [`PyInit_${name}`] };
    }),
  );
  const vendored = ["vxblas", "pngturbo", "protowire", "sndcodec"].map(
    (name, index): NativeObject => ({
      name,
      kind: "library",
      package: packages[index]!,
      language: index % 2 === 0 ? "c" : "c++",
      exports: Array.from({ length: 12 }, () => `${name}_${identifier(roll)}`),
    }),
  );
  const sdks = ["acmecam", "paylink", "scada"].map((name): NativeObject => ({
    name,
    kind: "sdk",
    package: "",
    language: "c",
    exports: Array.from({ length: 8 }, () => `${name}_${identifier(roll)}`),
  }));
  return [...extensions, ...vendored, ...sdks];
}

const title = (word: string): string => word[0]!.toUpperCase() + word.slice(1);

export function nativeFunc(roll: Dice, object: NativeObject): NativeFunc {
  return { object, name: identifier(roll), owner: roll.pick(nouns) };
}
export const nativeFuncs = (roll: Dice, object: NativeObject, count: number): NativeFunc[] =>
  Array.from({ length: count }, () => nativeFunc(roll, object));

const lengthed = (word: string): string => `${word.length}${word}`;
const argumentLists = ["int", "std::string const&", "void*, unsigned long", "ns::Span<float>, int"];
const typeArguments = ["float", "double", "int", "std::pair<int, float>"];

/** A function's name in a build with symbols: `host` and `release` make the build. */
function spelled(roll: Dice, func: NativeFunc, host: Host, release: number): string {
  const { object, name, owner } = func;
  const build = `${object.name}${host.name}${release}`;
  if (owner === "") return name;
  switch (object.language) {
    case "c":
      return `${object.name}_${owner}_${name}${cloneSuffix(roll)}`;
    case "c++": {
      const member = `${object.package || object.name}::${title(owner)}<${roll.pick(typeArguments)}>::${name}`;
      if (host.system === "windows") return member;
      return `${member}(${roll.pick(argumentLists)})${roll.chance(0.1) ? " [clone .cold]" : ""}`;
    }
    case "cython":
      return `__pyx_f_${lengthed(object.package)}_${lengthed(object.name)}_${name}`;
    case "rust":
      return `${object.package}::${owner}::${name}::h${hex16(build + name)}`;
  }
}

const hex16 = (text: string): string =>
  (numberOf(text).toString(16) + numberOf(`${text}!`).toString(16)).padEnd(16, "0").slice(0, 16);

const cloneSuffix = (roll: Dice): string =>
  roll.chance(0.12) ? roll.pick([".cold", ".part.0", ".constprop.0", ".isra.0.cold"]) : "";

/** What a host knows of an object's names: `exports` gives the nearest export before the address. */
export type Symbols = "full" | "symtab" | "exports" | "none";

/** `stripped`: the share of an extension's builds that keep no names but exports. */
export function symbolsOf(host: Host, object: NativeObject): Symbols {
  const chance = (numberOf(`${host.name}/${object.package}/${object.name}`) % 1000) / 1000;
  const { stripped } = host;
  switch (object.kind) {
    case "sdk":
      return "exports";
    case "extension":
    case "library":
      if (chance < stripped) return chance < stripped * 0.6 ? "exports" : "none";
      return chance < (1 + stripped) / 2 ? "full" : "symtab";
    case "interpreter":
      return chance < stripped / 2 ? "exports" : chance < 0.6 ? "full" : "symtab";
    case "stdlib":
      return chance < stripped / 2 ? "exports" : "symtab";
    case "system":
      return chance < 0.93 ? "symtab" : "none";
  }
}

/** Null: no name. Undefined: no frame, for the symbols do not tell of inlined calls. */
export function nameIn(
  roll: Dice,
  call: NativeCall,
  host: Host,
  release: number,
): string | null | undefined {
  const symbols = symbolsOf(host, call.object);
  if (call.inline === true && symbols !== "full") return undefined;
  if (symbols === "none") return null;
  const name = spelled(roll, call, host, release);
  const { exports } = call.object;
  if (symbols !== "exports" || exports.includes(name) || call.object.kind === "system") return name;
  if (exports.length === 0) return null;
  const wheel = Math.floor(release / 4);
  return exports[numberOf(`${host.system}${wheel}${call.owner}${call.name}`) % exports.length]!;
}

/** The object's file name in a host's module list. */
export function fileOf(host: Host, object: NativeObject, release: number): string {
  const { name, kind } = object;
  const windows = host.system === "windows";
  if (kind === "interpreter") return host.interpreter;
  if (name === "libc") return host.libc;
  if (kind === "system") return windows ? `${name}.dll` : `${name}.so.${numberOf(name) % 9}`;
  const machine = host.system === "arm64" ? "aarch64" : "x86_64";
  const tag = `cpython-3${host.minor}${host.freeThreaded ? "t" : ""}-${machine}-linux-${host.system === "musl" ? "musl" : "gnu"}`;
  if (kind === "stdlib") return windows ? `${name}.pyd` : `${name}.${tag}.so`;
  if (kind === "extension") {
    if (windows) return `${name}.cp3${host.minor}-win_amd64.pyd`;
    return object.language === "rust" ? `${name}.abi3.so` : `${name}.${tag}.so`;
  }
  const hash = hex16(`${name}${Math.floor(release / 3)}`).slice(0, 8);
  if (kind === "library")
    return windows ? `${name}-${hash}.dll` : `lib${name}-${hash}.so.${release}`;
  return windows ? `${name}.dll` : `lib${name}.so.4`;
}

/** Names that nobody called: what a stack scan finds on the way. */
export const garbageName = (roll: Dice): string => `${roll.pick(verbs)}_${roll.pick(nouns)}_impl`;
