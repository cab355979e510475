/**
 * The object file of a native frame → the key that stays the same on every host that has it:
 * without folder, version, ABI tag, wheel hash and the file name habits of one system.
 */
import { MAX_KNOWN_NAMES, MAX_NAME_CHARS } from "./limits.ts";
import { interpreterFile, runtimeNames, runtimePatterns } from "./rules/runtime-objects.ts";
import { mechanismObjects, stdlibExtensions } from "./rules/stdlib-extensions.ts";

/** Whose code an object is. Only "foreign" ones (an extension, a library, the program) name a bug. */
export type ObjectOrigin = "foreign" | "interpreter" | "runtime" | "unknown";

export interface NativeObject {
  /** `libpython` for the interpreter, `?` for none. */
  readonly key: string;
  readonly origin: ObjectOrigin;
  /** Calls what its caller describes. */
  readonly mechanism: boolean;
  /** An extension module: its file is named as Python wants it. */
  readonly extension: boolean;
}

/** The last component of a path of either kind. */
export const fileName = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);

const unknownObject: NativeObject = {
  key: "?",
  origin: "unknown",
  mechanism: false,
  extension: false,
};
const known = new Map<string, NativeObject>();

export function nativeObject(module: string | null): NativeObject {
  if (module === null) return unknownObject;
  const before = known.get(module);
  if (before !== undefined) return before;
  const object = describe(module);
  if (known.size >= MAX_KNOWN_NAMES) known.clear();
  known.set(module, object);
  return object;
}

function describe(module: string): NativeObject {
  const key = objectKey(module);
  // `[vdso]` is named; `<unknown>`, `??` and `[heap]` are not.
  if (key === "" || /^\W/.test(key)) return unknownObject;
  if (key === "libpython") return { ...unknownObject, key, origin: "interpreter" };
  const mechanism = mechanismObjects.has(key);
  const runtime =
    mechanism ||
    runtimeKeys.has(key) ||
    stdlibExtensions.has(key) ||
    runtimePatterns.some((pattern) => pattern.test(key));
  const extension = extensionFile.test(fileName(module));
  return { key, origin: runtime ? "runtime" : "foreign", mechanism, extension };
}

/** `/usr/lib/libpython3.11.so.1.0` → `libpython`, `cv2.cpython-311-x86_64-linux-gnu.so` → `cv2`, `libtiles-5007b62f.so.3` → `tiles`. */
export function objectKey(module: string): string {
  const name = fileName(module)
    .toLowerCase()
    .replace(/^\[(vdso|vsyscall)\]$/, "$1");
  if (interpreterFile.test(name)) return "libpython";
  const stem = withoutVersion(withoutExtension(name));
  return (runtimeKeys.has(stem) ? stem : withoutPrefix(stem)).slice(0, MAX_NAME_CHARS);
}

/** `libtiles.so` on one system is `tiles.dll` on another. */
function withoutPrefix(stem: string): string {
  return stem.length > 4 && stem.startsWith("lib") ? stem.slice(3) : stem;
}

/** ABI tags of PEP 3149 and of Windows, then what makes a file an object. */
function withoutExtension(name: string): string {
  return name
    .replace(/\.(?:so(?:\.[\w.]+)?|dll|dylib|exe|pyd|sl)$/, "")
    .replace(/\.(?:(?:cpython|pypy|graalpy)-?\d[\w-]*|abi3(?:t)?|cp\d+t?(?:-[\w-]+)?)$/, "");
}

const extensionFile =
  /\.(?:cpython-\d[\w-]*|pypy\d[\w-]*|graalpy\d[\w-]*|abi3t?)\.(?:so|dylib)$|\.pyd$/i;

/** auditwheel's, delvewheel's and delocate's hashes, then versions: `-5007b62f`, `-r0-5007b62f.3.23.dev`, `-2.31`, `-1_1-x64`, `__v0.3.21-gcc_10_3_0`. */
function withoutVersion(stem: string): string {
  return stem
    .replace(/(?:-r\d+)?-(?=[0-9a-f]*\d)(?:[0-9a-f]{8}|[0-9a-f]{32})(?:\.[\w.]+)?$/, "")
    .replace(/_*[-_.]v?\d+(?:[._]\d+)*(?:[._-](?:dev|x64|x86|gcc[\w.]*|t64))*$/, "")
    .replace(/-(?:x64|x86|win_amd64|arm64)$/, "");
}

const runtimeKeys: ReadonlySet<string> = new Set(runtimeNames.map(withoutVersion));
