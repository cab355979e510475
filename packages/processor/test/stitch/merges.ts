/**
 * Merged stacks of real dumps, written down by hand from gdb's backtrace of the same process and
 * from what faulthandler printed of it. Innermost first; a line is
 *
 * - `f` a native function by gdb's name, inlined calls included; `?libffi` one without a name, in
 *   that file; `?` one in no file,
 * - `eval` an activation of the eval loop,
 * - `PY f:12` a Python frame at line 12, with its qualified name where the version keeps one.
 *
 * ` ×3` says that the line stands three times. Left out are the interpreter's ways of calling
 * (`isPlumbing`), where processes and threads begin, and callers that gdb infers: a jump replaced
 * them, so that they stand nowhere on the stack.
 */
export interface Merge {
  readonly dump: string;
  /** Thread by its pthread_self(); null: the one that died. */
  readonly thread: string | null;
  readonly lines: string;
}

/** What every call from Python into C passes through, by the names in gdb's backtraces. */
const plumbing = new Set(
  `_PyEval_EvalFrame _PyEval_Vector _PyEval_EvalCodeWithName PyEval_EvalCode PyEval_EvalCodeEx
  _PyFunction_Vectorcall function_code_fastcall call_function do_call_core
  _PyObject_MakeTpCall _PyObject_Vectorcall _PyObject_VectorcallTstate PyObject_Vectorcall
  _PyObject_FastCall PyObject_CallOneArg PyObject_Call PyVectorcall_Call call_unbound_noarg
  method_vectorcall method_vectorcall_VARARGS_KEYWORDS cfunction_call_varargs
  cfunction_vectorcall_O cfunction_vectorcall_FASTCALL_KEYWORDS
  run_eval_code_obj run_mod pyrun_file pyrun_simple_file PyRun_SimpleFileExFlags
  PyRun_AnyFileExFlags _PyRun_SimpleFileObject _PyRun_AnyFileObject pymain_run_file_obj
  pymain_run_file pymain_run_python Py_RunMain pymain_main Py_BytesMain
  t_bootstrap thread_run pythread_wrapper
  __libc_start_call_main __libc_start_main_impl _start start_thread clone3`.split(/\s+/),
);

export const isPlumbing = (name: string): boolean => plumbing.has(name);

const calledByCtypes =
  "?libffi ×2\nffi_call\n_call_function_pointer\n_ctypes_callproc\nPyCFuncPtr_call";

const waitsForInterpreter = `__futex_abstimed_wait_common64
__futex_abstimed_wait_common
__pthread_cond_wait_common
___pthread_cond_timedwait64
PyCOND_TIMEDWAIT
take_gil`;

/** worker.py: `main` renders pages inside one another and crashes in the innermost. */
const oneEvalEach = `PY crash:14
eval
PY render_page:12
eval
PY render_page:11
eval
PY render_page:11
eval
PY render_page:11
eval
PY <module>:111
eval`;

const oneEvalForAll = `PY crash:14
PY render_page:12
PY render_page:11 ×3
PY <module>:111
eval`;

