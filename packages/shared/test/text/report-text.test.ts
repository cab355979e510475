import fc from "fast-check";
import { expect, test } from "vitest";
import {
  renderGroupExplanation,
  renderReport,
  TEXT_COLUMNS,
  type AboutCrash,
  type Gap,
  type Grouping,
  type NativeFrame,
  type PythonFrame,
  type Report,
  type Thread,
} from "../../src/index.ts";

const about: AboutCrash = { id: "0193a1b2-0000-7000-8000-000000000000" };

const frame = (more: Partial<PythonFrame>): PythonFrame => ({
  language: "python",
  module: null,
  function: "run",
  qualname: null,
  file: "/srv/app/jobs.py",
  line: 42,
  endLine: null,
  column: null,
  endColumn: null,
  definitionLine: null,
  arguments: null,
  inApp: true,
  foundBy: "faulthandler",
  role: null,
  source: null,
  ...more,
});

const native = (more: Partial<NativeFrame>): NativeFrame => ({
  language: "native",
  pc: "0x53d28e",
  module: "libc.so.6",
  offset: null,
  function: null,
  linkageName: null,
  file: null,
  line: null,
  column: null,
  inline: false,
  foundBy: "c-stack",
  role: null,
  ...more,
});

const thread = (stack: Thread["stack"], more: Partial<Thread> = {}): Thread => ({
  id: null,
  ident: "0x7f81504b3200",
  name: null,
  crashed: false,
  stitch: "none",
  garbageCollecting: false,
  stack,
  truncated: false,
  gaps: [],
  ...more,
});

const report = (more: Partial<Report>): Report => ({
  version: 1,
  kind: "signal",
  reason: "SIGSEGV",
  code: null,
  address: null,
  message: null,
  fatalFunction: null,
  runtimeState: null,
  timeoutSeconds: null,
  classification: "memory-access",
  os: null,
  cpu: null,
  osVersion: null,
  process: null,
  python: null,
  registers: null,
  annotations: {},
  crashingThread: 0,
  threads: [],
  modules: [],
  extensionModules: [],
  gaps: [],
  grouping: null,
  ...more,
});

const crashOf = (...stack: Thread["stack"]) =>
  report({ threads: [thread(stack, { crashed: true })] });
const textOf = (what: Report, more: Partial<AboutCrash> = {}) =>
  renderReport(what, { ...about, ...more });

test("what died, where in their code, at which expression", () => {
  const run = frame({
    module: "app.jobs",
    qualname: "Worker.run",
    arguments: ["self", "*jobs"],
    column: 8,
    endColumn: 20,
    endLine: 42,
    source: { before: ["    def run(self, *jobs):"], line: "        self.go(job)", after: [] },
  });
  const base = frame({
    file: "/usr/lib/python3.12/threading.py",
    function: "_bootstrap",
    line: 9,
    inApp: false,
  });
  expect(textOf(crashOf(run, base))).toBe(`SIGSEGV (memory-access)

died of     SIGSEGV (memory-access)
crash       0193a1b2-0000-7000-8000-000000000000

Crashed thread 0x7f81504b3200
>   #0  app.jobs.Worker.run(self, *jobs)
        /srv/app/jobs.py:42:9
           41 |     def run(self, *jobs):
        -> 42 |         self.go(job)
              |         ^^^^^^^^^^^^
    #1  _bootstrap
        /usr/lib/python3.12/threading.py:9
  (> is the application's own code)
`);
});

test("carets stand below what they mean, past tabs and letters that are not ASCII", () => {
  const line = "\té = f(x) + g(y)";
  const start = new TextEncoder().encode("\té = f(x) + ").length;
  const text = textOf(
    crashOf(
      frame({
        column: start,
        endColumn: start + 4,
        endLine: 42,
        source: { before: [], line, after: [] },
      }),
    ),
  );
  expect(text).toContain(
    ["        -> 42 |     \\xe9 = f(x) + g(y)", "              |                   ^^^^\n"].join(
      "\n",
    ),
  );
});

test("carets go to the line's end when the expression goes on below, and nowhere past it", () => {
  const source = { before: [], line: "f(a,", after: ["  b)"] };
  expect(textOf(crashOf(frame({ column: 0, endColumn: 4, endLine: 43, source })))).toMatch(
    /\| \^\^\^\^\n/,
  );
  expect(textOf(crashOf(frame({ column: 90, endColumn: 94, endLine: 42, source })))).not.toContain(
    "^",
  );
  expect(textOf(crashOf(frame({ column: 3, endColumn: 1, endLine: 42, source })))).not.toContain(
    "^",
  );
});

