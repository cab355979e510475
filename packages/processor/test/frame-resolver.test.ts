import { expect, test } from "vitest";
import type { TextFrame } from "@faultline/faulthandler";
import type { PythonFrame } from "@faultline/shared";
import { MAX_FRAMES_RESOLVED, MAX_SOURCE_CHARS_PER_REPORT } from "../src/limits.ts";
import { FrameResolver } from "../src/python/frame-resolver.ts";
import { ReleaseFiles } from "../src/python/release-files.ts";
import { aFrame, aMap, anUpload, aSpan, filesOf, opener, utf8 } from "./builders.ts";

function resolve(
  uploads: readonly ReturnType<typeof anUpload>[],
  frames: readonly TextFrame[],
  version: string | null = "3.12",
) {
  const release = new ReleaseFiles(filesOf(uploads), opener(uploads));
  const resolver = new FrameResolver(release, version);
  const stack = resolver.stack(frames);
  const gaps = resolver.gaps("shop@1");
  return { stack, gaps, codes: gaps.map(({ code }) => code) };
}

const jobs = aMap([
  { name: "<module>", lines: [1, 5, 99] },
  {
    name: "run",
    qualname: "Worker.run",
    firstLine: 40,
    arguments: ["self", "*jobs"],
    lines: [40, 41, 42],
    spans: { 42: [aSpan(42, 8, 30)], 41: [aSpan(41, 8, 12), aSpan(41, 20, 24)] },
  },
]);

test("a frame is its file's code object by name and line", () => {
  const { stack, codes } = resolve(
    [anUpload("app/jobs.py", jobs)],
    [aFrame("/srv/app/jobs.py", 42, "run")],
  );
  expect(stack).toEqual<PythonFrame[]>([
    {
      language: "python",
      module: "app.jobs",
      function: "run",
      qualname: "Worker.run",
      file: "/srv/app/jobs.py",
      line: 42,
      endLine: 42,
      column: 8,
      endColumn: 30,
      definitionLine: 40,
      arguments: ["self", "*jobs"],
      inApp: true,
      foundBy: "faulthandler",
      role: null,
      source: null,
    },
  ]);
  expect(codes).toEqual([]);
});

test("a line that leaves two possible calls has no columns, and that is no gap", () => {
  const { stack, codes } = resolve(
    [anUpload("app/jobs.py", jobs)],
    [aFrame("/srv/app/jobs.py", 41, "run")],
  );
  expect(stack[0]).toMatchObject({ qualname: "Worker.run", column: null, endLine: null });
  expect(codes).toEqual([]);
});

test("the callee is the next inner frame that is somebody's code, with its code where known", () => {
  const asked: unknown[] = [];
  const map: typeof jobs = {
    ...jobs,
    code: (index) => ({ ...jobs.code(index), flags: 0x20 }),
    callSpansAt: (_index, _line, callee, code) => (asked.push([callee, code?.flags ?? null]), []),
  };
  resolve(
    [anUpload("app/jobs.py", map)],
    [
      aFrame("/srv/app/jobs.py", 42, "run"),
      { ...aFrame("__init__", null, "__init__"), helper: true },
      aFrame("/srv/app/jobs.py", 5, "<module>"),
      aFrame("/elsewhere.py", 1, "unknown"),
      aFrame("/srv/app/jobs.py", 5, "<module>"),
      { ...aFrame("/elsewhere.py", 1, "lost"), damaged: true },
      aFrame("/srv/app/jobs.py", 99, "<module>"),
    ],
  );
  expect(asked).toEqual([
    [null, null],
    ["run", 0x20],
    ["unknown", null],
    [null, null],
  ]);
});

test("the interpreter's own frame is kept and marked", () => {
  const { stack, codes } = resolve([], [{ ...aFrame("__init__", null, "__init__"), helper: true }]);
  expect(stack[0]).toMatchObject({
    role: "helper",
    inApp: false,
    module: null,
    function: "__init__",
  });
  expect(codes).toEqual([]);
});

