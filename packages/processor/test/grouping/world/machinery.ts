/**
 * What stands between Python and C in real stacks of CPython 3.8 to 3.15: frames of the
 * interpreter, of the C library and of the binders, innermost first. Written down from gdb's
 * backtraces; versions differ in which of them exist.
 */
import type { Dice } from "./dice.ts";
import type { Host } from "./hosts.ts";
import {
  interpreter,
  libc,
  type NativeCall,
  type NativeObject,
  plain,
  standard,
  system,
} from "./native-code.ts";

const py = (names: string): readonly NativeCall[] => from(interpreter, names);
const c = (names: string): readonly NativeCall[] => from(libc, names);

/** `name` or `name*` for an inlined one. */
function from(object: NativeObject, names: string): readonly NativeCall[] {
  return names
    .split(" ")
    .filter((name) => name !== "")
    .map((name) => plain(object, name.replace(/\*$/, ""), name.endsWith("*")));
}

const evalLoop = py("_PyEval_EvalFrameDefault");

/** From a C function's own frame to the eval loop that called it, the loop included. */
export function calledFromPython(roll: Dice, { minor }: Host): readonly NativeCall[] {
  const way = roll.pick(
    minor >= 13
      ? ["cfunction_vectorcall_FASTCALL", "cfunction_vectorcall_NOARGS", "method_vectorcall_O", ""]
      : ["cfunction_vectorcall_FASTCALL", "cfunction_call", "method_vectorcall_FASTCALL_KEYWORDS"],
  );
  return [...py(way), ...vectorcall(roll, minor), ...evalLoop];
}

function vectorcall(roll: Dice, minor: number): readonly NativeCall[] {
  const slow = roll.chance(0.5) ? "_PyObject_MakeTpCall " : "";
  if (minor === 8) return py(`${slow}_PyObject_Vectorcall* call_function`);
  if (minor <= 10) {
    return py(`${slow}_PyObject_VectorcallTstate* PyObject_Vectorcall* call_function*`);
  }
  return py(`${slow}_PyObject_VectorcallTstate* ${roll.chance(0.5) ? "PyObject_Vectorcall" : ""}`);
}

/** From one Python function to its caller: nothing since 3.11, where one loop runs both. */
export function pythonToPython(roll: Dice, { minor }: Host): readonly NativeCall[] {
  if (minor >= 11) return [];
  const enter =
    minor === 8
      ? roll.pick(["_PyEval_EvalCodeWithName _PyFunction_Vectorcall", "function_code_fastcall"])
      : minor === 9
        ? roll.pick([
            "_PyEval_EvalFrame* _PyEval_EvalCode _PyFunction_Vectorcall",
            "function_code_fastcall",
          ])
        : "_PyEval_EvalFrame* _PyEval_Vector _PyFunction_Vectorcall";
  return [...py(enter), ...vectorcall(roll, minor), ...evalLoop];
}

/** From a Python function to the C code that called it back. */
export function calledFromC(roll: Dice, { minor }: Host): readonly NativeCall[] {
  const enter =
    minor === 8
      ? "_PyEval_EvalCodeWithName _PyFunction_Vectorcall _PyObject_Vectorcall*"
      : minor <= 10
        ? "_PyEval_Vector _PyFunction_Vectorcall _PyObject_VectorcallTstate*"
        : "_PyEval_EvalFrame* _PyEval_Vector _PyObject_VectorcallTstate*";
  return py(
    `${enter} ${roll.pick(["PyObject_CallOneArg", "PyObject_CallObject", "_PyObject_Call", "PyObject_Vectorcall"])}`,
  );
}

const ctypes = standard("_ctypes");
const ffi = system("libffi");
const unknownFfi = (roll: Dice): readonly NativeCall[] =>
  roll.chance(0.6) ? [{ ...plain(ffi, "ffi_call_unix64") }, plain(ffi, "ffi_call_int")] : [];

