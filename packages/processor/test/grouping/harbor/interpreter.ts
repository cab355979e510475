/**
 * CPython's own native frames between C and the eval loop, for minor versions 8 to 14: after gdb's
 * stacks of 3.8 to 3.13. Innermost first; `~` before an inlined one.
 */
type Names = readonly string[];

/** From the way into a function to the eval loop that calls it. */
export const vectorcall = (minor: number): Names =>
  minor === 8
    ? ["~_PyObject_Vectorcall", "call_function"]
    : minor <= 10
      ? ["~_PyObject_VectorcallTstate", "~PyObject_Vectorcall", "~call_function"]
      : minor <= 13
        ? ["~_PyObject_VectorcallTstate", "PyObject_Vectorcall"]
        : ["PyObject_Vectorcall"];

const makeTpCall = (minor: number): Names =>
  minor <= 10
    ? ["_PyObject_MakeTpCall", ...vectorcall(minor)]
    : minor <= 12
      ? ["_PyObject_MakeTpCall", "_PyObject_VectorcallTstate"]
      : ["_PyObject_MakeTpCall"];

/** How the eval loop calls a C function; `direct`: it calls nothing, the loop runs into it. */
export type Convention =
  | "fast"
  | "kw"
  | "o"
  | "varargs"
  | "meth"
  | "methfast"
  | "tpcall"
  | "getitem"
  | "dealloc"
  | "ctypes"
  | "direct";

/** From a C function to the eval loop that called it. */
export function callOf(minor: number, convention: Convention): Names {
  switch (convention) {
    case "fast":
      return ["cfunction_vectorcall_FASTCALL", ...vectorcall(minor)];
    case "kw":
      return ["cfunction_vectorcall_FASTCALL_KEYWORDS", ...vectorcall(minor)];
    case "o":
      return ["cfunction_vectorcall_O", ...vectorcall(minor)];
    case "varargs":
      return [minor === 8 ? "cfunction_call_varargs" : "cfunction_call", ...makeTpCall(minor)];
    case "meth":
      return ["method_vectorcall_VARARGS_KEYWORDS", ...vectorcall(minor)];
    case "methfast":
      return ["method_vectorcall_FASTCALL_KEYWORDS", ...vectorcall(minor)];
    case "tpcall":
      return makeTpCall(minor);
    case "getitem":
      return ["PyObject_GetItem"];
    case "dealloc":
      return minor === 8 ? ["~_Py_Dealloc", "~_Py_DECREF"] : ["_Py_Dealloc", "~Py_DECREF"];
    case "ctypes":
      return [
        "~_call_function_pointer",
        "_ctypes_callproc",
        "PyCFuncPtr_call",
        ...makeTpCall(minor),
      ];
    case "direct":
      return [];
  }
}

/** From a Python function's eval loop to who called the function; half of them took the fast way. */
export function entryOf(minor: number, fromC: boolean, fast: boolean): Names {
  if (minor >= 11) return ["~_PyEval_EvalFrame", "_PyEval_Vector"];
  if (minor === 10)
    return ["~_PyEval_EvalFrame", "_PyEval_Vector", ...(fromC ? ["_PyFunction_Vectorcall"] : [])];
  const loop = minor === 9 ? ["~_PyEval_EvalFrame"] : [];
  if (fast) return [...loop, "function_code_fastcall"];
  const evaluate = minor === 9 ? "_PyEval_EvalCode" : "_PyEval_EvalCodeWithName";
  return [...loop, evaluate, "_PyFunction_Vectorcall"];
}

/** What C code stands between two Python functions, beside special methods. */
export type Way = "*" | "sum" | "sorted" | "exec" | "import" | "task" | "coroutine";

