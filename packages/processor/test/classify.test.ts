import { expect, test } from "vitest";
import { causeOf, inferOverflow } from "../src/classify.ts";
import { crashesOf } from "../src/crashes.ts";
import { nativeStack } from "../src/c-stack.ts";
import { ModuleMap } from "../src/native/modules.ts";
import { aDump, aFrame, aThread } from "./builders.ts";

const cause = (...dumps: Parameters<typeof aDump>) => causeOf(crashesOf([aDump(...dumps)])[0]!);

test.each([
  ["Segmentation fault", "SIGSEGV", "memory-access"],
  ["Aborted", "SIGABRT", "abort"],
  ["Bus error", "SIGBUS", "bus-error"],
  ["Illegal instruction", "SIGILL", "illegal-instruction"],
  ["Floating point exception", "SIGFPE", "arithmetic"],
  ["Floating-point exception", "SIGFPE", "arithmetic"],
  ["unexpected signum: 11", "SIGSEGV", "memory-access"],
  ["15", "SIGTERM", null],
  ["64", "signal 64", null],
])("signal %s", (message, reason, classification) => {
  expect(cause({ message })).toEqual({
    kind: "signal",
    reason,
    code: null,
    message: null,
    classification,
  });
});

test("a signal that nobody knows keeps its words", () => {
  expect(cause({ message: "Alien invasion" })).toMatchObject({
    reason: null,
    message: "Alien invasion",
  });
  expect(cause({ message: null })).toMatchObject({ reason: null, message: null });
});

test.each([
  ["access violation", "EXCEPTION_ACCESS_VIOLATION", "0xc0000005", "memory-access"],
  ["page error", "EXCEPTION_IN_PAGE_ERROR", "0xc0000006", "bus-error"],
  ["float divide by zero", "EXCEPTION_FLT_DIVIDE_BY_ZERO", "0xc000008e", "arithmetic"],
  ["float overflow", "EXCEPTION_FLT_OVERFLOW", "0xc0000091", "arithmetic"],
  ["int divide by zero", "EXCEPTION_INT_DIVIDE_BY_ZERO", "0xc0000094", "arithmetic"],
  ["integer overflow", "EXCEPTION_INT_OVERFLOW", "0xc0000095", "arithmetic"],
  ["stack overflow", "EXCEPTION_STACK_OVERFLOW", "0xc00000fd", "stack-overflow"],
  ["code 0xc0000374", "STATUS_HEAP_CORRUPTION", "0xc0000374", "heap-corruption"],
  ["code c0000374", "STATUS_HEAP_CORRUPTION", "0xc0000374", "heap-corruption"],
  ["code 0xdeadbeef", null, "0xdeadbeef", null],
])("Windows %s", (message, reason, code, classification) => {
  expect(cause({ kind: "windowsException", message })).toEqual({
    kind: "windows-exception",
    reason,
    code,
    message: null,
    classification,
  });
});

test.each([
  ["xyz happened", null, "fatal-python-error"],
  ["Cannot recover from stack overflow.", "_Py_CheckRecursiveCall", "stack-overflow"],
  ["bad trailing pad byte", "_PyMem_DebugRawFree", "heap-corruption"],
  ["bad ID: Allocated using API 'm', verified using API 'o'", null, "heap-corruption"],
  ["_PyObject_AssertFailed", "_PyObject_AssertFailed", "assertion"],
  ["a very bad pad byte day", null, "fatal-python-error"],
])("fatal %s", (message, func, classification) => {
  expect(cause({ kind: "fatal", message, func })).toEqual({
    kind: "fatal",
    reason: null,
    code: null,
    message,
    classification,
  });
});

test("a fatal error's second dump names the signal", () => {
  const dumps = [
    aDump({ kind: "fatal" }),
    aDump({ message: "Aborted", sameCrashAsPrevious: true }),
  ];
  expect(causeOf(crashesOf(dumps)[0]!).reason).toBe("SIGABRT");
});

test("watchdogs and dumps on demand", () => {
  expect(cause({ kind: "timeout" })).toMatchObject({ kind: "timeout", classification: "hang" });
  expect(cause({ kind: "dump" })).toMatchObject({ kind: "dump", classification: "snapshot" });
  expect(cause({ kind: "cstack" })).toMatchObject({ kind: "dump", classification: "snapshot" });
});

const recursion = (levels: number, names: readonly string[]) =>
  Array.from({ length: levels }, (_, at) => aFrame("/srv/a.py", at, names[at % names.length]!));

const leaf = [aFrame("/usr/lib/python3.12/copy.py", 1, "deepcopy")];

test.each([
  ["one function", recursion(100, ["walk"]), "marked", true],
  ["two in turn", recursion(100, ["walk", "visit"]), "possible", true],
  ["below what the last level called", [...leaf, ...recursion(99, ["walk"])], "marked", true],
  ["not cut", recursion(100, ["walk"]), null, false],
  [
    "half of the stack",
    [...recursion(50, ["walk"]), ...recursion(50, ["x", "x", "y", "z"])],
    "marked",
    false,
  ],
  ["a long way round", recursion(100, "abcdefghi".split("")), "marked", false],
] as const)("stack overflow is inferred: %s", (_, frames, framesTruncated, inferred) => {
  const thread = aThread(frames, { framesTruncated });
  const { cause: found, gaps } = inferOverflow(cause({}), thread, []);
  expect(found.classification).toBe(inferred ? "stack-overflow" : "memory-access");
  expect(gaps.map(({ code }) => code)).toEqual(inferred ? ["stack-overflow-inferred"] : []);
});

test("no stack overflow where the C stack shows that the signal was sent", () => {
  const thread = aThread(recursion(100, ["walk"]), { framesTruncated: "marked" });
  const frame = { file: "/lib/libc.so.6", symbol: "gsignal", offset: "0x12", address: "0x7f00" };
  const { frames } = nativeStack(
    { frames: [frame], truncated: false, unavailable: null },
    new ModuleMap([]),
  );
  expect(inferOverflow(cause({}), thread, frames).cause.classification).toBe("memory-access");
  expect(inferOverflow(cause({ message: "Aborted" }), thread, []).cause.classification).toBe(
    "abort",
  );
});