/** From a function that ctypes called to the eval loop. */
export function calledThroughCtypes(roll: Dice, host: Host): readonly NativeCall[] {
  return [
    ...unknownFfi(roll),
    plain(ffi, "ffi_call"),
    ...from(ctypes, "_call_function_pointer* _ctypes_callproc PyCFuncPtr_call"),
    ...py("_PyObject_MakeTpCall"),
    ...vectorcall(roll, host.minor).filter(({ name }) => name !== "_PyObject_MakeTpCall"),
    ...evalLoop,
  ];
}

const cffi: NativeObject = { ...standard("_cffi_backend"), kind: "extension", package: "cffi" };
export function calledThroughCffi(
  roll: Dice,
  host: Host,
  binding: NativeObject | null,
): readonly NativeCall[] {
  const via =
    binding === null
      ? [...unknownFfi(roll), plain(ffi, "ffi_call"), ...from(cffi, "cdata_call")]
      : [plain(binding, `_cffi_f_${roll.pick(["send", "open", "read", "close"])}`)];
  return [...via, ...calledFromPython(roll, host)];
}

const dispatcher: NativeObject = {
  ...standard("_dispatcher"),
  kind: "extension",
  package: "numba",
};
export function calledThroughNumba(roll: Dice, host: Host): readonly NativeCall[] {
  return [
    ...from(dispatcher, "call_cfunc Dispatcher_call"),
    ...calledFromPython(roll, host).slice(1),
  ];
}

const threadStart = c("start_thread clone3");
/** Below the outermost Python frame. */
export function base(roll: Dice, host: Host, thread: boolean): readonly NativeCall[] {
  if (host.system === "windows") {
    const os = [
      plain(system("kernel32"), "BaseThreadInitThunk"),
      plain(system("ntdll"), "RtlUserThreadStart"),
    ];
    return thread
      ? [
          ...py("thread_run bootstrap"),
          plain(libc, "thread_start<unsigned int (__cdecl*)(void *),1>"),
          ...os,
        ]
      : [
          ...py("PyEval_EvalCode run_mod pymain_run_python Py_RunMain Py_Main"),
          plain(interpreter, "__scrt_common_main_seh"),
          ...os,
        ];
  }
  if (thread) {
    const boot =
      host.minor <= 9
        ? "method_vectorcall PyVectorcall_Call t_bootstrap pythread_wrapper"
        : "method_vectorcall thread_run pythread_wrapper";
    return [...py(boot), ...(host.system === "musl" ? c("start __clone") : threadStart)];
  }
  const run =
    host.minor === 8
      ? "PyEval_EvalCodeEx PyEval_EvalCode run_mod pyrun_file* PyRun_SimpleFileExFlags PyRun_AnyFileExFlags pymain_run_python* Py_RunMain Py_BytesMain"
      : "_PyEval_Vector* PyEval_EvalCode run_eval_code_obj run_mod pyrun_file* _PyRun_SimpleFileObject _PyRun_AnyFileObject pymain_run_python* Py_RunMain Py_BytesMain";
  const start =
    host.system === "musl"
      ? "libc_start_main_stage2 _start"
      : "__libc_start_call_main __libc_start_main_impl _start";
  return [...py(run), ...c(roll.chance(0.1) ? "__libc_start_main _start" : start)];
}

/** abort() and what it calls; the first is where the signal arrives. */
export function abortFrames(roll: Dice, { system: os }: Host): readonly NativeCall[] {
  switch (os) {
    case "windows":
      return c("abort");
    case "musl":
      return c(roll.pick(["raise abort", "__restore_sigs raise abort"]));
    case "glibc":
    case "arm64":
      return c(
        roll.pick([
          "__pthread_kill_implementation __pthread_kill_internal* raise abort",
          "__pthread_kill_implementation __GI_raise __GI_abort",
          "raise abort",
          "gsignal abort",
        ]),
      );
  }
}

