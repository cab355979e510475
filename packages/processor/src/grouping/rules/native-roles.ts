/**
 * What native functions do that are not somebody's own code: the first rule that fits decides.
 * Names are as `functionKey` leaves them; `*` stands for any characters. `(v)`: seen in stacks of
 * real processes, the others come from sources and from the lists of other crash services.
 *
 * A `cut` rule may name report-side frames only. (Once a fuzzer's entry was one: it lies at the
 * bottom of the stack, and every crash of the fuzzer became one group.)
 */
export type ListedRole =
  | "cut"
  | "abort"
  | "allocator"
  | "eval"
  | "collector"
  | "dealloc"
  | "glue"
  | "base"
  | "helper"
  | "wait";

/** Where a rule holds. `cpython`: the interpreter, its modules, and objects nobody knows. */
export type RuleScope = "anywhere" | "cpython" | "system";

export type NativeCause =
  | "heap corruption"
  | "assertion"
  | "terminate"
  | "rust panic"
  | "fatal python error";

export interface NativeRule {
  readonly role: ListedRole;
  readonly scope: RuleScope;
  /** Why, for the frame's reason. */
  readonly because: string;
  readonly names: string;
  /** The death has this cause, whatever its signal (a key of `kinds`). */
  readonly cause?: NativeCause;
  /** Among glue: says which protocol of Python was running; names a crash for want of better. */
  readonly telling?: true;
  /** However often it is on a stack, it does not call itself without end: a module is imported once. */
  readonly bounded?: true;
  /** Foreign code was called with the caller's own arguments: the caller is to blame. */
  readonly mechanism?: true;
  /** Among bases: of the process, and of no thread that native code made. */
  readonly process?: true;
}

