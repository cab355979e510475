import fc from "fast-check";
import { expect, test } from "vitest";
import { renderReport, type CrashMetadata, type PythonFiles, type Report } from "@faultline/shared";
import { buildReports, type OpenMap, type ProcessedCrash } from "../src/index.ts";
import { aMap, anUpload, aSpan, filesOf, noMetadata, opener, utf8 } from "./builders.ts";
import { basenamesOf } from "./needs.ts";

interface Given {
  readonly metadata?: Partial<CrashMetadata>;
  readonly files?: PythonFiles;
  readonly openMap?: OpenMap;
}

/** Runs the engine as the worker does; `asked` is every request it made. */
function process(text: string | Uint8Array | null, given: Given = {}) {
  const faulthandler = typeof text === "string" ? utf8(text) : text;
  const metadata = { ...noMetadata, ...given.metadata };
  const engine = buildReports(
    { metadata, faulthandler, minidump: null },
    { openMap: given.openMap ?? opener([]) },
  );
  const asked: (readonly string[])[] = [];
  let step = engine.next();
  while (step.done !== true) {
    asked.push(basenamesOf(step.value));
    step = engine.next(given.files ?? new Map());
  }
  return { crashes: step.value, asked };
}

function only({ crashes }: { readonly crashes: readonly ProcessedCrash[] }): Report {
  expect(crashes).toHaveLength(1);
  return crashes[0]!.report;
}

const codes = (report: Report) => report.gaps.map(({ code }) => code);

const segfault = `Fatal Python error: Segmentation fault

Thread 0x00007f0000000002 (most recent call first):
  File "/usr/lib/python3.12/threading.py", line 359 in wait
  File "/srv/app/pool.py", line 12 in loop

Current thread 0x00007f0000000001 (most recent call first):
  File "/srv/app/jobs.py", line 42 in load
  File "/srv/app/jobs.py", line 41 in run
  File "/srv/app/main.py", line 7 in <module>

Extension modules: _ext, numpy.core._multiarray_umath (total: 2)
`;

const uploads = [
  anUpload(
    "app/jobs.py",
    aMap([
      { name: "load", qualname: "Worker.load", arguments: ["self"], lines: [42] },
      { name: "run", qualname: "Worker.run", lines: [41], spans: { 41: [aSpan(41, 8, 19)] } },
    ]),
    { source: utf8("        self.load()\n".repeat(50)) },
  ),
  anUpload("app/main.py", aMap([{ name: "<module>", lines: [7] }])),
];

const release = {
  files: filesOf(uploads),
  openMap: opener(uploads),
  metadata: { release: "shop@1" },
};

test("one crash, from text to group", () => {
  const { crashes, asked } = process(segfault, release);
  expect(asked).toEqual([["jobs.py", "main.py", "pool.py", "threading.py"]]);
  const report = only({ crashes });
  expect(crashes[0]?.span).toEqual([0, segfault.length]);
  expect(report).toMatchObject<Partial<Report>>({
    version: 1,
    kind: "signal",
    reason: "SIGSEGV",
    classification: "memory-access",
    message: null,
    python: { version: "3.12", evidence: "path" },
    crashingThread: 1,
    extensionModules: ["_ext", "numpy.core._multiarray_umath"],
  });
  expect(report.threads.map(({ crashed }) => crashed)).toEqual([false, true]);
  expect(report.threads[1]?.stack).toMatchObject([
    { module: "app.jobs", qualname: "Worker.load", arguments: ["self"], column: null },
    { module: "app.jobs", qualname: "Worker.run", column: 8, endColumn: 19, inApp: true },
    { module: "app.main", qualname: "<module>", line: 7 },
  ]);
  expect(report.gaps).toEqual([
    { code: "no-map", detail: "/srv/app/pool.py: no file for it in release shop@1 (1 frame)." },
  ]);
  expect(report.grouping).toMatchObject({
    mode: "python",
    culprit: expect.stringContaining("load"),
  });
  expect(renderReport(report, { id: "1" })).toContain("-> 41 |         self.load()\n");
});

