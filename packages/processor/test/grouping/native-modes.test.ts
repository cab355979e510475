/** How native frames make keys: one example a mode, and what each must not depend on. */
import { expect, test } from "vitest";
import { groupReport } from "../../src/grouping/index.ts";
import { app, crash, type Death, type FrameFields, hang, mainBase, native } from "./stacks.ts";

const make = app("media/thumbs.py", "make_thumb");
const store = app("media/upload.py", "store");
const view = app("api/views.py", "upload");
const python = "libpython3.12.so.1.0";
const evalLoop = native(python, "_PyEval_EvalFrameDefault");
const call = [native(python, "cfunction_call"), native(python, "_PyObject_MakeTpCall"), evalLoop];
const resize = native("cv2.abi3.so", "cv::Mat<float>::resize(int)");
const copy = native("libc.so.6", "__memmove_avx_unaligned_erms");

const grouped = (stack: readonly FrameFields[], death?: Death) => groupReport(crash(stack, death));
const roles = (stack: readonly FrameFields[], death?: Death) =>
  grouped(stack, death).frames.map(({ role }) => role);

test("a native function names its bug, whoever called it", () => {
  const one = grouped([copy, resize, ...call, make, store]);
  expect(one).toMatchObject({
    mode: "native",
    confidence: "high",
    culprit: "cv2:cv::Mat<T>::resize",
    title: "Segfault in cv2: cv::Mat<T>::resize (called from media.thumbs:make_thumb)",
  });
  expect(one.frames.map(({ role, usedIn }) => [role, usedIn])).toEqual([
    ["helper", ["fine"]],
    ["native", ["coarse", "mid", "fine"]],
    ["glue", []],
    ["glue", []],
    ["eval", []],
    ["app", ["fine", "link"]],
    ["app", ["fine", "link"]],
  ]);
  expect(one.mid).toBe(grouped([resize, ...call, view, ...mainBase]).mid);
  expect(one.mid).toBe(grouped([copy, resize, ...call]).mid);
  expect(one.link).toBe(grouped([make, store]).link);
});

test("one function in two objects is two bugs", () => {
  const [one, other] = [native("a.so", "decode"), native("b.so", "decode")];
  expect(grouped([one, ...call, make]).mid).not.toBe(grouped([other, ...call, make]).mid);
});

test("an inlined function is passed over where captures without inlines see its caller", () => {
  const inlined = { ...native("cv2.abi3.so", "cv::clamp"), inline: true };
  expect(grouped([inlined, resize, ...call, make]).mid).toBe(grouped([resize, ...call, make]).mid);
  expect(grouped([inlined, ...call, make])).toMatchObject({ mode: "native", confidence: "low" });
});

test("what a stack scan found counts only where there is nothing else", () => {
  const guessed = { ...native("b.so", "left_over"), foundBy: "scan" };
  const one = grouped([guessed, resize, guessed, ...call, make]);
  expect(one.mid).toBe(grouped([resize, ...call, make]).mid);
  expect(one.frames[0]).toMatchObject({ role: "scanned", usedIn: [] });
  expect(grouped([guessed])).toMatchObject({ culprit: "b:left_over", confidence: "low" });
});

test("without names the object and the caller stand in until symbols arrive", () => {
  const unnamed = { ...resize, function: null };
  const exports = native("cv2.cpython-312-aarch64-linux-gnu.so", "PyInit_cv2");
  const one = grouped([unnamed, ...call, make, store]);
  expect(one).toMatchObject({ mode: "native", confidence: "low", culprit: "cv2" });
  expect(one.mid).toBe(grouped([exports, exports, ...call, make, store]).mid);
  expect(one.coarse).toBe(grouped([resize, ...call, make, store]).coarse);
  expect(one.mid).not.toBe(grouped([unnamed, ...call, view]).mid);
  // A name that belongs to a caller beyond the interpreter is not taken for the culprit's.
  const far = [unnamed, native(python, "PyObject_Call"), native("b.so", "callback")];
  expect(grouped([...far, ...call, make]).culprit).toBe("cv2");
});