test("recursion is told once", () => {
  const walk = frame({ function: "walk", line: 9 });
  const visit = frame({ function: "visit", line: 3 });
  const stack = [
    ...Array.from({ length: 98 }, (_, at) => (at % 2 === 0 ? walk : visit)),
    frame({}),
  ];
  const text = textOf(crashOf(...stack));
  expect(text).toContain("      ... the 2 frames above repeat 49 times\n>  #98  run\n");
  expect(text.match(/ walk\n/g)).toHaveLength(1);
});

test("stacks that are not aligned are two, machinery folded", () => {
  const handler = Array.from({ length: 3 }, () => native({ role: "trampoline" }));
  const eval_ = Array.from({ length: 4 }, () => native({ role: "interpreter" }));
  const strlen = native({ function: "strlen", offset: "0x4b582" });
  const text = textOf(crashOf(...handler, strlen, ...eval_, frame({})));
  expect(text).toContain("died in     strlen of libc.so.6\ncalled from run, /srv/app/jobs.py:42\n");
  expect(text).not.toContain("through");
  expect(text).toContain(
    [
      "Python stack, most recent call first",
      ">   #8  run",
      "        /srv/app/jobs.py:42",
      "C stack of the same thread, most recent call first",
      "      ... 3 crash handler frames",
      "    #3  strlen  libc.so.6 +0x4b582",
      "      ... 4 interpreter frames",
    ].join("\n"),
  );
});

const mergedStack: Thread["stack"] = [
  native({ function: "__strlen_evex", file: "../sysdeps/strlen-evex.S", line: 79 }),
  native({
    function: "string_at",
    module: "_ctypes.cpython-312-x86_64-linux-gnu.so",
    file: "./Modules/_ctypes/_ctypes.c",
    line: 5528,
    inline: true,
  }),
  native({
    function: "string_at",
    module: "_ctypes.cpython-312-x86_64-linux-gnu.so",
    file: "./Modules/_ctypes/_ctypes.c",
    line: 5522,
    foundBy: "scan",
  }),
  native({ module: "libffi.so.8", offset: "0x6f7a" }),
  native({ function: "_PyObject_MakeTpCall", role: "interpreter" }),
  frame({
    module: "ctypes",
    function: "string_at",
    file: "/usr/lib/python3.12/ctypes/__init__.py",
    line: 525,
    inApp: false,
  }),
  frame({ qualname: "Job.run" }),
  native({ function: "_PyEval_EvalFrameDefault", role: "interpreter" }),
  native({ function: "_start", role: "start" }),
];

test("a merged stack: what died, called from where in their code, and through what", () => {
  const merged = report({ threads: [thread(mergedStack, { crashed: true, stitch: "exact" })] });
  expect(textOf(merged)).toBe(`SIGSEGV (memory-access)

died of     SIGSEGV (memory-access)
died in     __strlen_evex of libc.so.6, ../sysdeps/strlen-evex.S:79
called from Job.run, /srv/app/jobs.py:42
through     ctypes.string_at > string_at
crash       0193a1b2-0000-7000-8000-000000000000

Crashed thread 0x7f81504b3200
    #0  __strlen_evex  libc.so.6  ../sysdeps/strlen-evex.S:79
    #1  string_at  _ctypes.so  ./Modules/_ctypes/_ctypes.c:5528  [inlined]
    #2  string_at  _ctypes.so  ./Modules/_ctypes/_ctypes.c:5522  [scan]
    #3  libffi.so.8 +0x6f7a
      ... 1 interpreter frame
    #5  ctypes.string_at
        /usr/lib/python3.12/ctypes/__init__.py:525
>   #6  Job.run
        /srv/app/jobs.py:42
      ... 2 interpreter and start-up frames
  (> is the application's own code)
`);
});

test("places that are not certain are said where they are shown", () => {
  const merged = report({
    threads: [thread(mergedStack, { crashed: true, stitch: "approximate" })],
  });
  expect(textOf(merged)).toContain(
    "Crashed thread 0x7f81504b3200\n  (where Python frames stand among native ones is not certain: see below)\n",
  );
});

