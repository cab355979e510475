/** Real minidumps of crashing interpreters: Python frames from memory alone, and merged stacks. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Frame, renderReport, type Report, type Thread } from "@faultline/shared";
import { moduleSymbols } from "../../../cli/src/symbols/module-symbols.ts";
import { openSymbolFolder } from "../../../cli/src/symbols/symbol-folder.ts";
import { corpus, corpusSkipReason } from "../../../../test/corpus.ts";
import { corpusSymbols } from "../../../../test/corpus-symbols.ts";
import { buildReports } from "../../src/index.ts";
import { noMetadata } from "../builders.ts";
import { stackOnly } from "./stack-only.ts";
import { isPlumbing, longMerges, type Merge, merges } from "./merges.ts";

const place = corpusSymbols();
if (place === null) process.stdout.write(`merged stacks: skipped, ${corpusSkipReason}\n`);
const folder = join(corpus ?? "", "minidump-python");
const dumps =
  place === null
    ? []
    : readdirSync(folder).filter((name) => existsSync(join(folder, name, "expected.json")));
const symbolFolder = place === null ? null : await openSymbolFolder([place.symbols], place.caches);

interface Given {
  readonly text?: boolean;
  readonly symbols?: boolean;
  /** The dump holds no memory but stacks. */
  readonly stackOnly?: boolean;
}

const textOf = (name: string): Uint8Array | null => {
  const file = ["faulthandler.txt", "stderr.txt"].find((one) =>
    existsSync(join(folder, name, one)),
  );
  const text = file === undefined ? null : readFileSync(join(folder, name, file));
  return text?.includes("(most recent call first)") === true ? text : null;
};

async function reportOf(name: string, given: Given): Promise<Report> {
  const { text = false, symbols = true } = given;
  const dump = readFileSync(join(folder, name, "crash.dmp"));
  const engine = buildReports({
    metadata: noMetadata,
    faulthandler: text ? textOf(name) : null,
    minidump: given.stackOnly === true ? stackOnly(dump) : dump,
  });
  let step = engine.next();
  while (step.done !== true) {
    const need = step.value;
    step = engine.next(
      need.need === "symbol-caches" && symbols
        ? await moduleSymbols(need.modules, symbolFolder!, place!.caches)
        : new Map(),
    );
  }
  return step.value[0]!.report;
}

const reports = new Map<string, Promise<Report>>();
function reported(name: string, given: Given = {}): Promise<Report> {
  const key = JSON.stringify([name, given]);
  const report = reports.get(key) ?? reportOf(name, given);
  reports.set(key, report);
  return report;
}

interface TrueFrame {
  readonly function: string;
  readonly qualname: string | null;
  readonly file: string;
  readonly line: number;
}

const truthOf = (name: string): Readonly<Record<string, readonly TrueFrame[]>> =>
  (
    JSON.parse(readFileSync(join(folder, name, "expected.json"), "utf8")) as {
      python_threads: Record<string, readonly TrueFrame[]>;
    }
  ).python_threads;

/** Python frames of every thread that has any, by pthread_self(). */
const pythonOf = ({ threads }: Report): Record<string, TrueFrame[]> =>
  Object.fromEntries(
    threads
      .map(({ ident, stack }): [string, TrueFrame[]] => [ident ?? "?", stack.flatMap(pythonFrame)])
      .filter(([, frames]) => frames.length > 0),
  );

const pythonFrame = (frame: Frame): TrueFrame[] =>
  frame.language !== "python" || frame.role === "helper"
    ? []
    : [
        {
          function: frame.function!,
          qualname: frame.qualname,
          file: frame.file!,
          line: frame.line!,
        },
      ];

const fieldsOf = (frames: readonly TrueFrame[]): TrueFrame[] =>
  frames.map(({ function: name, qualname, file, line }) => ({
    function: name,
    qualname,
    file,
    line,
  }));

const truths = (name: string): Record<string, TrueFrame[]> =>
  Object.fromEntries(
    Object.entries(truthOf(name)).map(([ident, frames]) => [ident, fieldsOf(frames)]),
  );

describe.skipIf(place === null)("Python frames of all threads, as the program had them", () => {
  test.each(dumps)("%s: from memory alone", async (name) => {
    const report = await reported(name);
    expect(pythonOf(report)).toEqual(truths(name));
    const found = report.threads.flatMap(({ stack }) => stack.map(({ foundBy }) => foundBy));
    expect(found).not.toContain("faulthandler");
  });

  test.each(dumps)("%s: from memory and the text", async (name) => {
    const report = await reported(name, { text: true });
    expect(pythonOf(report)).toEqual(truths(name));
    const codes = report.threads.flatMap(({ gaps }) => gaps.map(({ code }) => code));
    expect(codes).not.toContain("python-disagrees");
  });

  test.each(dumps)("%s: without symbols of anything", async (name) => {
    expect(pythonOf(await reported(name, { symbols: false }))).toEqual(truths(name));
  });
});