/** faulthandler's handler, which raises the signal again after its dump. */
export const reraised = (roll: Dice, host: Host): readonly NativeCall[] =>
  host.system === "windows" || host.system === "musl"
    ? []
    : [
        ...c(roll.pick(["raise", "__pthread_kill_implementation __GI_raise", "kill"])),
        ...(roll.chance(0.5) ? py("faulthandler_fatal_error") : []),
        plain(libc, roll.pick(["<signal handler called>", "__restore_rt"])),
      ];

const copies: Readonly<Record<Host["system"], readonly string[]>> = {
  glibc: [
    "__memmove_avx_unaligned_erms",
    "__memcpy_sse2_unaligned",
    "__memmove_evex_unaligned",
    "__strlen_evex",
    "__memset_avx2_unaligned_erms",
  ],
  arm64: ["__memcpy_generic", "__GI_memcpy", "__strlen_asimd"],
  musl: ["memcpy", "strlen"],
  windows: ["memcpy", "memmove", "strlen"],
};
/** A string function of the C library that died for its caller. */
export const copyFrame = (roll: Dice, host: Host): NativeCall =>
  plain(libc, roll.pick(copies[host.system]));

/** Where a thread of Python waits for a lock, at the bottom of what C shows. */
export function lockWait(roll: Dice, host: Host): readonly NativeCall[] {
  if (host.system === "windows") {
    return [
      plain(system("ntdll"), "NtWaitForSingleObject"),
      plain(system("KERNELBASE"), "WaitForSingleObjectEx"),
      ...py("EnterNonRecursiveMutex PyThread_acquire_lock_timed lock_PyThread_acquire_lock"),
    ];
  }
  if (host.system === "musl")
    return [
      ...c("__syscall_cp_c __timedwait_cp sem_timedwait"),
      ...py("PyThread_acquire_lock_timed acquire_timed* lock_PyThread_acquire_lock"),
    ];
  if (host.minor >= 13)
    return [
      ...c("__futex_abstimed_wait_common64 __futex_abstimed_wait_cancelable64 do_futex_wait"),
      ...py(
        "_PySemaphore_PlatformWait* _PySemaphore_Wait _PyParkingLot_Park _PyMutex_LockTimed PyThread_acquire_lock_timed* lock_PyThread_acquire_lock",
      ),
    ];
  return [
    ...c(
      roll.pick([
        "__futex_abstimed_wait_common __new_sem_wait_slow64",
        "do_futex_wait __new_sem_wait_slow sem_wait",
      ]),
    ),
    ...py("PyThread_acquire_lock_timed acquire_timed* lock_PyThread_acquire_lock"),
  ];
}

const pollers: readonly (readonly [string, string, string])[] = [
  ["__poll", "select", "select_poll_poll"],
  ["epoll_wait", "select", "select_epoll_poll"],
  ["__libc_recv", "_socket", "sock_recv_impl sock_call_ex"],
  ["__select", "time", "pysleep"],
  ["__GI___waitpid", "posix", "os_waitpid"],
];
/** Where a thread of Python waits for the system. */
export function systemWait(roll: Dice): readonly NativeCall[] {
  const [call, module, names] = roll.pick(pollers);
  const object = module === "time" || module === "posix" ? interpreter : standard(module);
  return [...c(call), ...from(object, names)];
}

/** The collector, from where it visits an object to the allocation that started it. */
export function collector(roll: Dice, { minor }: Host): readonly NativeCall[] {
  const inner =
    minor >= 14
      ? "gc_collect_region gc_collect_young"
      : minor >= 12
        ? "deduce_unreachable gc_collect_main"
        : "collect collect_with_callback";
  const start =
    minor >= 12
      ? "_Py_RunGC _Py_HandlePending"
      : "collect_generations* _PyObject_GC_Alloc _PyObject_GC_Malloc";
  return py(
    `${roll.pick(["subtract_refs", "update_refs", "visit_decref", "move_unreachable"])} ${inner} ${start}`,
  );
}

export const frees = (object: NativeObject | null): readonly NativeCall[] =>
  object === null ? py("_Py_Dealloc dict_dealloc") : [plain(object, `${object.name}_dealloc`)];

export { c as libcCalls, evalLoop, py as interpreterCalls };