test("recursion through C is told once, with its machinery", () => {
  const level = (line: number): Thread["stack"] => [
    frame({ function: "walk", line }),
    native({ function: "_PyEval_EvalFrameDefault", role: "interpreter", pc: `0x${line}` }),
    native({ function: "map_next" }),
  ];
  const stack = [...Array.from({ length: 50 }, () => level(7)).flat(), frame({})];
  const text = textOf(report({ threads: [thread(stack, { crashed: true, stitch: "exact" })] }));
  expect(text).toContain("died in     _PyEval_EvalFrameDefault of libc.so.6\ncalled from walk,");
  expect(text).toContain(
    [
      ">   #0  walk",
      "        /srv/app/jobs.py:7",
      "      ... 1 interpreter frame",
      "    #2  map_next  libc.so.6 0x53d28e",
      "      ... the 3 frames above repeat 50 times",
      "> #150  run",
    ].join("\n"),
  );
});

test("where Python called nothing, the interpreter itself died", () => {
  const loop = native({
    function: "_PyEval_EvalFrameDefault",
    module: "libpython3.12.so.1.0",
    role: "interpreter",
  });
  const text = textOf(
    report({ threads: [thread([frame({}), loop], { crashed: true, stitch: "exact" })] }),
  );
  expect(text).toContain(
    "died in     _PyEval_EvalFrameDefault of libpython3.12.so.1.0\ncalled from run, /srv/app/jobs.py:42\ncrash",
  );
});

test("calls inlined into one another share an address and are no recursion", () => {
  const inlined = ["Py_DECREF", "Py_XDECREF", "insertdict"].map((name) =>
    native({ function: name }),
  );
  expect(textOf(crashOf(...inlined))).not.toContain("repeat");
});