test("a mechanism does as it is told: the Python code that told it names the bug", () => {
  const ctypes = [native("libffi.so.8", "ffi_call"), native("_ctypes.so", "_ctypes_callproc")];
  const acme = native("libacme.so.4", "acme_send");
  for (const stack of [
    [copy, ...ctypes, ...call, make, store],
    [acme, ...ctypes, ...call, make, store],
    [acme, native("_acme.abi3.so", "_cffi_f_acme_send"), ...call, make, store],
    [native("_dispatcher.so", "call_cfunc"), ...call, make, store],
    [
      copy,
      native("mmap.cpython-312-x86_64-linux-gnu.so", "mmap_read_method"),
      ...call,
      make,
      store,
    ],
    [native(python, "list_dealloc"), ...call, make, store],
  ]) {
    expect(grouped(stack)).toMatchObject({ mode: "python", mid: grouped([make, store]).mid });
  }
  // A check that it made itself is its own.
  const check = [native("libc.so.6", "abort"), acme, ...ctypes, ...call];
  const ended = { mode: "native", culprit: "acme:acme_send" };
  expect(grouped([...check, make, store], { reason: "SIGABRT" })).toMatchObject(ended);
});

test("an illegal instruction is the fault of a build, not of one of its functions", () => {
  const death = { reason: "SIGILL" };
  const kernels = ["dot_kernel_AVX512", "axpy_kernel"].map((name) => native("libblas.so.3", name));
  const [one, other] = kernels.map((kernel) => grouped([kernel, ...call, make], death));
  expect(one?.mid).toBe(other?.mid);
  expect(one?.fine).not.toBe(other?.fine);
  const trapped = kernels.map((kernel) => grouped([kernel, ...call, make], { reason: "SIGTRAP" }));
  expect(trapped[0]?.mid).not.toBe(trapped[1]?.mid);
  // Rust and __builtin_trap() end a process with the same signal, on purpose.
  const panic = [native("libblas.so.3", "core::panicking::panic"), kernels[0]!, ...call, make];
  expect(grouped(panic, death)).toMatchObject({ title: expect.stringMatching(/^Rust panic in/) });
  expect(grouped(panic, death).mid).not.toBe(one?.mid);
});

test("endless recursion in a library is one bug at any depth, with any leaf and any callers", () => {
  const [parse, term] = ["parse_expr", "parse_term"].map((name) => native("xml.so", name));
  const turns = (count: number) => Array.from({ length: count }, () => [parse!, term!]).flat();
  const one = grouped([native(python, "PyObject_Malloc"), ...turns(20), ...call, make]);
  expect(one).toMatchObject({ mode: "overflow", confidence: "high" });
  for (const stack of [
    [...turns(9), ...call, view],
    [term!, ...turns(7)],
    [native("xml.so", "skip_space"), ...turns(12)],
  ]) {
    expect(grouped(stack, { reason: "EXCEPTION_STACK_OVERFLOW" }).mid).toBe(one.mid);
  }
  expect(grouped([...turns(3), ...call, make]).mode).toBe("native");
  const unnamed = (count: number) =>
    Array.from({ length: count }, () => native("xml.so", "PyInit_xml"));
  expect(grouped([...unnamed(40), ...call, make])).toMatchObject({
    mode: "overflow",
    confidence: "low",
  });
  expect(grouped([...unnamed(9), ...call, make]).mode).toBe("native");
  expect(groupReport(hang([...turns(20), ...call, make])).mode).toBe("python");
});

test("Python's own recursion through C shows without its frames, too", () => {
  const turn = [native(python, "slot_tp_repr"), native(python, "PyObject_Repr"), evalLoop];
  const stack = Array.from({ length: 8 }, () => turn).flat();
  expect(grouped(stack)).toMatchObject({ mode: "overflow", confidence: "low" });
  expect(grouped(stack).mid).toBe(grouped([evalLoop, ...stack, ...turn]).mid);
});

