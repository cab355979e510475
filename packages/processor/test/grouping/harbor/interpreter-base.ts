/** What is below the outermost Python frame: how the process, the thread or the greenlet began. */
import { libcOf, type Moment } from "./images.ts";
import { interpreterFrames, native, type NativeFrame } from "./native-frame.ts";
import type { Base } from "./scene.ts";
import { begins, threadStart, windowsStart } from "./system-frames.ts";

/** Innermost first. `~` before an inlined one. */
type Names = readonly string[];

const scriptRun = (minor: number): Names =>
  minor === 8
    ? [
        "PyEval_EvalCodeEx",
        "PyEval_EvalCode",
        "~run_eval_code_obj",
        "run_mod",
        "~pyrun_file",
        "pyrun_simple_file",
        "PyRun_SimpleFileExFlags",
        "PyRun_AnyFileExFlags",
        "~pymain_run_file",
        "~pymain_run_python",
        "Py_RunMain",
        "~pymain_main",
        "Py_BytesMain",
      ]
    : minor === 9
      ? [
          "PyEval_EvalCode",
          "run_eval_code_obj",
          "run_mod",
          "pyrun_file",
          "PyRun_SimpleFileExFlags",
          "~pymain_run_file",
          "~pymain_run_python",
          "Py_RunMain",
          "Py_BytesMain",
        ]
      : [
          "PyEval_EvalCode",
          "run_eval_code_obj",
          "run_mod",
          "~pyrun_file",
          "_PyRun_SimpleFileObject",
          "_PyRun_AnyFileObject",
          "~pymain_run_file_obj",
          "~pymain_run_file",
          "~pymain_run_python",
          "Py_RunMain",
          "~pymain_main",
          "Py_BytesMain",
        ];

/** `python -m`. */
const moduleRun = (minor: number): Names => [
  "PyEval_EvalCode",
  "~builtin_exec_impl",
  "builtin_exec",
  "cfunction_vectorcall_FASTCALL",
  minor <= 10 ? "call_function" : "PyObject_Vectorcall",
  "_PyFunction_Vectorcall",
  "PyObject_Call",
  "pymain_run_module",
  "~pymain_run_python",
  "Py_RunMain",
  "Py_BytesMain",
];

const threadRun = ({ minor, system }: Moment): Names =>
  minor === 8
    ? ["method_vectorcall", "PyVectorcall_Call", "PyObject_Call", "t_bootstrap", "pythread_wrapper"]
    : [
        "~_PyObject_VectorcallTstate",
        "method_vectorcall",
        "thread_run",
        minor >= 11 && system === "win" ? "bootstrap" : "pythread_wrapper",
      ];

function processStart(moment: Moment): readonly NativeFrame[] {
  switch (libcOf(moment)) {
    case "musl":
      return [begins("libc", "__libc_start_main"), begins("exe", "_start")];
    case "win":
      return [begins("win", "__scrt_common_main_seh", "python.exe"), ...windowsStart];
    case "glibc":
      return [
        begins("libc", "__libc_start_call_main"),
        begins("libc", "__libc_start_main_impl"),
        begins("exe", "_start"),
      ];
  }
}

const greenletStart: readonly NativeFrame[] = [
  begins(
    "greenlet",
    "greenlet::UserGreenlet::inner_bootstrap(greenlet::OwnedGreenlet&, greenlet::OwnedObject&)",
  ),
  begins("greenlet", "greenlet::UserGreenlet::g_initialstub(void*)"),
  begins("greenlet", "greenlet::UserGreenlet::g_switch()"),
];

/** PyInstaller's bootloader has no symbols. */
const bootloader: readonly NativeFrame[] = [
  ...interpreterFrames(["PyEval_EvalCode", "run_eval_code_obj", "run_mod", "PyRun_StringFlags"]),
  ...[100, 101, 102].map((site) => native("pyiexe", null, site)),
  native("libc", "__libc_start_call_main", 1),
  native("libc", "__libc_start_main_impl", 2),
  native("pyiexe", null, 104),
];

export function baseFrames(base: Base, moment: Moment): readonly NativeFrame[] {
  if (base === "none") return [];
  const { minor, system } = moment;
  if (system === "pyinst") return bootloader;
  switch (base) {
    case "main": {
      const run = scriptRun(minor);
      const names = system === "win" ? [...run.slice(0, -2), "Py_Main"] : run;
      return [...interpreterFrames(names), ...processStart(moment)];
    }
    case "module":
      return [...interpreterFrames(moduleRun(minor)), ...processStart(moment)];
    case "thread":
      return [...interpreterFrames(threadRun(moment)), ...threadStart(moment)];
    case "greenlet":
      return [...interpreterFrames(["method_vectorcall", "PyVectorcall_Call"]), ...greenletStart];
  }
}
