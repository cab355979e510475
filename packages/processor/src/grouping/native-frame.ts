/** A native frame → its token `object:function` and the part it plays. */
import type { CrashFrame } from "./input.ts";
import { functionKey } from "./native-name.ts";
import { fileName, type NativeObject, nativeObject } from "./native-object.ts";
import { type NativeRole, nativeRule, unlistedRole } from "./native-role.ts";
import type { NativeRule } from "./rules/native-roles.ts";

export interface NativeFrame {
  readonly object: NativeObject;
  /** Normalised; null where the symbols do not tell. */
  readonly name: string | null;
  readonly role: NativeRole;
  readonly rule: NativeRule | null;
  /** `object:function`; null without a name. */
  readonly token: string | null;
  /** File and offset: the same place in the same build, for comparing captures without names. */
  readonly site: string | null;
  readonly inline: boolean;
  /** A stack scan found it: it may belong to no call at all. */
  readonly scanned: boolean;
}

/** Why a frame plays a part that no rule's words explain. */
export const nativeReasons: Readonly<Record<NativeRole, string>> = {
  native: "somebody's native code, further from the crash than the key looks",
  interpreter: "code of the interpreter, which dies of what others did to its objects",
  system: "code that comes with Python or the system, which does as its caller says",
  unsymbolicated: "the symbols at hand do not tell its name",
  cut: "where the signal's handler begins",
  abort: "how a process is ended",
  allocator: "an allocator",
  eval: "runs Python code",
  collector: "the garbage collector",
  dealloc: "ends an object",
  glue: "carries a call",
  base: "where a thread or the process starts",
  helper: "does a small thing for its caller",
  wait: "waits",
};

export function describeNative(frame: CrashFrame): NativeFrame {
  const object = objectOf(frame);
  const found = frame.function === null ? null : functionKey(frame.function);
  const name = found !== null && isNearestExport(found, object) ? null : found;
  const { inline, scanned, module, offset } = frame;
  const site = module === null || offset === null ? null : `${fileName(module)}+${offset}`;
  if (name === null) {
    const role =
      object.origin === "foreign" || object.origin === "unknown"
        ? "unsymbolicated"
        : unlistedRole(object);
    return { object, name, role, rule: null, token: null, site, inline, scanned };
  }
  const rule = nativeRule(object, name);
  const role = rule?.role ?? unlistedRole(object);
  return { object, name, role, rule, token: `${object.key}:${name}`, site, inline, scanned };
}

/**
 * An extension that keeps no names but its exports has one: each of its functions is called
 * `PyInit_codec`, which really runs only during its import.
 */
const isNearestExport = (name: string, { origin }: NativeObject): boolean =>
  origin !== "unknown" && /^(?:PyInit_|PyModuleDef_|init_?module|_init$|_fini$|\.plt)/.test(name);

/** Sources of the C library in a frame of which nothing else is known. */
const librarySource = /[\\/](?:sysdeps|nptl|glibc[^\\/]*|musl[^\\/]*)[\\/]/;
const library = nativeObject("libc.so.6");

const objectOf = ({ module, function: name, file }: CrashFrame): NativeObject =>
  module === null && name === null && file !== null && librarySource.test(file)
    ? library
    : nativeObject(module);