test("a damaged heap is filed under the object that met it", () => {
  const free = ["abort", "__libc_message", "malloc_printerr", "_int_free", "free"].map((name) =>
    native("libc.so.6", name),
  );
  const one = grouped([...free, resize, ...call, make], { reason: "SIGABRT" });
  expect(one).toMatchObject({ mode: "victim", confidence: "low" });
  const elsewhere = [native("libc.so.6", "_int_malloc"), native("cv2.abi3.so", "flip"), ...call];
  expect(grouped(elsewhere).mid).toBe(one.mid);
  const musl = [native("ld-musl-x86_64.so.1", "enframe"), resize, ...call, make];
  expect(grouped(musl).mid).toBe(one.mid);
  // An allocator that the program called wrongly is not a damaged heap.
  expect(grouped([native("libc.so.6", "free"), resize, ...call, make]).mode).toBe("native");
});

test("the collector's victims are apart from bugs of an extension that it ran", () => {
  const collector = [native(python, "visit_decref"), native(python, "gc_collect_main")];
  expect(grouped([...collector, ...call, make])).toMatchObject({ mode: "victim", culprit: null });
  const own = [native("cv2.abi3.so", "Mat_traverse"), ...collector, ...call, make];
  expect(grouped(own)).toMatchObject({ mode: "native", culprit: "cv2:Mat_traverse" });
  expect(groupReport(hang([...collector, ...call, make])).mode).toBe("python");
});

test("two assertions in one function are two bugs; a capture without the words is neither", () => {
  const stack = [
    native("libc.so.6", "abort"),
    native("libc.so.6", "__assert_fail"),
    resize,
    ...call,
  ];
  const failed = (expression: string, line: number) =>
    grouped(stack, {
      reason: "SIGABRT",
      message: `python3: src/resize.cpp:${line}: resize: Assertion \`${expression}' failed.`,
    });
  expect(failed("n > 0", 12).mid).toBe(failed("n > 0", 19).mid);
  expect(failed("n > 0", 12).mid).not.toBe(failed("data != NULL", 12).mid);
  expect(failed("n > 0", 12).coarse).toBe(grouped(stack, { reason: "SIGABRT" }).coarse);
});

test("a hang without Python frames is told by what it waits in", () => {
  const lock = [
    native("libc.so.6", "__futex_abstimed_wait_common"),
    native(python, "PyThread_acquire_lock_timed"),
    ...call,
  ];
  expect(groupReport(hang(lock))).toMatchObject({ mode: "skipped", confidence: "low" });
  const libpq = [native("libc.so.6", "__poll"), native("libpq.so.5", "PQexec"), ...call];
  expect(groupReport(hang(libpq))).toMatchObject({ mode: "runtime", culprit: "pq:PQexec" });
  expect(groupReport(hang([...lock, make, store])).mid).toBe(groupReport(hang([make, store])).mid);
});

test("frames of the handler, of the end and of the interpreter's start say what they are", () => {
  const stack = [
    native("libc.so.6", "raise"),
    native("libc.so.6", "<signal handler called>"),
    native("libc.so.6", "abort"),
    native("libstdc++.so.6", "std::terminate()"),
    resize,
    ...call,
    native(python, "Py_BytesMain"),
    native("libc.so.6", "__libc_start_main"),
  ];
  expect(roles(stack, { reason: "SIGABRT" })).toEqual(
    "abort cut abort abort native glue glue eval base base".split(" "),
  );
  const { frames } = grouped(stack, { reason: "SIGABRT" });
  expect(frames[0]?.reason).toMatch(/handler/);
  expect(frames.every(({ reason }) => reason.length > 0)).toBe(true);
});

test("a start of a thread with foreign code below it is a name gone wrong, not the end of the stack", () => {
  const misnamed = [native("libc.so.6", "clone"), resize, ...call];
  expect(grouped(misnamed)).toMatchObject({ mode: "native", culprit: "cv2:cv::Mat<T>::resize" });
  const exports = [native(python, "PyInit__io"), ...call, make, store];
  expect(grouped(exports).frames[0]).toMatchObject({ token: null });
});

