import { expect, test } from "vitest";
import type { CStackFrame, Dump } from "@faultline/faulthandler";
import type { NativeFrame, PythonFrame } from "@faultline/shared";
import { type NativeStack, nativeStack } from "../src/c-stack.ts";
import { ModuleMap } from "../src/native/modules.ts";
import { blamedThread, threadsOf as threadsOfDump, type ThreadsOfCrash } from "../src/threads.ts";
import { FrameResolver } from "../src/python/frame-resolver.ts";
import { ReleaseFiles } from "../src/python/release-files.ts";
import { aDump, aFrame, aThread, opener } from "./builders.ts";

const threadsOf = (
  dump: Dump,
  stacks: readonly (readonly PythonFrame[])[],
  native: NativeStack | null,
): ThreadsOfCrash =>
  threadsOfDump(dump, stacks, native, { memory: new Map(), minor: null, waysInto: () => [] });

const python = (): PythonFrame[] =>
  new FrameResolver(new ReleaseFiles(new Map(), opener([])), null).stack([
    aFrame("/srv/app/jobs.py", 1, "run"),
  ]);

const cFrame = (
  file: string | null,
  symbol: string | null,
  offset: string | null,
  address: string | null,
): CStackFrame => ({ file, symbol, offset, address });

/** The forms of Python/traceback.c in an executable that is not position independent. */
const signalStack = [
  cFrame("/usr/bin/python3.14", "_Py_DumpStack", "0x4a", "0x49b2f9"),
  cFrame("/usr/bin/python3.14", null, null, "0x53d28e"),
  cFrame("/lib/libc.so.6", null, "0x406b0", "0x7f00000406b0"),
  cFrame("/srv/app/_ext.cpython-314-x86_64-linux-gnu.so", null, "0x1199", "0x7f0000501199"),
  cFrame("/lib/libc.so.6", "qsort_r", "0x6a", "0x7f000004527a"),
  cFrame("/usr/bin/python3.14", "PyEval_EvalCode", "0x9d", "0x592ead"),
  cFrame(null, null, null, "0x7f00deadbeef"),
];

const stackOf = (frames: readonly CStackFrame[]) =>
  nativeStack({ frames, truncated: false, unavailable: null }, new ModuleMap([]));

test("C frames: module, offset from the file's load bias, and the reporting's own marked", () => {
  const { frames, modules } = stackOf(signalStack);
  expect(
    frames.map(({ module, offset, function: name, role }) => [module, offset, name, role]),
  ).toEqual([
    ["python3.14", "0x49b2f9", "_Py_DumpStack", "trampoline"],
    ["python3.14", "0x53d28e", null, "trampoline"],
    ["libc.so.6", "0x406b0", null, "trampoline"],
    ["_ext.cpython-314-x86_64-linux-gnu.so", "0x1199", null, null],
    ["libc.so.6", "0x4527a", "qsort_r", null],
    ["python3.14", "0x592ead", "PyEval_EvalCode", null],
    [null, null, null, null],
  ]);
  expect(frames[0]).toMatchObject<Partial<NativeFrame>>({ pc: "0x49b2f9", foundBy: "c-stack" });
  expect(modules.map(({ name, codeFile, base }) => [name, codeFile, base])).toEqual([
    ["python3.14", "/usr/bin/python3.14", "0x0"],
    ["libc.so.6", "/lib/libc.so.6", "0x7f0000000000"],
    [
      "_ext.cpython-314-x86_64-linux-gnu.so",
      "/srv/app/_ext.cpython-314-x86_64-linux-gnu.so",
      "0x7f0000500000",
    ],
  ]);
});

test("a dump on demand has no trampoline, and odd offsets are not added up", () => {
  const { frames, modules } = stackOf([
    cFrame("/usr/lib/libpython3.15.so.1.0", "_Py_DumpStack", "0x4a", "0x49b2f9"),
    cFrame("/usr/lib/libpython3.15.so.1.0", null, "-0x10", "0x499b60"),
    cFrame("/usr/lib/libpython3.15.so.1.0", null, "0xffffff", "0x10"),
    cFrame("/srv/app/_ext.so", "run", "0x1", "0x7f00"),
  ]);
  expect(frames.map(({ role }) => role)).toEqual(["trampoline", null, null, null]);
  expect(frames.map(({ offset }) => offset)).toEqual([null, null, null, null]);
  expect(modules.map(({ base }) => base)).toEqual([null, null]);
});

test("the current thread is blamed and gets the C stack, which is not aligned", () => {
  const dump = aDump({
    threads: [
      aThread([], { stop: "no Python frame" }),
      aThread([], {
        current: true,
        ident: "0x00007f81504b3200",
        osName: "main",
        garbageCollecting: true,
      }),
    ],
  });
  const { threads, crashingThread, gaps } = threadsOf(dump, [[], python()], stackOf(signalStack));
  expect(crashingThread).toBe(1);
  expect(gaps).toEqual([]);
  expect(threads[0]).toMatchObject({ crashed: false, stack: [], truncated: false });
  expect(threads[0]?.gaps.map(({ code }) => code)).toEqual(["no-python-frame"]);
  expect(threads[1]).toMatchObject({
    id: null,
    ident: "0x7f81504b3200",
    name: "main",
    crashed: true,
    stitch: "none",
    garbageCollecting: true,
  });
  expect(threads[1]?.stack.map(({ language }) => language).join(" ")).toBe(
    `${"native ".repeat(7)}python`,
  );
  const [handler, , , , , evalCode] = threads[1]!.stack;
  expect([handler!.role, evalCode!.role]).toEqual(["trampoline", "interpreter"]);
  expect(threads[1]?.gaps.map(({ code }) => code)).toEqual(["not-stitched"]);
});

