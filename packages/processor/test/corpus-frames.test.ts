/**
 * Real dumps joined with a really compiled file: the crashing program wrote down its own qualified
 * names, which are never in the text.
 */
import { basenamesOf } from "./needs.ts";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildPycMap } from "@faultline/pyc";
import type { PythonFile, PythonFrame, Report } from "@faultline/shared";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { buildReports } from "../src/index.ts";
import { noMetadata } from "./builders.ts";

interface Truth {
  readonly dumps: readonly {
    readonly sameCrashAsPrevious?: boolean;
    readonly interleaved?: boolean;
    readonly checkOnly?: unknown;
    readonly threads: readonly { readonly frames: readonly TrueFrame[] }[];
  }[];
}

interface TrueFrame {
  readonly file: string | null;
  readonly line: number | null;
  readonly name: string | null;
  readonly qualname?: string;
}

/** Prints "3.12", then the .pyc of a source as base64. */
const compileScript = `
import base64, os, py_compile, sys, tempfile
with tempfile.TemporaryDirectory() as folder:
    compiled = os.path.join(folder, "m.pyc")
    py_compile.compile(sys.argv[1], cfile=compiled, dfile="/build/scenarios.py", doraise=True)
    with open(compiled, "rb") as file:
        print("%d.%d" % sys.version_info[:2])
        print(base64.b64encode(file.read()).decode())
`;

function compile(source: string): { version: string; pyc: Uint8Array } | null {
  try {
    const output = execFileSync("python3", ["-I", "-c", compileScript, source], {
      encoding: "utf8",
    });
    const [version = "", base64 = ""] = output.split("\n");
    return { version, pyc: Buffer.from(base64, "base64") };
  } catch {
    return null;
  }
}

const source = corpus === null ? null : join(corpus, "python/gen/scenarios.py");
const compiled = source === null ? null : compile(source);
const folder =
  corpus === null || compiled === null ? "" : join(corpus, "python/dumps", compiled.version);
const skipReason =
  corpus === null
    ? corpusSkipReason
    : compiled === null
      ? "there is no python3 here to compile the crashed program with"
      : existsSync(folder)
        ? null
        : `the corpus has no dumps of python3's version ${compiled.version}`;

function reportsOf(text: Uint8Array, file: PythonFile): readonly Report[] {
  const engine = buildReports({
    metadata: { ...noMetadata, release: "r" },
    faulthandler: text,
    minidump: null,
  });
  let step = engine.next();
  while (step.done !== true) {
    const names = basenamesOf(step.value);
    step = engine.next(new Map(names.includes(file.path) ? [[file.path, [file]]] : []));
  }
  return step.value.map(({ report }) => report);
}

/** Frames of the compiled file beside what the program knew of them, where both lists agree. */
function* joined(text: Uint8Array, truth: Truth, file: PythonFile) {
  const expected = truth.dumps.filter((dump) => dump.sameCrashAsPrevious !== true);
  for (const [index, report] of reportsOf(text, file).entries()) {
    const dump = expected[index];
    if (dump === undefined || dump.interleaved === true || dump.checkOnly !== undefined) continue;
    for (const [at, { frames }] of dump.threads.entries()) {
      const stack = (report.threads[at]?.stack ?? []).filter(
        (frame) => frame.language === "python",
      );
      for (const [depth, known] of frames.entries()) {
        const frame = stack[depth];
        if (frame === undefined || known.file !== "/srv/app/scenarios.py") continue;
        yield { frame, known, report };
      }
    }
  }
}

if (skipReason !== null)
  process.stdout.write(`real dumps and a real .pyc: skipped, ${skipReason}\n`);

interface Joined {
  readonly frame: PythonFrame;
  readonly known: TrueFrame;
  readonly report: Report;
  readonly scenario: string;
}

describe.skipIf(skipReason !== null)(`dumps of ${compiled?.version ?? "no version"}`, () => {
  const found: Joined[] = [];
  const lines: string[] = [];

  beforeAll(() => {
    const text = readFileSync(source ?? "");
    lines.push(...text.toString("utf8").split("\n"));
    const file: PythonFile = {
      path: "scenarios.py",
      codeFilename: "/build/scenarios.py",
      map: buildPycMap(compiled?.pyc ?? new Uint8Array()),
      source: text,
      key: "scenarios",
    };
    for (const name of readdirSync(folder).filter((each) => each.endsWith(".txt"))) {
      const json = readFileSync(join(folder, name.replace(/txt$/, "json")), "utf8");
      const dump = readFileSync(join(folder, name));
      for (const each of joined(dump, JSON.parse(json) as Truth, file)) {
        found.push({ ...each, scenario: name });
      }
    }
  });

  test("hundreds of frames, and every qualified name that is given is the right one", () => {
    expect(found.length).toBeGreaterThan(300);
    // programs of 3.11 and later can tell their own qualified names
    const wrong = found.filter(
      ({ frame, known }) =>
        frame.qualname !== null &&
        known.qualname !== undefined &&
        frame.qualname !== known.qualname,
    );
    expect(wrong.map(({ scenario, frame }) => [scenario, frame.line, frame.qualname])).toEqual([]);
    const missing = found.filter(({ frame }) => frame.qualname === null);
    expect(missing.length / found.length).toBeLessThan(0.02);
  });

  test("a frame without a qualified name has a gap that names its function", () => {
    const unexplained = found.filter(
      ({ frame, report }) =>
        frame.qualname === null &&
        !report.gaps.some(
          ({ code, detail }) =>
            /^(?:ambiguous|stale-map|file-name-cut)$/.test(code) &&
            detail.includes(frame.function ?? ""),
        ),
    );
    expect(unexplained.map(({ scenario, frame }) => [scenario, frame.line])).toEqual([]);
  });

  test("the source line is the line that ran", () => {
    const shown = found.filter(({ frame }) => frame.source !== null);
    expect(shown.length).toBeGreaterThan(300);
    for (const { frame } of shown) {
      expect(frame.source?.line).toBe(lines[(frame.line ?? 0) - 1]?.slice(0, 400));
    }
  });

  test("a column span lies in its line and starts before it ends", () => {
    const spans = found.filter(
      ({ frame: { column, line, endLine } }) => column !== null && line === endLine,
    );
    for (const { frame } of spans) {
      expect(frame.endColumn).toBeGreaterThan(frame.column ?? 0);
      expect(frame.endColumn).toBeLessThanOrEqual(Buffer.byteLength(frame.source?.line ?? ""));
    }
  });
});
