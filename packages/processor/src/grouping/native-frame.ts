/**
 * A native frame → `object:function`. Enough to keep crashes apart that have no Python frame at
 * all (a thread that C made); stacks of native code deserve rules of their own, and an algorithm.
 */
import type { CrashFrame } from "./input.ts";
import { MAX_NAME_CHARS } from "./limits.ts";

/** `/usr/lib/libpython3.11.so.1.0` → `libpython`, `cv2.cpython-311-x86_64-linux-gnu.so` → `cv2`. */
export function objectKey(module: string): string {
  const base = module.slice(Math.max(module.lastIndexOf("/"), module.lastIndexOf("\\")) + 1);
  const stem = base
    .toLowerCase()
    .replace(/\.(?:cpython-\d+\w*|abi3|cp\d+)(?:-[\w-]+)?(?=\.(?:so|pyd)$)/, "")
    .replace(/\.(?:so(?:\.[\d.]+)?|dll|dylib|exe|pyd)$/, "")
    .replace(/(?:-r\d+)?-[0-9a-f]{8}(?:\.[\w.]+)?$|-\d[\d.]*$/, "");
  return /^(?:lib)?python\d[\d.]*[a-z]*$/.test(stem) ? "libpython" : stem.slice(0, MAX_NAME_CHARS);
}

/** Cuts what compilers and linkers append: `.cold`, `.isra.0`, `@@GLIBC_2.34`. */
export const functionKey = (name: string): string =>
  name
    .replace(/@@?[\w.]+$/, "")
    .replace(/(?:\.(?:cold|part|isra|constprop|lto_priv|llvm|localalias)(?:\.\d+)?)+$/, "")
    .slice(0, MAX_NAME_CHARS);

/** Null for machinery that the report has marked, and for frames without a name or an object. */
export function nativeToken(frame: CrashFrame): string | null {
  if (frame.role !== null || (frame.function === null && frame.module === null)) return null;
  const object = frame.module === null ? "?" : objectKey(frame.module);
  return `${object}:${frame.function === null ? "?" : functionKey(frame.function)}`;
}

/** The object of a native token. */
export const objectOf = (token: string): string => token.slice(0, token.indexOf(":"));
