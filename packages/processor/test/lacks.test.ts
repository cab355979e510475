/** What late symbols are matched against, told from finished reports. */
import { expect, test } from "vitest";
import type {
  Frame,
  Module,
  ModuleSymbols,
  NativeFrame,
  PythonFrame,
  Report,
  Thread,
} from "@faultline/shared";
import { lacksOf } from "../src/index.ts";
import { aNativeFrame, aPythonFrame, aReport, aReportThread } from "./builders.ts";

const python = (file: string | null, known: Partial<PythonFrame> = {}): PythonFrame =>
  aPythonFrame({ file, ...known });
const whole = { qualname: "Job.run", source: { before: [], line: "go()", after: [] } };

const native = (module: string, pc: number, line: number | null): NativeFrame =>
  aNativeFrame({
    pc: `0x${pc.toString(16)}`,
    module,
    offset: `0x${(pc & 0xfff).toString(16)}`,
    linkageName: "go",
    line,
  });

const module = (name: string, base: number, symbols: Module["symbols"], id: string): Module => ({
  name,
  codeFile: `/opt/${name}`,
  buildId: id,
  debugId: `${id.toUpperCase()}0`,
  base: `0x${base.toString(16)}`,
  size: 0x1000,
  symbols,
});

const thread = (...stack: Frame[]): Thread => aReportThread(stack);

const report = (threads: readonly Thread[], modules: readonly Module[] = []): Report =>
  aReport({ crashingThread: 0, threads, modules });

const found = (...tried: string[]): ModuleSymbols => ({
  state: "found",
  cache: null,
  contentKey: "x",
  tried,
});

test("files without a map, those of the program apart from those of packages", () => {
  const stack = thread(
    python("/srv/shop/app/jobs.py"),
    python("/srv/venv/lib/python3.12/site-packages/requests/api.py"),
    python("/srv/shop/app/main.py"),
    python("/srv/shop/app/jobs.py"),
    python("/srv/shop/app/known.py", whole),
    python("/usr/lib/python3.12/threading.py"),
    python("<frozen runpy>"),
    python("<string>"),
    python(null),
    python("/srv/shop/app/helper.py", { role: "helper" }),
  );
  expect(lacksOf(report([stack]), new Map())).toEqual({
    python: {
      own: ["/srv/shop/app/jobs.py", "/srv/shop/app/main.py"],
      installed: ["/srv/venv/lib/python3.12/site-packages/requests/api.py"],
    },
    modules: [],
  });
});

test.each([
  ["nothing", [thread(python("/app/a.py", whole))], null],
  ["the standard library", [thread(python("/usr/lib/python3.12/queue.py"))], null],
  ["no frame", [], null],
  ["its source lines", [thread(python("/app/a.py", { qualname: "run" }))], []],
  ["another thread's files", [thread(), thread(python("/app/b.py"))], []],
])("a report that lacks %s", (_what, threads, own) => {
  const lacks = lacksOf(report(threads), new Map()).python;
  expect(lacks).toEqual(own === null ? null : { own, installed: [] });
});

test("when nobody is blamed, every thread's files block", () => {
  const hang = { ...report([thread(python("/app/a.py")), thread(python("/app/b.py"))]) };
  const lacks = lacksOf({ ...hang, crashingThread: null }, new Map());
  expect(lacks.python?.own).toEqual(["/app/a.py", "/app/b.py"]);
});

test.each(["missing", "mismatched", "corrupt", "unused"] as const)(
  "a module on a stack whose symbols are %s",
  (state) => {
    const modules = [
      module("libx.so", 0x1000, state, "aa"),
      module("liby.so", 0x4000, state, "bb"),
    ];
    const lacks = lacksOf(report([thread(native("libx.so", 0x1010, null))], modules), new Map());
    expect(lacks.modules).toEqual([{ name: "libx.so", buildId: "aa", debugId: "AA0" }]);
  },
);

test("found symbols lack something when no frame has a line, or when they say so", () => {
  const modules = [
    module("bare.so", 0x1000, "found", "aa"),
    module("full.so", 0x4000, "found", "bb"),
    module("half.so", 0x8000, "found", "cc"),
  ];
  const stack = thread(
    native("bare.so", 0x1010, null),
    native("bare.so", 0x1020, null),
    native("full.so", 0x4010, 7),
    native("full.so", 0x4020, null),
    native("half.so", 0x8010, 7),
  );
  const symbols = new Map([
    ["aa", found()],
    ["bb", found()],
    ["cc", found("supplementary file of build id dd: not uploaded")],
  ]);
  const { modules: lacking } = lacksOf(report([stack], modules), symbols);
  expect(lacking.map(({ name }) => name)).toEqual(["bare.so", "half.so"]);
});

test("two modules of one name are told apart by their addresses", () => {
  const modules = [
    module("libx.so", 0x1000, "missing", "aa"),
    module("libx.so", 0x7000, "missing", "bb"),
  ];
  const lacks = lacksOf(report([thread(native("libx.so", 0x7010, null))], modules), new Map());
  expect(lacks.modules.map(({ buildId }) => buildId)).toEqual(["bb"]);
});

test("a module without an id cannot be uploaded for", () => {
  const nameless = { ...module("a.out", 0x1000, "missing", "aa"), buildId: null, debugId: null };
  const lacks = lacksOf(report([thread(native("a.out", 0x1010, null))], [nameless]), new Map());
  expect(lacks.modules).toEqual([]);
});