/** C frames between a Python function and its Python caller; null where there are none. */
export function between(minor: number, name: string, way: Way | null): Names | null {
  switch (way) {
    case "coroutine":
      return minor >= 11
        ? null
        : minor === 10
          ? ["gen_send_ex2", "PyIter_Send"]
          : ["gen_send_ex", "_PyGen_Send"];
    case "*":
      return unpacked(minor);
    case "sum":
      return [
        "gen_iternext",
        minor >= 13 ? "builtin_sum_impl" : "builtin_sum",
        ...callOf(minor, "kw"),
      ];
    case "sorted":
      return [
        ...(minor >= 11
          ? ["~_PyObject_VectorcallTstate", "PyObject_CallOneArg"]
          : ["_PyObject_FastCall", "PyObject_CallFunctionObjArgs"]),
        "list_sort_impl",
        "~list_sort",
        "cfunction_vectorcall_FASTCALL_KEYWORDS",
        "~PyObject_Vectorcall",
        "builtin_sorted",
        ...callOf(minor, "kw"),
      ];
    case "exec":
      return [
        "PyEval_EvalCode",
        "~builtin_exec_impl",
        "builtin_exec",
        ...callOf(minor, minor === 8 ? "fast" : "kw"),
      ];
    case "import":
      return [
        ...(minor <= 10
          ? ["object_vacall", "_PyObject_CallMethodIdObjArgs"]
          : ["~_PyObject_VectorcallTstate", "object_vacall", "PyObject_CallMethodObjArgs"]),
        "~import_find_and_load",
        "PyImport_ImportModuleLevelObject",
        "~import_name",
      ];
    case "task":
      return minor >= 12
        ? [
            "gen_send_ex2",
            "PyIter_Send",
            "task_step_impl",
            "task_step",
            "cfunction_vectorcall_O",
            "context_run",
            ...callOf(minor, "kw"),
          ]
        : [
            "gen_send_ex",
            "task_step_impl",
            "task_step",
            "TaskStepMethWrapper_call",
            "_PyObject_MakeTpCall",
            "context_run",
            ...callOf(minor, "kw"),
          ];
    case null:
      return specialMethod(minor, name);
  }
}

/** `function(*arguments)`. */
function unpacked(minor: number): Names | null {
  switch (minor) {
    case 8:
      return ["PyVectorcall_Call", "PyObject_Call", "~do_call_core"];
    case 9:
    case 10:
      return ["PyVectorcall_Call", "~do_call_core"];
    case 11:
      return ["~do_call_core"];
    default:
      return null;
  }
}

function specialMethod(minor: number, name: string): Names | null {
  const prepended = [
    minor === 8
      ? "_PyObject_FastCallDict"
      : minor <= 12
        ? "_PyObject_FastCallDictTstate"
        : "_PyObject_VectorcallDictTstate",
    "_PyObject_Call_Prepend",
  ];
  switch (name) {
    case "__call__":
      return [...prepended, "slot_tp_call", ...makeTpCall(minor)];
    case "__init__":
      return minor >= 13 ? null : [...prepended, "slot_tp_init", "type_call", ...makeTpCall(minor)];
    case "__getitem__":
      return [
        "~_PyObject_VectorcallTstate",
        minor >= 11 ? "vectorcall_method" : "call_method",
        "slot_mp_subscript",
        "PyObject_GetItem",
      ];
    case "__getattr__":
      return minor >= 12
        ? [
            "~_PyObject_VectorcallTstate",
            "PyObject_Vectorcall",
            "call_attribute",
            "_Py_slot_tp_getattr_hook",
            "PyObject_GetAttr",
          ]
        : [
            "_PyObject_FastCall",
            "call_attribute",
            "slot_tp_getattr_hook",
            minor === 8 ? "_PyObject_GetMethod" : "PyObject_GetAttr",
          ];
    case "__repr__":
      return minor >= 11
        ? [
            "_PyObject_VectorcallTstate",
            "~PyObject_CallOneArg",
            "~call_unbound_noarg",
            "slot_tp_repr",
            "PyObject_Repr",
          ]
        : [
            "~_PyObject_CallNoArg",
            "~call_unbound_noarg",
            "slot_tp_repr",
            "PyObject_Repr",
            "cfunction_vectorcall_O",
            ...(minor === 8 ? ["call_function"] : []),
          ];
    case "__eq__":
      return [
        "~_PyObject_VectorcallTstate",
        "slot_tp_richcompare",
        "~do_richcompare",
        "PyObject_RichCompare",
      ];
    case "__hash__":
      return ["~call_unbound_noarg", "slot_tp_hash", "PyObject_Hash", "dict_subscript"];
    default:
      return null;
  }
}
