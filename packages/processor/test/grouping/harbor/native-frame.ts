/** A native function on a stack, before any build, symbol file or walker has had its say. */
import { hash } from "./chance.ts";

export interface NativeFrame {
  /** A native object's key, or one of the interpreter, its modules and the system: `py`, `libc`. */
  readonly object: string;
  /** null: code of a JIT, or of a program without symbols. */
  readonly name: string | null;
  /** Tells places within the function apart. */
  readonly site: number;
  /** Inlined in every build; in some builds. */
  readonly inlined?: "always" | "sometimes";
  /** A system's library by its file's name. */
  readonly library?: string;
}

export const native = (object: string, name: string | null, site = 0): NativeFrame => ({
  object,
  name,
  site,
});

export const py = (name: string): NativeFrame => native("py", name);

/** Modules of the standard library with frames of their own in conventions of calls. */
const moduleOf: Readonly<Record<string, string>> = {
  _call_function_pointer: "ctypes",
  _ctypes_callproc: "ctypes",
  PyCFuncPtr_call: "ctypes",
  task_step_impl: "asyncio",
  task_step: "asyncio",
  TaskStepMethWrapper_call: "asyncio",
};

/** CPython's own frames by name; `~` before an inlined one. */
export const interpreterFrames = (names: readonly string[]): readonly NativeFrame[] =>
  names.map((marked) => {
    const name = marked.replace("~", "");
    const object = moduleOf[name] ?? "py";
    const frame = native(object, name, hash(object, marked));
    return marked === name ? frame : { ...frame, inlined: "always" };
  });