export const nativeRules: readonly NativeRule[] = [
  {
    role: "cut",
    scope: "anywhere",
    because: "where the signal's handler begins; nothing above it belongs to the crash",
    names: `<signal*handler*called> _sigtramp __restore_rt __restore __kernel_rt_sigreturn
      __default_rt_sa_restorer __default_sa_restorer restore_rt faulthandler_fatal_error
      faulthandler_exc_handler _Py_DumpStack google_breakpad::* crashpad::* crashpad_*
      KiUserExceptionDispatch* RtlDispatchException RtlpExecuteHandlerForException
      UnhandledExceptionFilter __sanitizer::* __asan::* __hwasan::* __ubsan::* *ASAN_OnSIGSEGV*
      __asan_report_* __asan_handle_* fuzzer::Fuzzer::CrashCallback fuzzer::Fuzzer::StaticCrashSignalCallback
      fuzzer::PrintStackTrace`,
  },
  {
    role: "glue",
    scope: "anywhere",
    because: "where Rust catches panics, below every call from Python",
    names: `std::panicking::try* std::panic::catch_unwind* std::panicking::catch_unwind* __rust_try
      std::panicking::try::do_call core::ops::function::FnOnce::call_once*`,
  },
  {
    role: "abort",
    scope: "system",
    because: "how the C library ends a process",
    names: `raise abort gsignal kill tgkill tkill pthread_kill __pthread_kill_implementation
      __pthread_kill_internal pthread_kill@* __libc_message __libc_message_impl __libc_fatal
      __fortify_fail __fortify_fail_abort __stack_chk_fail __stack_chk_fail_local __chk_fail
      *_chk_fail __longjmp_chk ____longjmp_chk __restore_sigs __syscall_ret _exit abort_message
      RaiseException RtlRaiseException _CxxThrowException RtlFailFast* __fastfail
      _invoke_watson _invalid_parameter* __report_gsfailure TerminateProcess
      RaiseFailFastException __pthread_kill pthread_sigmask`,
  },
  {
    role: "abort",
    scope: "system",
    because: "how the C library reports a failed assertion",
    cause: "assertion",
    names: `__assert_fail __assert_fail_base __assert_perror_fail __assert __assert_rtn __assert2
      _wassert _assert common_assert_to_stderr* common_assert common_assert_to_message_box*`,
  },
  {
    role: "abort",
    scope: "anywhere",
    because: "how a library reports a failed check",
    cause: "assertion",
    names: `g_assertion_message g_assertion_message_expr g_assertion_message_* g_log g_logv
      g_log_structured_array *::log_internal::* absl::*LogMessage* *::raw_log_internal::* google::LogMessage*
      google::logging_fail *logging::LogMessage* *logging::CheckError* folly::detail::*
      folly::LogStreamProcessor* c10::detail::torch*Fail c10::*::torch*Fail qt_assert* qFatal*
      QMessageLogger::fatal _PyObject_AssertFailed _Py_NegativeRefcount _PyObject_ASSERT_FAILED_MSG
      tbb::*assertion_failure* rte_panic cv::error* __pyx_fatalerror CHECK_failed *::CheckFailed
      *::check_failed *::assert_fail* *_assert_fail *_assertion_failed *::AssertionFailed`,
  },
  {
    role: "abort",
    scope: "anywhere",
    because: "how CPython ends a process",
    cause: "fatal python error",
    names: `Py_FatalError _Py_FatalErrorFunc _Py_FatalErrorFormat _Py_FatalError_* fatal_error
      fatal_error_exit fatal_error_dump* _Py_FatalRefcountErrorFunc _Py_FatalRefcountError`,
  },
  {
    role: "abort",
    scope: "cpython",
    because: "a program's own call of abort()",
    names: "os_abort os_abort_impl",
  },
  {
    role: "abort",
    scope: "anywhere",
    because: "how C++ ends a process",
    cause: "terminate",
    names: `std::terminate std::unexpected __cxxabiv1::* __gnu_cxx::__verbose_terminate_handler
      __verbose_terminate_handler __terminate __cxa_throw __cxa_rethrow __cxa_throw_bad_array_new_length
      __cxa_pure_virtual __cxa_deleted_virtual __cxa_call_terminate __cxa_bad_cast __cxa_guard_*
      __clang_call_terminate demangling_terminate_handler terminate std::__terminate*
      failed_throw std::rethrow_exception _purecall`,
  },
  {
    role: "abort",
    scope: "anywhere",
    because: "how C++ unwinds",
    names: `_Unwind_* __gxx_personality_v0 __gcc_personality_v0 unwind_phase2 _Unwind_RaiseException_Phase2
      std::__throw_* __CxxFrameHandler* __FrameHandler*::* RtlUnwind*`,
  },
  {
    role: "abort",
    scope: "anywhere",
    because: "how Rust panics",
    cause: "rust panic",
    names: `rust_panic rust_panic_* rust_begin_unwind __rust_start_panic __rust_foreign_exception __rust_drop_panic std::panicking::* core::panicking::*
      std::panic::* std::rt::lang_start* core::option::unwrap_failed core::option::expect_failed
      core::result::unwrap_failed core::slice::index::* core::slice::*_fail core::str::slice_error_fail*
      core::cell::panic_* alloc::alloc::handle_alloc_error alloc::raw_vec::handle_error
      alloc::raw_vec::capacity_overflow alloc::handle_alloc_error alloc::vec::Vec<T>::remove::assert_failed
      panic_abort::* std::sys::*abort_internal std::process::abort std::sys::*::__rust_abort
      std::alloc::rust_oom std::sys_common::backtrace::__rust_end_short_backtrace
      std::sys::backtrace::__rust_end_short_backtrace core::intrinsics::abort`,
  },
  {
    role: "abort",
    scope: "anywhere",
    because: "by its name, how a program ends itself",
    names: `die *_die *::die panic *_panic *::panic *_Panic *::Panic fatal *_fatal *::fatal *_Fatal *::Fatal
      *_fatal_error *::fatal_error
      *FatalError log_fatal *::LogFatal *::log_fatal *_abort *::abort *_Abort *::Abort abort_* *_abort_with_* *abort_handler
      *_terminate_handler *terminate_handler`,
  },
  {
    role: "allocator",
    scope: "anywhere",
    because: "an allocator that found its heap damaged",
    cause: "heap corruption",
    names: `malloc_printerr malloc_consolidate unlink_chunk unlink_chunk.* a_crash
      _PyMem_DebugCheckAddress _PyObject_DebugDumpAddress RtlReportFatalFailure
      RtlReportCriticalFailure RtlpHeapHandleError RtlpReportHeapFailure RtlpLogHeapFailure
      RtlpBreakPointHeap RtlpHpHeapHandleError malloc_error_break malloc_zone_error`,
  },
  {
    role: "allocator",
    scope: "anywhere",
    because: "an allocator; its heap was damaged earlier, by somebody else",
    cause: "heap corruption",
    names: `_int_free _int_free_* _int_malloc _int_realloc _int_memalign sysmalloc systrim
      tcache_get tcache_get_n tcache_put tcache_thread_shutdown tcache_free munmap_chunk mremap_chunk
      largebin_insert get_meta enframe free_group nontrivial_free alloc_group alloc_slot try_avail alloc_meta
      __malloc_alloc_meta __malloc_allzerop __libc_malloc_impl __bin_chunk unbin alloc_fwd alloc_rev
      arena_get2 pymalloc_alloc pymalloc_free pymalloc_realloc address_in_range
      insert_to_freepool insert_to_usedpool RtlpFreeHeap* RtlpAllocateHeap* RtlFreeHeap
      RtlAllocateHeap RtlReAllocateHeap RtlpLow* RtlpCoalesce* RtlpHp* mi_*_page* _mi_*
      je_arena_* je_large_* arena_* tcache_bin_flush* je_tcache_*`,
  },
  {
    role: "allocator",
    scope: "anywhere",
    because: "an allocator",
    names: `malloc calloc realloc reallocarray free cfree memalign aligned_alloc posix_memalign valloc
      je_* tc_* mi_* _malloc_base _free_base _calloc_base _realloc_base
      operator*new operator*delete operator*new[] operator*delete[] HeapFree HeapAlloc HeapReAlloc
      std::__new_allocator* __gnu_cxx::new_allocator* std::allocator* PyMem_* PyObject_Malloc
      PyObject_Calloc PyObject_Realloc PyObject_Free _PyObject_Malloc _PyObject_Calloc _PyObject_Realloc
      _PyObject_Free _PyMem_* _PyMem_Debug* _PyMem_Raw* PyObject_GC_Del _PyObject_GC_* PyType_GenericAlloc
      _PyType_AllocNoTrack gc_alloc _PyObject_New _PyObject_NewVar new_arena allocate_from_new_pool
      _PyObject_Arena* _mi_page_malloc __rdl_* __rg_* __rust_alloc* __rust_dealloc* __rust_realloc* __rust_no_alloc*`,
  },
  {
    role: "eval",
    scope: "cpython",
    because: "runs Python code",
    names: `_PyEval_EvalFrameDefault _PyEval_EvalFrame PyEval_EvalFrameEx PyEval_EvalFrame _PyEval_Vector
      _PyEval_EvalCodeWithName _PyEval_EvalCode PyEval_EvalCode PyEval_EvalCodeEx _PyFunction_Vectorcall
      function_code_fastcall _PyFunction_FastCall* _PyEvalFramePushAndInit* _PyEvalFrameClearAndPop
      _PyEvalFrameInitAndPush PyFrame_* _PyFrame_* frame_alloc fast_function _TAIL_CALL_* _PyEval_FrameClearAndPop
      clear_thread_frame _Py_EnterRecursiveCall* _Py_CheckRecursiveCall _Py_LeaveRecursiveCall*
      eval_frame_handle_pending _Py_HandlePending handle_eval_breaker _PyJIT* jit_entry _PyJit*`,
  },
  {
    role: "collector",
    scope: "cpython",
    because: "the garbage collector, which starts wherever memory is asked for",
    names: `collect collect_* gc_collect* gc_collect_main gc_collect_region gc_collect_young
      gc_collect_increment gc_collect_full collect_generations collect_with_callback _PyGC_* PyGC_*
      subtract_refs subtract_refs_* update_refs visit_decref visit_reachable visit_reachable_* visit_move
      visit_add_to_container move_unreachable move_legacy_finalizer* deduce_unreachable* delete_garbage
      handle_weakrefs finalize_garbage handle_legacy_finalizers untrack_tuples untrack_dicts
      clear_unreachable_mask _Py_RunGC _Py_ScheduleGC gc_visit_* gc_mark_* gc_traverse* mark_*reachable*
      gc_refs_* deferred_* scan_heap_visitor propagate_* process_delayed_frees`,
  },
  {
    role: "dealloc",
    scope: "cpython",
    because: "ends an object; objects die wherever their last reference goes",
    telling: true,
    names: `_Py_Dealloc _Py_DecRef Py_DecRef Py_DECREF Py_XDECREF _Py_DECREF* _Py_XDECREF _Py_DecRef*
      _Py_MergeZeroLocalRefcount _Py_brc_* subtype_dealloc subtype_clear subtype_traverse *_dealloc tupledealloc
      *dealloc *_traverse *_clear PyObject_CallFinalizer PyObject_CallFinalizerFromDealloc
      PyObject_ClearWeakRefs handle_callback clear_slots clear_inline_values _PyObject_ClearManagedDict
      slot_tp_finalize slot_tp_del _PyTrash_* finalize_* Py_Finalize* _Py_Finalize* Py_EndInterpreter
      _PyModule_Clear* _PyModule_ClearDict PyInterpreterState_Clear interpreter_clear PyThreadState_Clear
      free_keys_object dictkeys_decref* tuple_free list_clear* free_threadstate`,
  },
  {
    role: "glue",
    scope: "cpython",
    because: "CPython's ways of calling",
    names: `PyObject_Call* _PyObject_Call* PyObject_Vectorcall* _PyObject_Vectorcall* _PyObject_VectorcallTstate
      _PyObject_MakeTpCall _PyObject_FastCall* PyVectorcall_* _PyVectorcall_* _PyVectorcall* object_vacall
      call_function call_function_* do_call_core do_call PyEval_Call* cfunction_* PyCFunction_* _PyCFunction_*
      _PyMethodDef_* method_vectorcall* method_call* _PyMethodDescr_* methoddescr_* wrapper_call wrap_*
      wrapperdescr_* call_unbound* call_method* vectorcall_* call_maybe* call_attribute lookup_maybe*
      _PyStack_* _Py_CheckFunctionResult callmethod* _PyCallMethod* object_call* instancemethod_* null_error
      _PyArg_* PyArg_* vgetargs* getargs_* _Py_BuiltinCallFast* _PyCallMethodDescriptor* _PyCall_*
      _Py_CallBuiltin* _Py_VectorCall* _Py_BuildCallArgs* _PyObject_CallBoundMethod* PyStaticMethod_*
      cm_vectorcall* sm_call* descr_call* meth_call* _PyEval_Call* Py_BuildValue* PyCMethod*`,
  },
  {
    role: "glue",
    scope: "cpython",
    because: "carries one of Python's protocols to a Python function",
    telling: true,
    names: `slot_* type_call type_new type_vectorcall object_new object_init _Py_slot_* _PyType_* property_* partial_*
      *_lru_cache_wrapper _PyObject_GenericGetAttr* PyObject_GenericGetAttr PyObject_GetAttr* _PyObject_GetAttr*
      PyObject_SetAttr* PyObject_LookupAttr* PyObject_GetOptionalAttr* PyObject_RichCompare* do_richcompare PyObject_Repr PyObject_Str
      PyObject_ASCII PyObject_Format PyObject_Hash _PyObject_HashFast PyObject_IsTrue PyObject_IsInstance
      PyObject_IsSubclass object_isinstance object_recursive_isinstance PyObject_GetItem PyObject_SetItem PyObject_GetIter PyObject_Size PyObject_Length*
      PyObject_Dir PyNumber_* binary_op* binary_iop* ternary_op PySequence_* PyMapping_* PyIter_* PyAsyncGen*
      map_next filter_next zip_next enum_next builtin_* min_max gen_* _PyGen_* coro_* async_gen_*
      functools_reduce* list_sort* binarysort merge_* unsafe_object_compare safe_object_compare bounded_* list_extend*
      _list_extend list___init__* list_vectorcall tuple_new* dict_update* dict_merge* set_update* set_init frozenset_*
      list_index* list_contains list_repr dict_repr tuple_repr list_richcompare tuplerichcompare dict_richcompare type_repr*
      os_fspath* PyOS_FSPath* warnings_*
      _PyDict_FromItems PyObject_CallInit* iter_iternext calliter_iternext reversed_next itertools_* chain_next starmap_next
      groupby_* islice_next takewhile_next accumulate_next cached_property_* super_getattro module_getattro*
      super_* descr_* member_get getset_get classmethod_get* PySet_* _PySet_* PyErr_Display* sys_excepthook`,
  },
  {
    role: "glue",
    scope: "cpython",
    because: "imports a module",
    telling: true,
    bounded: true,
    names: "import_* PyImport_* _PyImport_* exec_code_in_module _imp_*",
  },
  {
    role: "glue",
    scope: "cpython",
    because: "threads and locks of the interpreter",
    names: `PyGILState_* PyThreadState_* _PyThreadState_* tstate_* take_gil drop_gil* create_gil PyEval_RestoreThread
      PyEval_SaveThread PyEval_AcquireThread PyEval_ReleaseThread PyEval_AcquireLock _PyThread_* _PyMutex_Unlock*
      PyMutex_* _PyRecursiveMutex_* _PyParkingLot_Unpark* _PyCriticalSection* _PyRWMutex_* make_pending_calls
      Py_MakePendingCalls _PyEval_* PyEval_* PyErr_CheckSignals* _PyErr_CheckSignals* Py_BEGIN_* Py_AddPendingCall`,
  },
  {
    role: "glue",
    scope: "anywhere",
    because: "ctypes and libffi, which call what they are told to",
    mechanism: true,
    names: `ffi_call ffi_call_* ffi_closure_* ffi_go_closure* ffi_prep_* ffi_tramp* _call_function_pointer
      _ctypes_callproc PyCFuncPtr_call closure_fcn _CallPythonObject py_object_from_ptr PyCFuncPtr_* Py*_from_param
      _ctypes_* CDataType_* PyCData_* PyCPointer_* PyCArgObject_* string_at wstring_at memoryview_at cast Simple_get_value
      Simple_set_value Array_subscript Array_item Array_ass_item Pointer_subscript Pointer_item Pointer_get_contents
      Struct_* z_get Z_get z_set s_get`,
  },
  {
    role: "glue",
    scope: "anywhere",
    because: "cffi, which calls what it is told to",
    mechanism: true,
    names: `_cffi_f_* _cffi_d_* _cffi_* cdata_call cdata_getattro lib_getattr general_invoke_callback invoke_callback
      b_buffer_new b_memmove b_string b_unpack cdata_* convert_to_object convert_from_object direct_from_buffer* mb_*`,
  },
  {
    role: "glue",
    scope: "anywhere",
    because: "numba, which calls what it compiled",
    mechanism: true,
    names: `call_cfunc Dispatcher_call compile_and_invoke NumbaFunc_* numba_* NRT_* wrapper.numba* cpython::*
      __gufunc__* _numba_*`,
  },
  {
    role: "glue",
    scope: "anywhere",
    because: "a generated wrapper, which calls what it is told to",
    names: `_wrap_* SWIG_* SwigPyObject_* swig::* SwigPyPacked_* SwigPyClient*`,
  },
  {
    role: "glue",
    scope: "anywhere",
    because: "binds C++, Cython or Rust to Python",
    names: `pybind11::* nanobind::* nb_* boost::python::* Shiboken::* Sbk_* SbkObject_* PySide::* sip_* sipWrapper_* meth_Q*
      pyo3::* pyo3_ffi::* *::__pymethod_* *::__pyfunction_* *::__pyo3_* rust_cpython::* __Pyx_* __pyx_CommonTypesMetaclass*
      __pyx_fuse_* Py_WRAP_* py::detail::* gil_scoped_* _object::* torch::PythonArgParser* PythonArgs* numpy::arr_*
      pycuda::* caffe2::python::*`,
  },
  {
    role: "glue",
    scope: "anywhere",
    because: "numpy's ways of calling loops",
    names: `ufunc_generic_* PyUFunc_* gufunc_* array_function_* array_implement_array_function* execute_ufunc_loop
      execute_fancy_ufunc_loop try_trivial_single_output_loop generic_wrapped_legacy_loop iterator_loop trivial_two_operand_loop
      reduce_loop PyArray_CopyConverter array_umath_* dispatcher_vectorcall array_array_function*`,
  },
  {
    role: "base",
    scope: "cpython",
    because: "where the interpreter starts",
    names: `Py_BytesMain Py_RunMain Py_Main pymain_* run_mod run_eval_code_obj _PyRun_* PyRun_* pyrun_* run_file
      _Py_RunMain thread_run thread_PyThread_start_new_thread do_start_* bootstrap t_bootstrap pythread_wrapper
      run_command Py_InitializeFromConfig Py_Initialize* pyinit_* init_interp_* wmain invoke_main __scrt_*
      _PyRun* pyrun_module pymain* thread_start* run_atexit* atexit_callfuncs`,
  },
  {
    role: "base",
    scope: "anywhere",
    because: "where the process starts or ends",
    process: true,
    names: `_start start __libc_start_main __libc_start_main_impl __libc_start_call_main libc_start_main_stage2
      __libc_start_main_stage2 main WinMain wWinMain WinMainCRTStartup mainCRTStartup exit __run_exit_handlers
      fuzzer::* LLVMFuzzerTestOneInput LLVMFuzzerRunDriver RunOneTest atheris::* TestOneInput`,
  },
  {
    role: "base",
    scope: "anywhere",
    because: "where a thread or a library starts or ends",
    names: `start_thread clone clone3 __clone __clone3 __thread_start thread_start _pthread_start thread_start_*
      _thread_start BaseThreadInitThunk RtlUserThreadStart __RtlUserThreadStart execute_native_thread_routine
      std::thread::_State* std::thread::_Invoker* std::thread::_Impl* std::__thread_proxy* __pthread_create*
      _beginthreadex* std::thread::Builder::* std::sys::*::thread::Thread::new::thread_start
      std::sys_common::backtrace::__rust_begin_short_backtrace
      std::sys::backtrace::__rust_begin_short_backtrace g_thread_proxy
      __libc_csu_init __libc_init_first __do_global_dtors_aux _dl_fini _dl_init call_init _dl_main`,
  },
  {
    role: "wait",
    scope: "anywhere",
    because: "waits for the system",
    names: `__futex_* futex_* do_futex_wait __lll_lock_wait* lll_lock_wait __new_sem_wait* sem_wait sem_timedwait
      sem_clockwait __sem_* pthread_cond_wait* pthread_cond_timedwait* pthread_cond_clockwait* __pthread_cond_* ___pthread_cond_*
      pthread_mutex_lock* __pthread_mutex_* ___pthread_mutex_* pthread_rwlock_* __pthread_rwlock_* pthread_join*
      __pthread_clockjoin_ex __pthread_timedjoin_ex __timedwait* __syscall_cp* syscall __wait __lock futex_wait
      poll ppoll __ppoll __poll_chk select pselect __pselect epoll_wait epoll_pwait* kevent kevent64 read recv recvfrom
      __recvfrom recvmsg __recvmsg accept accept4 __accept connect __connect write send sendmsg nanosleep clock_nanosleep usleep sleep
      waitpid wait4 __wait4 waitid sigwait* sigtimedwait* pause flock lockf fcntl __fcntl* fsync ioctl __ioctl
      NtWaitFor* ZwWaitFor* WaitFor* NtDelayExecution SleepEx SleepConditionVariable* RtlSleep* RtlpWait*
      NtReadFile NtDeviceIoControlFile GetQueuedCompletionStatus* NtRemoveIoCompletion* semaphore_wait_trap
      semaphore_timedwait_trap __psynch_* mach_msg* __semwait_signal __select_nocancel swtch_pri
      std::condition_variable::wait* std::this_thread::* absl::*Mutex* absl::*CondVar* std::__atomic_*wait*
      std::sys::*::futex* std::sys::*::thread_parking* parking_lot::* std::thread::park* tokio::park*`,
  },
  {
    role: "wait",
    scope: "cpython",
    because: "waits on behalf of its caller",
    names: `PyThread_acquire_lock* PyThread_acquire_lock_timed* acquire_timed lock_PyThread_acquire_lock* lock_acquire
      rlock_acquire _thread_RLock_acquire* _thread_lock_acquire* _PySemaphore_* 
      PyEvent_Wait* _PyEvent_* EnterNonRecursiveMutex PyCOND_TIMEDWAIT PyCOND_WAIT _queue_SimpleQueue_get* simplequeue_get
      pysleep time_sleep select_poll_poll* select_select* select_epoll_poll* sock_recv* sock_accept* sock_connect* sock_send* sock_call*
      internal_select internal_connect _ssl__SSLSocket_* os_waitpid* os_wait* os_read* _Py_read semlock_* _multiprocessing_SemLock_*
      thread_lock_acquire ThreadHandle_join* thread_PyThread_*join*`,
  },
  {
    role: "helper",
    scope: "anywhere",
    because: "does a small thing for its caller, who gave it the wrong one",
    names: `memcpy memmove memset memcmp memchr memrchr mempcpy bcmp bcopy bzero strlen strnlen strcpy strncpy stpcpy
      strcat strncat strcmp strncmp strcasecmp strchr strrchr strstr strdup strndup strspn strcspn wcslen
      wcscpy wcscmp wmemcpy wmemset explicit_bzero msort* qsort qsort_r __qsort_r bsearch
      vfprintf* __vfprintf_internal printf* fprintf* sprintf* snprintf* vsnprintf* __vsnprintf_internal fwrite fread
      std::* __gnu_cxx::* core::* alloc::* hashbrown::* utf8::* *utf8_to_utf16 *utf16_to_utf8 *utf8_to_utf32
      *utf32_to_utf8 *utf8_to_wide *wide_to_utf8 __libc_memcpy __rust_probestack ___chkstk_ms __chkstk _chkstk
      __udivti3 __divti3`,
  },
];