test("a text with several dumps is several crashes, files asked for once", () => {
  const timeout = `Timeout (0:00:02.500000)!
Thread 0x00007f0000000001 (most recent call first):
  File "/srv/app/slow.py", line 3 in wait
  File "/srv/app/main.py", line 7 in <module>
`;
  const { crashes, asked } = process(`started\n${timeout}${segfault}`, release);
  expect(asked).toHaveLength(1);
  expect(crashes.map(({ report }) => report.kind)).toEqual(["timeout", "signal"]);
  expect(crashes[0]?.report).toMatchObject({
    classification: "hang",
    timeoutSeconds: 2.5,
    crashingThread: 0,
    extensionModules: [],
  });
  expect(codes(crashes[0]!.report)).toContain("blame-assumed");
  const [first, second] = crashes.map(({ span }) => span!);
  expect(first![0]).toBe("started\n".length);
  expect(second).toEqual([
    first![0] + timeout.length,
    first![0] + timeout.length + segfault.length,
  ]);
});

test("the two dumps of one fatal error (3.14+) are one crash", () => {
  const threads = `Thread 0x00007f0000000001 [python3.14] (most recent call first):
  File "/srv/app/main.py", line 7 in <module>
`;
  const report = only(
    process(`Fatal Python error: take_gil: in new thread
Python runtime state: initialized

${threads}Fatal Python error: Aborted

${threads}
Current thread's C stack trace (most recent call first):
  Binary file "/usr/bin/python3.14", at _Py_DumpStack+0x4a [0x49b2f9]
  Binary file "/usr/bin/python3.14" [0x53d28e]
  Binary file "/lib/x86_64-linux-gnu/libc.so.6", at +0x406b0 [0x7f6642d376b0]
  Binary file "/lib/x86_64-linux-gnu/libc.so.6", at abort+0x24 [0x7f6642d1f507]
`),
  );
  expect(report).toMatchObject({
    kind: "fatal",
    reason: "SIGABRT",
    message: "in new thread",
    fatalFunction: "take_gil",
    runtimeState: "initialized",
    classification: "fatal-python-error",
    os: "linux",
    cpu: "amd64",
    crashingThread: 1,
  });
  expect(report.threads.map(({ crashed, stack }) => [crashed, stack.length])).toEqual([
    [false, 1],
    [true, 4],
  ]);
  expect(report.modules.map(({ name }) => name)).toEqual(["python3.14", "libc.so.6"]);
  expect(codes(report)).toEqual(["thread-not-listed", "no-release"]);
});

test("a constructor's helper frame is skipped, and CPython's cut below it is named (3.14+)", () => {
  const report = only(
    process(`Fatal Python error: Segmentation fault

Current thread 0x00007f0000000001 [python3.14] (most recent call first):
  File "/srv/app/jobs.py", line 42 in __init__
  File "__init__", line ??? in __init__
  <invalid frame>
`),
  );
  const [thread] = report.threads;
  expect(thread?.stack.map(({ role }) => role)).toEqual([null, "helper"]);
  expect(thread).toMatchObject({ truncated: true, gaps: [{ code: "cut-by-cpython" }] });
});

test("Windows: exception by name, thread id, drive paths", () => {
  const report = only(
    process(
      `Windows fatal exception: access violation\r\n\r\nCurrent thread 0x00001a2c (most recent call first):\r\n  File "C:\\app\\Jobs.py", line 42 in load\r\n`,
      release,
    ),
  );
  expect(report).toMatchObject({
    kind: "windows-exception",
    reason: "EXCEPTION_ACCESS_VIOLATION",
    code: "0xc0000005",
    os: "windows",
  });
  expect(report.threads[0]).toMatchObject({ id: "6700", stack: [{ qualname: "Worker.load" }] });
  expect(codes(report)).toEqual(["first-chance"]);
});