test("the longest common path suffix wins, by where it was compiled, too", () => {
  const other = aMap([{ name: "run", qualname: "Other.run", lines: [42] }]);
  const near = resolve(
    [anUpload("admin/jobs.py", other), anUpload("app/jobs.py", jobs)],
    [aFrame("/srv/app/jobs.py", 42, "run")],
  );
  expect(near.stack[0]).toMatchObject({ qualname: "Worker.run", module: "app.jobs" });
  const compiled = anUpload("x/jobs.py", jobs, { codeFilename: "/build/srv/app/jobs.py" });
  const far = resolve(
    [anUpload("app/jobs.py", other), compiled],
    [aFrame("/srv/app/jobs.py", 42, "run")],
  );
  expect(far.stack[0]).toMatchObject({ qualname: "Worker.run", module: "x.jobs" });
});

test("of equally long suffixes, the one with that name and line", () => {
  const other = aMap([{ name: "run", qualname: "Other.run", lines: [7] }]);
  const uploads = [anUpload("a/app/jobs.py", other), anUpload("b/app/jobs.py", jobs)];
  const { stack, codes } = resolve(uploads, [aFrame("/srv/app/jobs.py", 42, "run")]);
  expect(stack[0]?.qualname).toBe("Worker.run");
  expect(codes).toEqual([]);
});

test("what several candidates agree on is filled, the rest is a gap", () => {
  const other = aMap([{ name: "run", qualname: "Other.run", firstLine: 40, lines: [42] }]);
  const uploads = [anUpload("a/app/jobs.py", other), anUpload("b/app/jobs.py", jobs)];
  const { stack, gaps } = resolve(uploads, [aFrame("/srv/app/jobs.py", 42, "run")]);
  expect(stack[0]).toMatchObject({
    qualname: null,
    definitionLine: 40,
    arguments: null,
    column: null,
  });
  expect(gaps).toEqual([
    {
      code: "ambiguous",
      detail: expect.stringContaining("/srv/app/jobs.py: 2 code objects fit run (line 42)"),
    },
  ]);
});

test("two lambdas of one line are one function to the reader", () => {
  const lambda = { name: "<lambda>", qualname: "f.<locals>.<lambda>", firstLine: 3, lines: [3] };
  const { stack, codes } = resolve(
    [anUpload("app/a.py", aMap([lambda, lambda]))],
    [aFrame("/srv/app/a.py", 3, "<lambda>")],
  );
  expect(stack[0]?.qualname).toBe("f.<locals>.<lambda>");
  expect(codes).toEqual([]);
});

test("of a file compiled for two versions, the crashed interpreter's", () => {
  const older = aMap([{ name: "run", qualname: "Worker.run", firstLine: 39, lines: [42] }], "3.11");
  const uploads = [
    anUpload("app/jobs.py", older, { key: "old" }),
    anUpload("app/jobs.py", jobs, { key: "new" }),
  ];
  const frames = [aFrame("/srv/app/jobs.py", 42, "run")];
  expect(resolve(uploads, frames, "3.12.1").stack[0]?.definitionLine).toBe(40);
  expect(resolve(uploads, frames, null)).toMatchObject({ codes: ["ambiguous"] });
});

test("a name that is not at its line makes the map stale", () => {
  const source = utf8("x\n".repeat(60));
  const { stack, gaps } = resolve(
    [anUpload("app/jobs.py", jobs, { source })],
    [aFrame("/srv/app/jobs.py", 50, "run"), aFrame("/srv/app/jobs.py", 7, "gone")],
  );
  expect(stack[0]).toMatchObject({ module: "app.jobs", qualname: null, source: null });
  expect(gaps).toEqual([
    {
      code: "stale-map",
      detail: expect.stringMatching(/app\/jobs\.py .*run \(line 50\), gone \(line 7\)/),
    },
  ]);
});

