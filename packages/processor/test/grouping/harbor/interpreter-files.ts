/**
 * Where CPython's functions are: by file, in the order of the build, exported ones with `+`. A
 * walker without symbols names the last exported function before the one that really ran.
 */
const files: Readonly<Record<string, string>> = {
  "Objects/methodobject.c":
    "+PyCFunction_NewEx +PyCMethod_New +PyCFunction_GetFlags cfunction_vectorcall_FASTCALL cfunction_vectorcall_FASTCALL_KEYWORDS cfunction_vectorcall_NOARGS cfunction_vectorcall_O cfunction_call cfunction_call_varargs",
  "Objects/call.c":
    "+_Py_CheckFunctionResult +_PyObject_FastCallDict +_PyObject_FastCallDictTstate +_PyObject_VectorcallDictTstate +_PyObject_MakeTpCall +PyObject_Vectorcall +_PyFunction_Vectorcall +PyVectorcall_Call +PyObject_Call +_PyObject_Call_Prepend function_code_fastcall +_PyObject_FastCall _PyObject_VectorcallTstate +PyObject_CallOneArg +PyObject_CallFunctionObjArgs +PyObject_CallMethodObjArgs +_PyObject_CallMethodIdObjArgs object_vacall _PyObject_Vectorcall _PyObject_CallNoArg",
  "Python/ceval.c":
    "+Py_SetRecursionLimit +_PyEval_EvalFrameDefault +_PyEval_EvalCode +_PyEval_EvalCodeWithName +_PyEval_Vector +PyEval_EvalCodeEx +PyEval_EvalCode call_function do_call_core import_name _PyEval_EvalFrame _PyEvalFramePushAndInit +PyEval_SaveThread take_gil +PyEval_RestoreThread",
  "Objects/typeobject.c":
    "+PyType_Modified +_PyType_Lookup type_call slot_tp_call slot_tp_init slot_tp_repr slot_tp_hash slot_mp_subscript slot_tp_richcompare slot_tp_getattr_hook +_Py_slot_tp_getattr_hook slot_tp_finalize subtype_dealloc subtype_traverse call_attribute call_unbound_noarg vectorcall_method call_method +PyType_IsSubtype +PyType_GenericAlloc",
  "Objects/object.c":
    "+PyObject_Repr +PyObject_Hash +PyObject_GetAttr +_PyObject_GetMethod +PyObject_RichCompare +PyObject_CallFinalizer +PyObject_CallFinalizerFromDealloc +_Py_Dealloc none_dealloc do_richcompare +_PyObject_GenericGetAttrWithDict +PyObject_IsTrue",
  "Objects/abstract.c":
    "+PyObject_GetItem +PyNumber_Add binary_op1 +PyIter_Next +PyIter_Send +PySequence_List",
  "Objects/dictobject.c":
    "+PyDict_New free_keys_object lookdict_unicode_nodummy +_Py_dict_lookup insertdict dictresize dict_dealloc dict_traverse dict_subscript +PyDict_GetItem +PyDict_SetItem +_PyDict_MaybeUntrack +PyDict_Next dict_merge",
  "Objects/listobject.c":
    "+PyList_New +PyList_Append list_dealloc list_traverse list_extend _list_extend list_extend_iter_lock_held list_sort_impl list_sort list_slice",
  "Objects/tupleobject.c": "+PyTuple_New tupledealloc tupletraverse tuplehash +PyTuple_Pack",
  "Objects/unicodeobject.c":
    "+PyUnicode_New unicode_dealloc +PyUnicode_InternInPlace +_PyUnicode_EqualToASCIIString +PyUnicode_RichCompare unicode_hash +PyUnicode_FromFormat +PyUnicode_AsUTF8AndSize",
  "Objects/obmalloc.c":
    "+PyMem_RawMalloc _PyObject_Malloc pymalloc_alloc _PyObject_Free pymalloc_free +PyObject_Malloc +PyObject_Free +PyMem_Realloc",
  "Objects/genobject.c": "+_PyGen_Finalize gen_send_ex gen_send_ex2 gen_iternext gen_dealloc",
  "Objects/frameobject.c":
    "+PyFrame_GetBack frame_dealloc frame_traverse +_PyFrame_Clear _PyFrame_ClearExceptCode",
  "Objects/classobject.c": "+PyMethod_New method_vectorcall method_dealloc",
  "Objects/descrobject.c":
    "+PyDescr_NewMethod method_vectorcall_VARARGS_KEYWORDS method_vectorcall_FASTCALL_KEYWORDS",
  "Objects/funcobject.c": "+PyFunction_New func_dealloc func_traverse",
  "Objects/floatobject.c": "+PyFloat_FromDouble float_dealloc",
  "Objects/longobject.c": "+_PyLong_New long_richcompare",
  "Objects/setobject.c": "+PySet_Add set_add_entry set_dealloc",
  "Objects/weakrefobject.c": "+PyObject_ClearWeakRefs clear_weakref",
  "Modules/gcmodule.c":
    "+PyGC_Enable visit_decref subtract_refs update_refs deduce_unreachable visit_reachable move_unreachable gc_collect_main gc_collect_generations collect collect_with_callback gc_collect_with_callback gc_alloc +_PyObject_GC_New +_PyObject_GC_NewVar +_PyObject_GC_Alloc +PyObject_GC_Del _Py_RunGC gc_collect_region +PyObject_GC_UnTrack",
  "Python/import.c":
    "+PyImport_ImportModuleLevelObject import_find_and_load +_PyImport_LoadDynamicModuleWithSpec _imp_create_dynamic_impl _imp_create_dynamic",
  "Python/pylifecycle.c":
    "+Py_FatalError fatal_error_exit fatal_error +_Py_FatalErrorFunc +Py_FinalizeEx +_Py_FatalErrorFormat",
  "Python/bltinmodule.c":
    "+_PyBuiltin_Init builtin_exec builtin_exec_impl builtin_sum builtin_sum_impl builtin_sorted map_next",
  "Python/pythonrun.c":
    "+PyRun_AnyFileExFlags +PyRun_SimpleFileExFlags +_PyRun_SimpleFileObject +_PyRun_AnyFileObject pyrun_simple_file pyrun_file run_mod run_eval_code_obj",
  "Modules/main.c":
    "+Py_RunMain pymain_run_module pymain_run_python pymain_run_file pymain_run_file_obj pymain_main +Py_BytesMain +Py_Main",
  "Modules/_threadmodule.c":
    "+PyThread_GetInfo t_bootstrap thread_run acquire_timed lock_PyThread_acquire_lock rlock_acquire pythread_wrapper bootstrap +PyThread_acquire_lock_timed",
  "Modules/_asynciomodule.c": "task_step_impl task_step TaskStepMethWrapper_call",
  "Python/context.c": "+PyContext_New context_run",
  "Modules/_functoolsmodule.c": "partial_fastcall partial_call partial_vectorcall",
  "Modules/_io/bufferedio.c":
    "_enter_buffered_busy _io_BufferedReader_read1 _bufferedreader_raw_read",
  "Modules/faulthandler.c": "faulthandler_fatal_error faulthandler_thread",
  "Modules/posixmodule.c": "os_abort os_read",
  "Modules/socketmodule.c": "sock_recv_into sock_call_ex",
  "Modules/selectmodule.c": "select_poll_poll select_epoll_poll",
  "Modules/timemodule.c": "time_sleep",
  "Python/pystate.c": "+PyThreadState_Get +PyGILState_Ensure +PyInterpreterState_Get",
};

export interface InterpreterFunction {
  readonly name: string;
  readonly file: string;
  readonly exported: boolean;
}

export const interpreterFunctions: readonly InterpreterFunction[] = Object.entries(files).flatMap(
  ([file, names]) =>
    names.split(" ").map((name) => ({
      name: name.replace("+", ""),
      file,
      exported: name.startsWith("+"),
    })),
);