test.each([
  ["no text", null, null],
  ["a log without a dump", "2026-01-01 all is well\n", [0, 23]],
  ["nothing at all", "", [0, 0]],
])("%s is one crash that says so", (_, text, span) => {
  const { crashes, asked } = process(text, { metadata: { pythonVersion: "3.12.1" } });
  expect(asked).toEqual([]);
  expect(crashes.map((crash) => crash.span)).toEqual([span]);
  const report = only({ crashes });
  expect(report).toMatchObject({
    kind: "dump",
    classification: null,
    crashingThread: null,
    threads: [],
    python: { version: "3.12.1", evidence: "metadata" },
    grouping: { mode: "empty" },
  });
  expect(codes(report)).toEqual(["no-dump"]);
});

test("reports have every field, and survive JSON", () => {
  const report = only(process(segfault, release));
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  expect(Object.values(report)).not.toContain(undefined);
});

/** Dumps of every kind, for cutting, flipping and mixing. */
const seeds = [
  segfault,
  `Timeout (0:00:05)!\nThread 0x00007f0000000001 [w] (most recent call first):\n  File "/a.py", line 5 in f\n`,
  `Stack (most recent call first):\n  File "a", line 4 in f\n  ...\n`,
  `Fatal Python error: f: bad\nPython runtime state: initialized\nTraceback (most recent call last):\n  File "/a.py", line 1, in g\nE: x\n\n`,
  `Current thread's C stack trace (most recent call first):\n  Binary file "/x", at f+0x1 [0x2]\n`,
];

test("never throws, and every report can be read, for a text cut or flipped anywhere", () => {
  const texts = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.constantFrom(...seeds),
      fc.nat(2000),
      fc.nat(2000),
      fc.nat(255),
    )
    .map(([first, second, cut, at, byte]) => {
      const bytes = utf8(first.slice(0, cut) + second);
      if (at < bytes.length) bytes[at] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(texts, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      for (const { report, span } of process(bytes, release).crashes) {
        expect(report.grouping?.mid).toMatch(/^[0-9a-f]+$/);
        expect(renderReport(report, { id: "1" })).toMatch(/^[\n\x20-\x7e]+$/);
        expect(span![0]).toBeGreaterThanOrEqual(0);
        expect(span![1]).toBeLessThanOrEqual(bytes.length);
      }
    }),
    { numRuns: 300 },
  );
});

test("a map that throws whatever it is asked never stops a report", () => {
  const openMap: OpenMap = () => {
    throw new RangeError("damaged at 0x10");
  };
  const report = only(process(segfault, { ...release, openMap }));
  expect(codes(report)).toEqual(["corrupt-map", "corrupt-map", "no-map"]);
  expect(report.threads[1]?.stack[0]).toMatchObject({ module: "app.jobs", qualname: null });
});

const traceback = `Traceback (most recent call last):
  File "/srv/app/rows.py", line 4, in parse
    int(text)
ValueError: invalid literal

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/app/main.py", line 12, in <module>
    run()
  File "/srv/app/jobs.py", line 7, in run
    raise BadRow(text)
app.errors.BadRow: row 17
  of 90
`;

test("the traceback of an exception that nobody caught is a crash of its own kind", () => {
  const report = only(process(traceback));
  expect(report).toMatchObject({
    kind: "exception",
    reason: "app.errors.BadRow",
    message: "row 17",
    classification: "python-exception",
    crashingThread: 0,
  });
  expect(report.threads[0]!.stack).toMatchObject([
    { function: "run", file: "/srv/app/jobs.py", line: 7 },
    { function: "<module>", file: "/srv/app/main.py", line: 12 },
  ]);
  expect(codes(report)).not.toContain("no-dump");
  expect(renderReport(report, { id: "x" })).toContain("Thread that raised");
});

test("a traceback beside a dump is not a crash of its own", () => {
  const { crashes } = process(traceback + segfault);
  expect(crashes.map(({ report }) => report.kind)).toEqual(["signal"]);
});

test("a log that holds a traceback between its lines tells of no death", () => {
  expect(only(process(`worker 3 gives up\n${traceback}`)).kind).toBe("dump");
});

test("a traceback that is cut before it names the exception is none", () => {
  const cut = traceback.slice(0, traceback.indexOf("app.errors"));
  expect(only(process(cut)).kind).toBe("dump");
});
