/**
 * The interpreter's functions that stand in a stack whatever the program does, by name, as a C
 * compiler's clones and parts of them are called without their suffixes. `*` stands for any
 * characters.
 *
 * CPython 3.8 – 3.15: Python/ceval.c, Objects/call.c, Objects/methodobject.c, Objects/descrobject.c,
 * Objects/classobject.c, Python/pythonrun.c, Modules/main.c, Modules/_threadmodule.c. Not in the
 * lists: what says through which protocol or built-in function Python was entered (`map_next`,
 * `slot_tp_finalize`, `builtin_exec`), and what a crash in the interpreter itself is told by.
 */

/** An activation of one of these runs Python frames (3.14 and later: handlers on top of it). */
export const evalLoop = "_PyEval_EvalFrameDefault";
export const evalHandler = /^_TAIL_CALL_/;

/** What leads from C into the eval loop, and from there into C. */
export const callMachinery = `
_PyEval_EvalFrameDefault _TAIL_CALL_*
_PyEval_EvalFrame PyEval_EvalFrame PyEval_EvalFrameEx _PyEval_Vector _PyEval_EvalCode
_PyEval_EvalCodeWithName PyEval_EvalCode PyEval_EvalCodeEx _PyEval_Call*
_PyFunction_Vectorcall _PyFunction_FastCall* function_code_fastcall fast_function
call_function call_function_* do_call do_call_core
_PyObject_MakeTpCall PyObject_Call PyObject_CallObject PyObject_CallNoArgs PyObject_CallOneArg
PyObject_CallFunction* PyObject_CallMethod* _PyObject_Call* PyObject_Vectorcall*
_PyObject_Vectorcall* _PyObject_FastCall* PyVectorcall_Call _PyVectorcall_Call _PyVectorcall_*
object_vacall _PyStack_* vectorcall_* call_unbound* call_method* callmethod*
_PyCallMethodDescriptor* _Py_BuiltinCallFast* _Py_CallBuiltin* _Py_VectorCall*
cfunction_call* cfunction_vectorcall_* cfunction_fastcall* _PyCFunction_* PyCFunction_Call*
_PyMethodDef_* _PyMethodDescr_* method_vectorcall method_vectorcall_* method_call
methoddescr_call* classmethoddescr_call* wrapper_call wrapperdescr_* instancemethod_call
_Py_EnterRecursiveCall* _Py_LeaveRecursiveCall*
`;

/** Where a Python program begins, and a thread that Python starts. */
export const startMachinery = `
Py_BytesMain Py_Main Py_RunMain pymain_* run_mod run_eval_code_obj pyrun_* pyrun_file
PyRun_* _PyRun_* t_bootstrap thread_run pythread_wrapper bootstrap
`;

/** Where the system begins a process or a thread. */
export const systemStart = `
_start __libc_start_main __libc_start_main_impl __libc_start_call_main start_thread clone clone3
__clone __clone3 _pthread_start thread_start start BaseThreadInitThunk RtlUserThreadStart
`;