test("what a scan found counts where the walk lost its way below the handler, and found it again further down", () => {
  const scanned = (frame: ReturnType<typeof native>) => ({ ...frame, foundBy: "scan" });
  const handler = [
    native("reporter.so", "write_report"),
    native("libc.so.6", "<signal handler called>"),
  ];
  const lost = [...handler, scanned(resize), scanned(native("cv2.abi3.so", "cv::all")), ...call];
  expect(grouped(lost)).toMatchObject({ mode: "native", culprit: "cv2:cv::Mat<T>::resize" });
  // A leaf of the C library comes from the registers: what called it is still to be found.
  const leaf = [native("libc.so.6", "memcpy"), scanned(resize), ...call];
  expect(grouped(leaf)).toMatchObject({ mode: "native", culprit: "cv2:cv::Mat<T>::resize" });
  const unnamed = { ...native(python, "f"), function: null };
  const assert = [native("libc.so.6", "abort"), native("libc.so.6", "__assert_fail")];
  const end = { reason: "SIGABRT" };
  expect(grouped([...assert, scanned(resize), unnamed, ...call], end).mode).toBe("native");
  const misread = scanned(native(python, "_PyEval_EvalFrameDefault"));
  const mislead = [native("libc.so.6", "memcpy"), misread, scanned(resize), make];
  expect(grouped(mislead)).toMatchObject({ mode: "native", culprit: "cv2:cv::Mat<T>::resize" });
  const dealloc = [native(python, "list_dealloc"), scanned(resize), ...call];
  expect(grouped(dealloc).mode).toBe("runtime");
  const found = [...handler, scanned(native("b.so", "garbage")), resize, ...call];
  expect(grouped(found)).toMatchObject({ mode: "native", culprit: "cv2:cv::Mat<T>::resize" });
  expect(grouped(found).frames[2]).toMatchObject({ role: "scanned", usedIn: [] });
});

test("one name of the interpreter again and again may be a deep call; two in turn are a recursion", () => {
  const turns = (count: number, ...names: readonly string[]) =>
    Array.from({ length: count }, () => names.map((name) => native(python, name))).flat();
  expect(grouped([...turns(8, "PyObject_Repr")]).mode).not.toBe("overflow");
  expect(grouped([...turns(8, "PyObject_Repr", "slot_tp_repr")]).mode).toBe("overflow");
  expect(grouped([...turns(40, "PyObject_Repr")]).mode).toBe("overflow");
  // Modules import modules: deep, but each once.
  const importing = turns(8, "PyImport_ImportModuleLevelObject", "import_find_and_load");
  expect(grouped([resize, ...importing])).toMatchObject({ mode: "native" });
});

test("a crash in a binder's own function lies in what was inlined into it; below other code it carries a call", () => {
  const binder = native("tok.abi3.so", "tok::__pyfunction_train::h718a245b871d3b63");
  const trampoline = native(
    "tok.abi3.so",
    "pyo3::impl_::trampoline::trampoline::he4207d5065b17253",
  );
  const named = { mode: "native", culprit: "tok:tok::__pyfunction_train" };
  expect(grouped([binder, trampoline, ...call, make])).toMatchObject(named);
  expect(grouped([native("libc.so.6", "memcpy"), binder, ...call, make])).toMatchObject(named);
  expect(grouped([native(python, "list_dealloc"), binder, ...call, make]).mode).toBe("python");
});

test("code that ended the process by its own check is known by its object, where its caller is lost", () => {
  const check = native("geo.abi3.so", "google::LogMessage::Fail()");
  const lost = [native("libc.so.6", "abort"), check, native(python, "PyErr_Restore"), make, store];
  expect(grouped(lost, { reason: "SIGABRT" })).toMatchObject({ mode: "native", culprit: "geo" });
  expect(grouped(lost).culprit).not.toBe("geo");
});

test("an endless recursion that an allocator ended is no damaged heap", () => {
  const turns = Array.from({ length: 40 }, () => resize);
  const ended = [native("libc.so.6", "_int_malloc"), native("libc.so.6", "malloc"), ...turns];
  expect(grouped([...ended, ...call, make, store])).toMatchObject({ mode: "overflow" });
});