test("one gap for each file without a map, with its frames counted", () => {
  const { stack, gaps } = resolve(
    [],
    [
      aFrame("/srv/app/a.py", 1, "f"),
      aFrame("/srv/app/a.py", 2, "g"),
      aFrame("/srv/app/b.py", 2, "g"),
      aFrame("/v/lib/python3.12/site-packages/requests/api.py", 2, "get"),
      aFrame("/v/lib/python3.12/site-packages/urllib3/util.py", 2, "go"),
      aFrame("/usr/lib/python3.12/threading.py", 3, "run"),
      aFrame("<frozen runpy>", 3, "_run_code"),
      aFrame("<string>", 3, "<module>"),
    ],
  );
  expect(gaps.map(({ code, detail }) => `${code}: ${detail}`)).toEqual([
    "no-map: /srv/app/a.py: no file for it in release shop@1 (2 frames).",
    "no-map: /srv/app/b.py: no file for it in release shop@1 (1 frame).",
    "no-map: 2 frames of installed packages have no compiled file in release shop@1: requests, urllib3.",
  ]);
  expect(stack.map(({ module }) => module)).toEqual([
    null,
    null,
    null,
    "requests.api",
    "urllib3.util",
    "threading",
    "runpy",
    null,
  ]);
});

test("without a release there is one gap, not one for each file", () => {
  const resolver = new FrameResolver(new ReleaseFiles(new Map(), opener([])), null);
  resolver.stack([aFrame("/srv/a.py", 1, "f"), aFrame("/srv/b.py", 1, "f")]);
  expect(resolver.gaps(null)).toEqual([
    { code: "no-release", detail: expect.stringContaining("its 2 frames could not be looked up") },
  ]);
});

test("a package's own file is not mistaken for the application's of that name", () => {
  const utils = aMap([{ name: "get", lines: [3] }]);
  const { stack } = resolve(
    [anUpload("utils.py", utils), anUpload("app/__init__.py", utils)],
    [
      aFrame("/v/lib/python3.12/site-packages/requests/utils.py", 3, "get"),
      aFrame("/srv/other/__init__.py", 3, "get"),
    ],
  );
  expect(stack.map(({ qualname }) => qualname)).toEqual([null, null]);
});

test("a match by base name alone says so", () => {
  const { stack, codes } = resolve(
    [anUpload("build/jobs.py", jobs)],
    [aFrame("/srv/app/jobs.py", 42, "run")],
  );
  expect(stack[0]?.qualname).toBe("Worker.run");
  expect(codes).toEqual(["weak-match"]);
  const unknown = resolve(
    [anUpload("build/jobs.py", jobs)],
    [aFrame("/srv/app/jobs.py", 42, "never_heard_of")],
  );
  expect(unknown.stack[0]?.module).toBeNull();
  expect(unknown.codes).toEqual(["no-map"]);
});

test("a dependency is one wherever it is deployed", () => {
  const map = aMap([{ name: "get", lines: [3] }]);
  const { stack } = resolve(
    [anUpload("lib/python3.12/site-packages/requests/api.py", map)],
    [aFrame("/var/task/requests/api.py", 3, "get")],
  );
  expect(stack[0]).toMatchObject({ module: "requests.api", inApp: false });
});

test("Windows paths match without case, escapes left as they are", () => {
  const frame = {
    ...aFrame("C:\\\u1234\\App\\Jobs.py", 42, "run"),
    fileRaw: "C:\\u1234\\App\\Jobs.py",
  };
  const { stack } = resolve([anUpload("app/jobs.py", jobs)], [frame]);
  expect(stack[0]).toMatchObject({ qualname: "Worker.run", file: "C:\\\u1234\\App\\Jobs.py" });
});

test("names that CPython cut", () => {
  const long = "n".repeat(600);
  const map = aMap([{ name: long, qualname: `C.${long}`, lines: [3] }]);
  const named = { ...aFrame("/srv/app/a.py", 3, long.slice(0, 500)), nameTruncated: true } as const;
  expect(resolve([anUpload("app/a.py", map)], [named]).stack[0]?.qualname).toBe(`C.${long}`);
  const filed = { ...aFrame("/srv/a.py", 3, "f"), fileTruncated: true } as const;
  const { stack, codes } = resolve([anUpload("srv/a.py", map)], [filed]);
  expect(stack[0]?.qualname).toBeNull();
  expect(codes).toEqual(["file-name-cut"]);
});

test("fields that were not printed", () => {
  const { stack } = resolve(
    [anUpload("app/jobs.py", jobs)],
    [
      aFrame(null, 42, "run"),
      aFrame("/srv/app/jobs.py", null, "run"),
      aFrame("/srv/app/jobs.py", 42, null),
    ],
  );
  expect(stack.map(({ qualname, column }) => [qualname, column])).toEqual([
    [null, null],
    ["Worker.run", null],
    [null, null],
  ]);
});