export const merges: readonly Merge[] = [
  {
    dump: "01-py3.8-segv-null",
    thread: null,
    lines: `__strlen_evex
string_at ×2
${calledByCtypes}
PY string_at:514
eval
PY segv_null:15
eval
${oneEvalEach}`,
  },
  {
    dump: "03-py3.10-abort",
    thread: null,
    lines: `__pthread_kill_implementation
__GI_raise
__GI_abort
${calledByCtypes}
PY abort:20
eval
${oneEvalEach}`,
  },
  {
    dump: "04-py3.11-busy-threads",
    thread: null,
    lines: `__strlen_evex
string_at ×2
${calledByCtypes}
PY string_at:519
PY segv_null:15
PY busy_threads:74
${oneEvalForAll}`,
  },
  {
    // Waits for the interpreter's lock, between two instructions of `spin`.
    dump: "04-py3.11-busy-threads",
    thread: "0x7fe3c5b0d6c0",
    lines: `${waitsForInterpreter}
eval_frame_handle_pending
PY busy_threads.<locals>.spin:71
eval
PY Thread.run:982
PY Thread._bootstrap_inner:1045
PY Thread._bootstrap:1002
eval`,
  },
  {
    // Its target is time.sleep itself: C called by the loop that runs Thread.run.
    dump: "04-py3.11-busy-threads",
    thread: "0x7fe3b5ffb6c0",
    lines: `__GI___clock_nanosleep
pysleep
time_sleep
PY Thread.run:982
PY Thread._bootstrap_inner:1045
PY Thread._bootstrap:1002
eval`,
  },
  {
    // A thread that C code made: no Python in it.
    dump: "06-py3.13-nonpy-thread",
    thread: null,
    lines: `__strlen_evex`,
  },
  {
    dump: "06-py3.13-nonpy-thread",
    thread: "0x7ff8d0696b80",
    lines: `__GI___clock_nanosleep
pysleep
time_sleep
PY nonpy_thread:66
${oneEvalForAll}`,
  },
  {
    dump: "09-py3.11-div0",
    thread: null,
    lines: `?
${calledByCtypes}
PY div0:48
${oneEvalForAll}`,
  },
  {
    dump: "10-py3.10-ill",
    thread: null,
    lines: `?
${calledByCtypes}
PY ill:52
eval
${oneEvalEach}`,
  },
  {
    // qsort calls back into Python: two activations, C code of three libraries between them.
    dump: "12-py3.12-qsort-crash",
    thread: null,
    lines: `__strlen_evex
string_at ×2
${calledByCtypes}
PY string_at:525
PY qsort_crash.<locals>.cmp:59
eval
_CallPythonObject
closure_fcn
?libffi ×2
msort_with_tmp ×6
__GI___qsort_r
${calledByCtypes}
PY qsort_crash:60
${oneEvalForAll}`,
  },
  {
    // No module is left that runs: the interpreter clears them, and an object's __del__ crashes.
    dump: "13-py3.13-in-shutdown",
    thread: null,
    lines: `__strlen_evex
${calledByCtypes}
PY D.__del__:78
eval
slot_tp_finalize
PyObject_CallFinalizer
PyObject_CallFinalizerFromDealloc
subtype_dealloc
Py_DECREF
Py_XDECREF
insertdict
_PyModule_ClearDict
finalize_clear_sys_builtins_dict
finalize_modules
_Py_Finalize`,
  },
  {
    dump: "15-py3.12-jump-null",
    thread: null,
    lines: `?
${calledByCtypes}
PY jump_null:19
${oneEvalForAll}`,
  },
  {
    dump: "17-py3.11debian-qsort-crash",
    thread: null,
    lines: `__strlen_evex
string_at
${calledByCtypes}
PY string_at:519
PY qsort_crash.<locals>.cmp:59
eval
_CallPythonObject
closure_fcn
?libffi ×2
msort_with_tmp ×6
__GI___qsort_r
${calledByCtypes}
PY qsort_crash:60
${oneEvalForAll}`,
  },
  {
    dump: "19-py3.13-segv-text",
    thread: null,
    lines: `__memset_avx512_unaligned_erms
${calledByCtypes}
PY segv_text:17
${oneEvalForAll}`,
  },
  {
    dump: "20-py3.11-heap-smash",
    thread: null,
    lines: `_int_free
__GI___libc_free
${calledByCtypes}
PY heap_smash:28
${oneEvalForAll}`,
  },
  {
    dump: "22-py3.13-fatal-from-core",
    thread: null,
    lines: `__pthread_kill_implementation
__GI_raise
__GI_abort
fatal_error_exit
fatal_error
Py_FatalError
${calledByCtypes}
PY fatal:81
${oneEvalForAll}`,
  },
  {
    dump: "23-py3.8-thread-overflow-from-core",
    thread: "0x7f2035047b80",
    lines: `${waitsForInterpreter}
PyEval_RestoreThread
acquire_timed
lock_PyThread_acquire_lock
PY wait:302
eval
PY wait:558
eval
PY start:857
eval
PY thread_overflow:90
eval
${oneEvalEach}`,
  },
];

/** Stacks that repeat: their innermost lines, what repeats, and their outermost lines. */
export interface LongMerge {
  readonly dump: string;
  readonly first: string;
  readonly repeated: string;
  readonly last: string;
}

export const longMerges: readonly LongMerge[] = [
  {
    // Died while it made room for the next frame, which is not there yet.
    dump: "07-py3.13-cstack-overflow",
    first: "_PyEvalFramePushAndInit\nmap_next\nPyIter_Next\nmin_max",
    repeated: "PY cstack_overflow.<locals>.deeper:42\neval\nmap_next\nPyIter_Next\nmin_max",
    last: `PY cstack_overflow.<locals>.deeper:42
PY cstack_overflow:43
${oneEvalForAll}`,
  },
  {
    dump: "23-py3.8-thread-overflow-from-core",
    first: "vgetargskeywords\nPyArg_ParseTupleAndKeywords\nmin_max",
    repeated: "PY deeper:31\neval\nmap_next\nPyIter_Next\nmin_max",
    last: `PY deeper:31
eval
PY thread_deep:32
eval
PY run:870
eval
PY _bootstrap_inner:932
eval
PY _bootstrap:890
eval`,
  },
];