test("a crash on a thread that Python does not know: its C stack is a thread of its own", () => {
  const dump = aDump({ threads: [aThread([])] });
  const withStack = threadsOf(dump, [python()], stackOf(signalStack));
  expect(withStack.crashingThread).toBe(1);
  expect(withStack.threads[0]?.crashed).toBe(false);
  expect(withStack.threads[1]).toMatchObject({ ident: null, crashed: true });
  expect(withStack.threads[1]?.stack).toHaveLength(7);
  expect(withStack.gaps.map(({ code }) => code)).toEqual(["thread-not-listed"]);
  const without = threadsOf(dump, [python()], null);
  expect(without).toMatchObject({ crashingThread: null, gaps: [{ code: "thread-not-listed" }] });
  expect(without.threads.map(({ crashed }) => crashed)).toEqual([false]);
});

test("a C stack alone is a snapshot of a thread without a name", () => {
  const dump = aDump({ kind: "cstack", message: null });
  const { threads, crashingThread, gaps } = threadsOf(dump, [], stackOf(signalStack));
  expect(crashingThread).toBe(0);
  expect(threads[0]).toMatchObject({ crashed: false, ident: null });
  expect(gaps.map(({ code }) => code)).toEqual(["thread-not-listed"]);
});

test("a watchdog blames the main thread, listed last, unless it was cut off", () => {
  const dump = aDump({ kind: "timeout", threads: [aThread([]), aThread([])] });
  expect(blamedThread(dump)).toBe(1);
  const { threads, gaps } = threadsOf(dump, [[], []], null);
  expect(threads.map(({ crashed }) => crashed)).toEqual([false, false]);
  expect(gaps.map(({ code }) => code)).toEqual(["blame-assumed"]);
  const worker = aThread([aFrame("/usr/lib/python3.12/threading.py", 1030, "_bootstrap")]);
  expect(blamedThread({ ...dump, threads: [aThread([]), worker] })).toBeNull();
  const cut = threadsOf({ ...dump, threadsTruncated: true }, [[], []], null);
  expect(cut.crashingThread).toBeNull();
  expect(cut.gaps.map(({ code }) => code)).toEqual(["threads-cut", "thread-not-listed"]);
});

test("a dump without a thread blames nobody", () => {
  expect(threadsOf(aDump(), [], null)).toMatchObject({
    threads: [],
    crashingThread: null,
    gaps: [{ code: "thread-not-listed" }],
  });
});

test.each([
  [{ framesTruncated: "marked" }, "frames-cut", true],
  [{ framesTruncated: "possible" }, "frames-cut", true],
  [{ stop: "invalid frame" }, "cut-by-cpython", true],
  [{ stop: "freed frame" }, "cut-by-cpython", true],
  [{ stop: "tstate is freed" }, "freed-thread", true],
  [{ stop: "freed thread state" }, "freed-thread", true],
  [{ stop: "plus 7 frames" }, "cut-by-cpython", true],
  [{ stop: "no Python frame" }, "no-python-frame", false],
] as const)("a stack that stops: %o", (more, code, truncated) => {
  const { threads } = threadsOf(aDump({ threads: [aThread([], more)] }), [[]], null);
  expect(threads[0]?.truncated).toBe(truncated);
  expect(threads[0]?.gaps.map((gap) => gap.code)).toEqual([code]);
});

test("a C stack that is cut or was not to be had", () => {
  const dump = aDump({ threads: [aThread([], { current: true })] });
  const cut = nativeStack(
    { frames: signalStack, truncated: true, unavailable: null },
    new ModuleMap([]),
  );
  expect(threadsOf(dump, [[]], cut).threads[0]).toMatchObject({
    truncated: true,
    gaps: [{ code: "c-stack-cut" }],
  });
  const none = nativeStack(
    {
      frames: [],
      truncated: false,
      unavailable: "cannot get C stack on this system",
    },
    new ModuleMap([]),
  );
  expect(threadsOf(dump, [python()], none).threads[0]?.gaps).toEqual([
    { code: "c-stack-unavailable", detail: expect.stringContaining("cannot get C stack") },
  ]);
});

test("on Windows the printed identifier is the system's thread id", () => {
  const dump = aDump({
    kind: "windowsException",
    threads: [aThread([], { current: true, ident: "0x00001a2c" })],
  });
  expect(threadsOf(dump, [[]], null).threads[0]).toMatchObject({ id: "6700", ident: "0x1a2c" });
});
