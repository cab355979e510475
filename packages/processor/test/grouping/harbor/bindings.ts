/** How Python code enters a native object: the binding's own frames and its Python layer. */
import { hash, share } from "./chance.ts";
import type { Convention } from "./interpreter.ts";
import { native, type NativeFrame } from "./native-frame.ts";
import type { NativeObject } from "./objects.ts";
import { odds } from "./probabilities.ts";
import { type Listed, listed } from "./program-text.ts";
import type { NativeSegment, PythonCall } from "./scene.ts";

/** Native frames with the Python layer above them, outermost first. */
export interface Entered {
  readonly segment: NativeSegment;
  readonly layer: readonly PythonCall[];
}

/** A way through `object`, innermost first, with all that Python needs to get to its entry. */
export function enter(
  object: NativeObject,
  way: readonly string[],
  innermost: { readonly site?: number; readonly frames?: readonly NativeFrame[] } = {},
): Entered {
  const siteAt = (index: number): number =>
    index === 0 && innermost.site !== undefined
      ? innermost.site
      : hash(way[index], way[index - 1] ?? "");
  const last = way.length - 1;
  const { segment, layer } = bindingOf(object, way[last]!);
  const [entry, ...binding] = segment.frames;
  return {
    segment: {
      ...segment,
      frames: [
        ...(innermost.frames ?? []),
        ...way.slice(0, last).map((name, index) => native(object.key, name, siteAt(index))),
        { ...entry!, site: siteAt(last) },
        ...binding,
      ],
    },
    layer,
  };
}

/** An entry's frame and those of its binding. */
export function bindingOf(object: NativeObject, entry: string): Entered {
  const { inner, frames, convention } = bindings[object.binding](object, entry);
  return {
    segment: { frames: [inner ?? native(object.key, entry, 7), ...frames], convention },
    layer: layerOf(object, entry),
  };
}

interface Binding {
  /** What the entry is called, where not by its name. */
  readonly inner?: NativeFrame;
  /** Between the entry and the interpreter. */
  readonly frames: readonly NativeFrame[];
  readonly convention: Convention;
}

const bindings: Readonly<
  Record<NativeObject["binding"], (object: NativeObject, entry: string) => Binding>
> = {
  c: ({ key }, entry) => ({
    frames: [],
    convention: (["fast", "kw", "varargs", "methfast"] as const)[hash(key, entry) % 4]!,
  }),
  pybind: ({ key }) => ({
    frames: [
      native(
        key,
        "pybind11::cpp_function::initialize<pybind11::object (*&)(pybind11::object)>(pybind11::object (*&)(pybind11::object))::{lambda(pybind11::detail::function_call&)#3}::_FUN(pybind11::detail::function_call&)",
        3,
      ),
      native(key, "pybind11::cpp_function::dispatcher(_object*, _object*, _object*)", 5),
    ],
    convention: "varargs",
  }),
  cython: cythonBinding,
  rust: ({ key, direct }, entry) => ({
    frames:
      direct === true
        ? []
        : [
            { ...native(key, "pyo3::impl_::trampoline::trampoline", 3), inlined: "sometimes" },
            native(key, entry.replace("__py", "trampoline::__py"), 2),
          ],
    convention: hash(key, entry) % 2 === 1 ? "kw" : "methfast",
  }),
  numpy: (_, entry) => ({
    frames: [
      native("umath", entry.includes("gesv") ? "DOUBLE_matmul" : "cblas_matrixproduct", 3),
      native("umath", "array_matrixproduct", 5),
    ],
    convention: "kw",
  }),
  ctypes: () => ({ frames: ffiFrames, convention: "ctypes" }),
  pyav: () => ({
    frames: [
      native("av", "__pyx_f_2av_5codec_7context_12CodecContext__send_packet_and_recv", 2),
      native("av", "__pyx_pw_2av_5codec_7context_12CodecContext_7decode", 3),
    ],
    convention: "methfast",
  }),
  torch: (_, entry) => {
    const operator = /_ops::(\w+)::/.exec(entry)?.[1];
    const name = `torch::autograd::THPVariable_${operator}(_object*, _object*, _object*)`;
    return { frames: [native("torchpy", name, 2)], convention: "varargs" };
  },
  pyarrow: (_, entry) => ({
    frames: [native("palib", arrowMethod(entry), 3)],
    convention: "kw",
  }),
};

export const ffiFrames: readonly NativeFrame[] = [
  native("ffi", "ffi_call_unix64", 1),
  native("ffi", "ffi_call_int", 2),
  native("ffi", "ffi_call", 3),
];

/** Cython numbers a method's two halves; a build may inline the inner one. */
function cythonBinding({ key, mangled, entries }: NativeObject, entry: string): Binding {
  const index = entries.indexOf(entry);
  const number = 2 * index + (index > 3 ? 12 : 4);
  const inner: NativeFrame = {
    ...native(key, `__pyx_pf_${mangled}_${number}${entry}`, 7),
    inlined: "sometimes",
  };
  return {
    inner,
    frames: [native(key, `__pyx_pw_${mangled}_${number + 1}${entry}`, 4)],
    convention: hash(key, entry) % 2 === 1 ? "kw" : "o",
  };
}

const arrowMethod = (entry: string): string =>
  entry.includes("Table::")
    ? "__pyx_pw_7pyarrow_3lib_5Table_37combine_chunks"
    : entry.includes("parquet")
      ? "__pyx_pw_7pyarrow_8_parquet_13ParquetReader_13read_all"
      : "__pyx_pw_7pyarrow_8_compute_8Function_6call";

/** Python layers of more than one function, by a part of the entry's name. */
const layers: Readonly<
  Partial<Record<NativeObject["binding"], readonly (readonly [string, readonly Listed[]])[]>>
> = {
  torch: [
    [
      "linear",
      listed(`
SP/torch/nn/modules/module.py: _call_impl
SP/torch/nn/modules/linear.py: forward
`),
    ],
    [
      "embedding",
      listed(`
SP/torch/nn/modules/module.py: _call_impl
SP/torch/nn/functional.py: embedding
`),
    ],
  ],
  pyarrow: [
    ["parquet", listed("SP/pyarrow/parquet/core.py: read_table read")],
    ["Call", listed("SP/pyarrow/compute.py: func")],
  ],
};

function layerOf(object: NativeObject, entry: string): readonly PythonCall[] {
  const { key, binding, wrapper, entries } = object;
  const known = layers[binding];
  if (known !== undefined) return known.find(([part]) => entry.includes(part))?.[1] ?? [];
  const name = wrapper?.names[entries.indexOf(entry)];
  if (wrapper === undefined || name === undefined) return [];
  const wraps = binding === "ctypes" || share(key, entry, "wrap") < odds.wrapped;
  return wraps ? [{ file: wrapper.file, name }] : [];
}