test("a long way is shown by its ends, a long place by its end", () => {
  const way = Array.from({ length: 14 }, (_, at) =>
    native({ function: `f${at}`, file: `/build/${"deep/".repeat(20)}f.c`, line: at }),
  );
  const text = textOf(
    report({ threads: [thread([...way, frame({})], { crashed: true, stitch: "exact" })] }),
  );
  expect(text).toContain(
    "through     f13 > f12 > f11 > f10 > f9 > ... 3 more ... > f5 > f4 > f3 > f2 > f1\n",
  );
  expect(text).toMatch(/^ {4}#1 {2}f1 {2}libc\.so\.6 {2}\.\.\.\/deep\/.*\/f\.c:1$/m);
});

test("of other threads the innermost native frames are few, machinery is not shown", () => {
  const wait = ["__futex_wait", "pthread_cond_wait", "take_gil"].map((name) =>
    native({ function: name, offset: "0x1" }),
  );
  const stack = [
    ...wait,
    native({ function: "_PyEval_EvalFrameDefault", role: "interpreter" }),
    frame({ function: "spin" }),
  ];
  const text = textOf(report({ threads: [thread([frame({})], { crashed: true }), thread(stack)] }));
  expect(text).toContain(
    [
      "Other threads (1)",
      "  0x7f81504b3200",
      "        __futex_wait  libc.so.6 +0x1",
      "        pthread_cond_wait  libc.so.6 +0x1",
      "        ... 2 frames",
      "      > spin  /srv/app/jobs.py:42",
    ].join("\n"),
  );
});

test("idle threads with one stack are one entry; the application's own come first", () => {
  const wait = frame({ function: "wait", file: "/usr/lib/python3.12/threading.py", inApp: false });
  const own = frame({ function: "loop" });
  const deep = [...Array.from({ length: 9 }, (_, line) => frame({ ...wait, line })), own, wait];
  const idle = Array.from({ length: 5 }, () => thread([wait], { name: "pool" }));
  const text = textOf(
    report({
      threads: [thread([frame({})], { crashed: true }), ...idle, thread(deep, { name: "w" })],
    }),
  );
  expect(text).toContain(
    [
      "Other threads (6)",
      '  "w" (0x7f81504b3200)',
      "        wait  /usr/lib/python3.12/threading.py:0",
      "        wait  /usr/lib/python3.12/threading.py:1",
      "        wait  /usr/lib/python3.12/threading.py:2",
      "        wait  /usr/lib/python3.12/threading.py:3",
      "        ... 5 frames",
      "      > loop  /srv/app/jobs.py:42",
      "        ... 1 older frame",
      '  5 alike: "pool" x 5',
      "        wait  /usr/lib/python3.12/threading.py:42",
    ].join("\n"),
  );
});

test("what is uncertain is said, the blamed thread's gaps first", () => {
  const gaps: Gap[] = [{ code: "no-map", detail: `/srv/app/${"x".repeat(150)}.py: none.` }];
  const text = textOf(
    report({
      threads: [
        thread([], { crashed: true, gaps: [{ code: "frames-cut", detail: "Older frames." }] }),
      ],
      gaps,
    }),
  );
  expect(text).toMatch(/What is uncertain\n {2}- Older frames\. \[frames-cut\]\n {2}- \/srv/);
});

test("a crash that blames nobody, a hang, a dump on demand, a fatal error", () => {
  expect(textOf(report({ crashingThread: null, threads: [thread([frame({})])] }))).toContain(
    "Threads (1)",
  );
  const hang = report({
    kind: "timeout",
    reason: null,
    classification: "hang",
    timeoutSeconds: 2.5,
    threads: [thread([frame({})])],
  });
  expect(textOf(hang)).toContain("kind        watchdog after 2.5 s (hang)");
  expect(textOf(hang)).toContain("Thread taken to hang 0x7f81504b3200");
  const fatal = report({
    kind: "fatal",
    reason: null,
    classification: "fatal-python-error",
    fatalFunction: "take_gil",
    message: "no\nGIL",
    runtimeState: "initialized",
  });
  expect(textOf(fatal)).toMatch(
    /fatal Python error in take_gil .*\nmessage {5}no\\x0aGIL\nstate {7}init/,
  );
});

test("nothing of a dump can move a cursor or fake a line, and no line is too long", () => {
  const nasty = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.constantFrom(
      "\u001b[2J",
      "a\nCrashed thread",
      "\r",
      "\u202e",
      "x".repeat(300),
      "\ud800",
      "\u0000",
    ),
  );
  const maybe = fc.option(nasty, { nil: null });
  const frames = fc.record({
    module: maybe,
    function: maybe,
    qualname: maybe,
    file: maybe,
    line: fc.option(fc.integer(), { nil: null }),
    column: fc.option(fc.nat(400), { nil: null }),
    endColumn: fc.option(fc.nat(400), { nil: null }),
    arguments: fc.option(fc.array(nasty, { maxLength: 3 }), { nil: null }),
    source: fc.option(
      fc.record({ before: fc.array(nasty, { maxLength: 3 }), line: nasty, after: fc.constant([]) }),
      { nil: null },
    ),
  });
  const reports = fc
    .tuple(fc.array(fc.array(frames, { maxLength: 5 }), { maxLength: 4 }), nasty, maybe, maybe)
    .map(([stacks, name, message, file]) =>
      report({
        message,
        fatalFunction: file,
        threads: stacks.map((stack) =>
          thread([native({ function: file, module: name }), ...stack.map(frame)], {
            name,
            ident: file,
          }),
        ),
        extensionModules: [name],
        gaps: [{ code: name, detail: name }],
      }),
    );
  fc.assert(
    fc.property(reports, maybe, (what, host) => {
      const text = textOf(what, { host, group: host });
      expect(text).toMatch(/^[\n\x20-\x7e]*$/);
      expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(
        TEXT_COLUMNS,
      );
      expect(text.split("\n").filter((line) => line.startsWith("Crashed thread"))).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test("a group explains each frame, those treated alike as one row", () => {
  const row = (index: number, token: string | null): Grouping["frames"][number] => ({
    index,
    role: token === null ? "trampoline" : "app",
    token,
    usedIn: token === null ? [] : ["coarse", "mid"],
    reason: token === null ? "machinery" : "names the group",
  });
  const text = renderGroupExplanation({
    ruleset: "cg1",
    mode: "python",
    confidence: "high",
    coarse: "c0",
    mid: "a1",
    fine: "f2",
    link: null,
    group: "b9",
    title: "Segfault in app.jobs:run\u001b[2J",
    culprit: null,
    frames: [row(0, null), row(1, null), row(2, "app.jobs:run")],
  });
  expect(text).toBe(`Segfault in app.jobs:run\\x1b[2J

group       b9
by          cg1, mode python, confidence high
coarse      c0
mid         a1
fine        f2
Filed under another key than its own: attached by its link key.

   frames  role          used in                token and reason
     #0-1  trampoline    -                      machinery
       #2  app           coarse,mid             app.jobs:run
                                                names the group
`);
});
