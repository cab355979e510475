/** Which of two reports of one crash tells more. */
import { expect, test } from "vitest";
import type { Frame, Module, Report } from "@faultline/shared";
import { compareReports } from "../src/index.ts";
import { aNativeFrame, aPythonFrame, aReport, aReportThread } from "./builders.ts";

const python = (qualname: string | null, source: string | null = null): Frame =>
  aPythonFrame({
    qualname,
    source: source === null ? null : { before: [], line: source, after: [] },
  });

const native = (name: string | null, line: number | null = null): Frame =>
  aNativeFrame({
    pc: "0x1010",
    module: "libx.so",
    offset: "0x10",
    function: name,
    linkageName: name,
    line,
  });

const module = (name: string, symbols: Module["symbols"]): Module => ({
  name,
  codeFile: null,
  buildId: name,
  debugId: null,
  base: "0x1000",
  size: 0x1000,
  symbols,
});

const report = (stack: readonly Frame[], modules: readonly Module[] = []): Report =>
  aReport({ crashingThread: 0, threads: [aReportThread(stack, { crashed: true })], modules });

test.each<[string, Report, Report, string]>([
  ["nothing", report([python(null)]), report([python(null)]), "same"],
  ["a qualified name", report([python(null)]), report([python("A.run")]), "better"],
  ["source lines", report([python("A.run")]), report([python("A.run", "go()")]), "better"],
  ["a line", report([native("go")]), report([native("go", 7)]), "better"],
  [
    "a module's symbols, and a shorter stack with them",
    report([native("a"), native("b"), native("c")], [module("libx.so", "missing")]),
    report([native("a")], [module("libx.so", "found")]),
    "better",
  ],
  [
    "other names, as many",
    report([native("exported")], [module("libx.so", "found")]),
    report([native("static_one")], [module("libx.so", "found")]),
    "changed",
  ],
  [
    "fewer names, of the same symbols",
    report([native("bogus")], [module("libx.so", "found")]),
    report([native(null)], [module("libx.so", "found")]),
    "changed",
  ],
  ["a lost name", report([python("A.run")]), report([python(null, "go()")]), "worse"],
  [
    "lost symbols, though others were found",
    report([native("a")], [module("libx.so", "found"), module("liby.so", "missing")]),
    report([native("a", 3)], [module("libx.so", "corrupt"), module("liby.so", "found")]),
    "worse",
  ],
  [
    "a module that is no longer on a stack",
    report([native("a"), native("b")], [module("libx.so", "found"), module("liby.so", "found")]),
    report([native("a", 1)], [module("libx.so", "found"), module("liby.so", "unused")]),
    "changed",
  ],
])("%s", (_what, before, after, verdict) => {
  expect(compareReports(before, after)).toBe(verdict);
});