test("a torn line that fits nothing does not make a map stale", () => {
  const torn = { ...aFrame("/srv/app/jobs.py", 4, "run"), damaged: true } as const;
  expect(resolve([anUpload("app/jobs.py", jobs)], [torn]).codes).toEqual([]);
});

test("a map that cannot be opened, or breaks when asked, is a gap", () => {
  const frames = [aFrame("/srv/app/jobs.py", 42, "run")];
  const upload = anUpload("app/jobs.py", jobs);
  const release = new ReleaseFiles(filesOf([upload]), () => {
    throw new RangeError("bad magic at 0x0");
  });
  const unopened = new FrameResolver(release, null);
  unopened.stack(frames);
  expect(unopened.gaps("r")).toEqual([
    { code: "corrupt-map", detail: expect.stringContaining("app/jobs.py: bad magic at 0x0") },
  ]);
  const broken = {
    ...jobs,
    codesAt: () => {
      throw new RangeError("count 9 past the end");
    },
  };
  const asked = resolve([anUpload("app/jobs.py", broken)], frames);
  expect(asked.codes).toEqual(["corrupt-map"]);
  expect(asked.stack[0]).toMatchObject({ module: "app.jobs", qualname: null });
});

test("source lines come from the file that answered", () => {
  const source = utf8(Array.from({ length: 50 }, (_, i) => `line ${i + 1}`).join("\n"));
  const own = resolve(
    [anUpload("app/jobs.py", jobs, { source })],
    [aFrame("/srv/app/jobs.py", 42, "run")],
  );
  expect(own.stack[0]?.source).toEqual({
    before: ["line 39", "line 40", "line 41"],
    line: "line 42",
    after: ["line 43", "line 44", "line 45"],
  });
  const apart = resolve(
    [anUpload("app/jobs.py", jobs), anUpload("app/jobs.py", null, { source, key: "source" })],
    [aFrame("/srv/app/jobs.py", 42, "run")],
  );
  expect(apart.stack[0]?.source?.line).toBe("line 42");
  const two = [source, utf8("y\n".repeat(50))].map((bytes, at) =>
    anUpload("app/jobs.py", null, { source: bytes, key: `source ${at}` }),
  );
  expect(
    resolve([anUpload("app/jobs.py", jobs), ...two], [aFrame("/srv/app/jobs.py", 42, "run")])
      .stack[0]?.source,
  ).toBeNull();
});

test("a source alone shows its lines, and that no map came", () => {
  const upload = anUpload("app/jobs.py", null, { source: utf8("def run():\n  crash()\n") });
  const { stack, gaps } = resolve([upload], [aFrame("/srv/app/jobs.py", 2, "run")]);
  expect(stack[0]).toMatchObject({ module: "app.jobs", source: { line: "  crash()" } });
  expect(gaps).toEqual([
    {
      code: "no-map",
      detail: "/srv/app/jobs.py: no compiled file for it in release shop@1 (1 frame).",
    },
  ]);
});

test("limits: frames looked up, source kept", () => {
  const frames = Array.from({ length: MAX_FRAMES_RESOLVED + 2 }, () =>
    aFrame("/srv/app/jobs.py", 42, "run"),
  );
  const many = resolve([anUpload("app/jobs.py", jobs)], frames);
  expect(many.stack.at(-1)?.qualname).toBeNull();
  expect(many.stack.at(-3)?.qualname).toBe("Worker.run");
  expect(many.gaps.find(({ code }) => code === "resolve-limit")?.detail).toMatch(/^2 frames/);
  const source = utf8(`${"y".repeat(400)}\n`.repeat(50));
  const wide = resolve([anUpload("app/jobs.py", jobs, { source })], frames.slice(0, 100));
  const kept = wide.stack.filter((frame) => frame.source !== null).length;
  expect(kept).toBe(Math.floor(MAX_SOURCE_CHARS_PER_REPORT / (7 * 400)));
  expect(wide.codes).toEqual(["source-cut"]);
});
