/**
 * Dumps of other projects with their symbols, held against what those projects expect of them; each difference is listed with
 * its reason.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { buildReports } from "@faultline/processor";
import type { NativeFrame, Report } from "@faultline/shared";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { moduleSymbols } from "../src/symbols/module-symbols.ts";
import { openSymbolFolder } from "../src/symbols/symbol-folder.ts";

if (corpus === null) process.stdout.write(`public minidumps: skipped, ${corpusSkipReason}\n`);
const folder = join(corpus ?? "", "public");
const scratch = mkdtempSync(join(tmpdir(), "faultline-public-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const symbols = await openSymbolFolder(corpus === null ? [] : [folder], scratch);

async function walk(name: string): Promise<Report> {
  const [path = ""] = globSync(`${folder}/**/${name}.dmp`);
  const engine = buildReports({ metadata, faulthandler: null, minidump: readFileSync(path) });
  let step = engine.next();
  while (step.done !== true) {
    if (step.value.need !== "symbol-caches") throw new Error(`unexpected ${step.value.need}`);
    step = engine.next(await moduleSymbols(step.value.modules, symbols, scratch));
  }
  return step.value[0]!.report;
}

const metadata = {
  release: null,
  environment: null,
  host: null,
  pid: null,
  time: null,
  pythonVersion: null,
  tags: {},
  modules: [],
};

/** "function file:line", with the module and its offset where the function is not known; how it was found behind it. */
function shown({ function: name, file, line, module, offset, foundBy }: NativeFrame): string {
  const place = file === null ? "" : ` ${basename(file.replaceAll("\\", "/"))}:${line}`;
  return `${name ?? `${module}+${offset}`}${place} (${foundBy})`;
}

interface Case {
  readonly dump: string;
  /** Who expects it, and what differs. */
  readonly source: string;
  /** Innermost first; those of a longer stack that the source tells of. */
  readonly stack: readonly string[];
}

const cases: readonly Case[] = [
  {
    dump: "linux",
    source:
      "the debug file's own lines; Sentry's snapshot, taken without symbols, has 15 frames by scanning where there are 5",
    stack: [
      "crash main.cpp:23 (inline)",
      "start main.cpp:27 (inline)",
      "main main.cpp:35 (registers)",
      "libc-2.23.so+0x20830 (cfi)",
      "_start (scan)",
    ],
  },
  {
    dump: "test",
    source:
      "rust-minidump human-symbols.snap; kernel32 has a PUBLIC there, which it does not print and Breakpad does",
    stack: [
      "`anonymous namespace'::CrashFunction test_app.cc:58 (registers)",
      "main test_app.cc:65 (cfi)",
      "__tmainCRTStartup crt0.c:327 (cfi)",
      "BaseProcessStart (cfi)",
    ],
  },
  {
    dump: "linux_inline",
    source: "Breakpad, basic_source_line_resolver_unittest.cc: three inlined calls",
    stack: [
      "func() linux_inline.cpp:27 (inline)",
      "bar() linux_inline.cpp:32 (inline)",
      "foo() linux_inline.cpp:39 (inline)",
      "main linux_inline.cpp:42 (registers)",
    ],
  },
  {
    dump: "linux_null_read_av",
    source: "Breakpad's .sym of the program and its C library",
    stack: [
      "crash() null_read_av.cc:18 (registers)",
      "main null_read_av.cc:27 (cfi)",
      "__libc_start_main (cfi)",
    ],
  },
  {
    dump: "linux_overflow",
    source:
      "Breakpad's .sym; of the C library it has exports only, so that __libc_message reads __fsetlocking, the export before it",
    stack: [
      "gsignal (registers)",
      "abort (cfi)",
      "__fsetlocking (cfi)",
      "__fortify_fail (cfi)",
      "__chk_fail (cfi)",
      "overflow(char const*) string3.h:105 (cfi)",
      "main overflow.cc:45 (cfi)",
      "__libc_start_main (cfi)",
    ],
  },
  {
    dump: "linux_stacksmash",
    source:
      "Breakpad's .sym; behind the function that overwrote its own return address there is nothing to find",
    stack: [
      "_Unwind_GetTextRelBase (registers)",
      "_Unwind_Backtrace (cfi)",
      "backtrace (cfi)",
      "__fsetlocking (cfi)",
      "__fortify_fail (cfi)",
      "__stack_chk_fail (cfi)",
      "stack_smash(char const*) overflow.cc:30 (cfi)",
    ],
  },
];

test.each(corpus === null ? [] : cases)("$dump: $source", async ({ dump, stack }) => {
  const report = await walk(dump);
  const frames = report.threads[report.crashingThread!]!.stack as NativeFrame[];
  expect(frames.slice(0, stack.length).map(shown)).toEqual(stack);
});

/** What each dump was made to show. */
const deaths = [
  ["linux_divide_by_zero", "SIGFPE", "arithmetic"],
  ["linux_null_dereference", "SIGSEGV", "null-dereference"],
  ["linux_jmp_to_module_not_exe_region", "SIGSEGV", "execute-data"],
  ["exec_av_on_stack", "EXCEPTION_ACCESS_VIOLATION", "execute-data"],
  ["stack_exhaustion", "EXCEPTION_STACK_OVERFLOW", "stack-overflow"],
  ["write_av_non_canonical", "EXCEPTION_ACCESS_VIOLATION", "non-canonical"],
  ["tiny-exe-fastfail", "STATUS_STACK_BUFFER_OVERRUN", "abort"],
  ["null_write_av", "EXCEPTION_ACCESS_VIOLATION", "null-dereference"],
  ["linux_overflow", "SIGABRT", "abort"],
  ["macos", "EXC_BAD_ACCESS", "null-dereference"],
  ["tiny-exe-with-cet-xsave", null, "snapshot"],
] as const;

test.each(corpus === null ? [] : deaths)("%s: %s, %s", async (dump, reason, classification) => {
  expect(await walk(dump)).toMatchObject({ reason, classification });
});

test.runIf(corpus !== null)(
  "every public dump gives a report or is refused with a reason",
  async () => {
    const dumps = globSync(`${folder}/**/*.dmp`).map((path) => basename(path, ".dmp"));
    const refused: string[] = [];
    for (const dump of dumps) {
      const { gaps } = await walk(dump);
      if (gaps.some(({ code }) => code === "dump-refused")) refused.push(dump);
    }
    // Breakpad's microdumps are text
    expect(refused.filter((name) => !name.startsWith("microdump"))).toEqual([]);
  },
);