/** Lines as merges.ts writes them. */
function linesOf(thread: Thread): string[] {
  const lines: string[] = [];
  for (const frame of thread.stack) {
    const line = lineOf(frame);
    if (line !== null) lines.push(line);
  }
  return lines;
}

function lineOf(frame: Frame): string | null {
  if (frame.language === "python") {
    return `PY ${frame.qualname ?? frame.function}:${frame.line}`;
  }
  if (frame.function === "_PyEval_EvalFrameDefault") return "eval";
  if (frame.function === null) return `?${frame.module?.replace(/\.so.*/, "") ?? ""}`;
  return isPlumbing(frame.function) ? null : frame.function;
}

/** The lines of a fixture, repetitions written out. */
const written = (lines: string): string[] =>
  lines.split("\n").flatMap((line) => {
    const [, once = line, times = "1"] = /^(.*) ×(\d+)$/.exec(line) ?? [];
    return Array.from({ length: Number(times) }, () => once);
  });

const threadOf = (report: Report, { thread }: Pick<Merge, "thread">): Thread =>
  thread === null
    ? report.threads[report.crashingThread!]!
    : report.threads.find(({ ident }) => ident === thread)!;

describe.skipIf(place === null)("merged stacks", () => {
  test.each(merges)("$dump $thread", async (merge) => {
    const thread = threadOf(await reported(merge.dump), merge);
    expect(linesOf(thread)).toEqual(written(merge.lines));
  });

  test.each(merges)("$dump $thread: machinery is marked, and nothing else", async (merge) => {
    const { stack } = threadOf(await reported(merge.dump), merge);
    for (const frame of stack) {
      if (frame.language === "python") continue;
      const name = frame.function ?? "";
      const isMachinery = isPlumbing(name) || name === "_PyEval_EvalFrameDefault";
      expect([name, frame.role !== null]).toEqual([name, isMachinery]);
    }
  });

  test.each(longMerges)("$dump", async ({ dump, first, repeated, last }) => {
    const lines = linesOf(threadOf(await reported(dump), { thread: null }));
    const ends = { first: written(first), block: written(repeated), last: written(last) };
    expect(lines.slice(0, ends.first.length)).toEqual(ends.first);
    expect(lines.slice(-ends.last.length)).toEqual(ends.last);
    const middle = lines.slice(ends.first.length, -ends.last.length);
    expect(middle.length / ends.block.length).toBeGreaterThan(100);
    expect(middle).toEqual(middle.map((_, index) => ends.block[index % ends.block.length]));
  });

  test.each(dumps)("%s: every thread of Python is stitched exactly", async (name) => {
    const report = await reported(name);
    for (const { ident, stitch } of report.threads) {
      const isPython = ident !== null && ident in truthOf(name);
      expect([ident, stitch]).toEqual([ident, isPython ? "exact" : "none"]);
    }
  });

  test.each(dumps)("%s: as text", async (name) => {
    const text = renderReport(await reported(name, { text: true }), { id: "1" });
    expect(text).toMatch(/^(?:[\x20-\x7e]{0,100}\n)+$/);
  });
});

/** Where a fixture's Python frames have qualified names, the text has the last part of them. */
const printed = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replace(/^PY .*\.(?=[^.]*$)/, "PY "));

const isLoop = (line: string): boolean => line === "eval";
const isPython = (line: string): boolean => line.startsWith("PY ");

describe.skipIf(place === null)("stacks of dumps without Python's memory, and the text", () => {
  const withText = merges.filter(({ dump }) => textOf(dump) !== null);
  const textTells = withText.filter(({ dump, lines }) => {
    const loops = written(lines).filter(isLoop).length;
    return loops === 1 || /py3\.(?:8|9|10)/.test(dump);
  });

  test.each(textTells)("$dump $thread: counted", async (merge) => {
    const thread = threadOf(await reported(merge.dump, { text: true, stackOnly: true }), merge);
    expect(linesOf(thread)).toEqual(printed(written(merge.lines)));
    expect(thread.stitch).toBe("exact");
  });

  test.each(withText.filter((merge) => !textTells.includes(merge)))(
    "$dump $thread: the innermost frames are right, the others in order",
    async (merge) => {
      const thread = threadOf(await reported(merge.dump, { text: true, stackOnly: true }), merge);
      const lines = linesOf(thread);
      const truth = printed(written(merge.lines));
      const leaf = truth.findIndex(isPython);
      expect(lines.slice(0, leaf + 1)).toEqual(truth.slice(0, leaf + 1));
      expect(lines.filter(isPython)).toEqual(truth.filter(isPython));
      expect(lines.filter((line) => !isPython(line))).toEqual(
        truth.filter((line) => !isPython(line)),
      );
    },
  );
});
