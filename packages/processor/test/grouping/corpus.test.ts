/** Labelled stacks of the corpus, read in place. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../../test/corpus.ts";
import { groupReport } from "../../src/grouping/index.ts";
import { bCubed, shown } from "./b-cubed.ts";

if (corpus === null) process.stdout.write(`grouping corpus: skipped, ${corpusSkipReason}\n`);
const root = corpus ?? "";

interface LabelledFrame {
  readonly lang: string;
  readonly function: string;
  readonly module: string | null;
  readonly file: string | null;
}
interface Synthetic {
  readonly kind: string;
  readonly message: string | null;
  readonly frames: readonly LabelledFrame[];
  readonly bug: number;
  readonly mode: string;
  readonly cls: string;
}

const threadOf = (frames: readonly LabelledFrame[]) => [
  { stack: frames.map(({ lang, ...frame }) => ({ ...frame, language: lang })) },
];

describe.skipIf(corpus === null)("labelled stacks", () => {
  test("synthetic set, captures of text alone", () => {
    const lines = gunzipSync(readFileSync(join(root, "grouping/synthetic-seed7.jsonl.gz")));
    const rows = lines
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Synthetic)
      .filter(({ mode }) => mode === "pyonly");
    const crashes = rows.map(({ kind, message, frames, bug, cls }) => {
      const death = kind === "hang" ? { kind: "timeout" } : { kind: "signal", reason: kind };
      const { group } = groupReport({ ...death, message, threads: threadOf(frames) });
      return { bug: String(bug), key: group, cls };
    });
    const score = bCubed(crashes);
    process.stdout.write(`synthetic, text alone  ${shown(score)}\n`);
    for (const cls of new Set(crashes.map((crash) => crash.cls))) {
      const ofClass = crashes.filter((crash) => crash.cls === cls);
      process.stdout.write(`  ${cls.padEnd(21)}${shown(bCubed(ofClass))}\n`);
    }
    expect(score.precision).toBeGreaterThanOrEqual(0.97);
    expect(score.f1).toBeGreaterThanOrEqual(0.97);
  });

  test("CASR's Python crashes: the line that crashed names the bug", () => {
    const text = readFileSync(join(root, "grouping/casr/casr_stacks.json"), "utf8");
    const all = JSON.parse(text) as {
      set: string;
      crash_line: string;
      exception: { ShortDescription: string } | null;
      frames: LabelledFrame[];
    }[];
    const crashes = all
      .filter(({ set }) => set === "test_clustering_python")
      .map(({ crash_line: bug, exception, frames }) => {
        const reason = exception?.ShortDescription;
        const { group } = groupReport({ kind: "exception", reason, threads: threadOf(frames) });
        return { bug, key: group };
      });
    const score = bCubed(crashes);
    process.stdout.write(`CASR, Python           ${shown(score)}\n`);
    expect(score.f1).toBeGreaterThanOrEqual(0.99);
  });
});

interface TruthOfDump {
  readonly kind: string;
  readonly message: string | null;
  readonly sameCrashAsPrevious?: boolean;
  readonly threads?: readonly {
    readonly current: boolean;
    readonly anonymous: boolean;
    readonly garbageCollecting: boolean;
    readonly frames: readonly { file: string | null; name: string | null; helper?: boolean }[];
  }[];
}

const reportKinds: Readonly<Record<string, string>> = {
  cstack: "dump",
  windowsException: "windows-exception",
};

function reportOf(dump: TruthOfDump) {
  const threads = dump.threads ?? [];
  const current = threads.findIndex((thread) => thread.current || thread.anonymous);
  return {
    kind: reportKinds[dump.kind] ?? dump.kind,
    message: dump.message,
    crashingThread: current < 0 ? null : current,
    threads: threads.map(({ garbageCollecting, frames }) => ({
      garbageCollecting,
      stack: frames.map(({ file, name, helper }) => ({
        language: "python",
        file,
        function: name,
        role: helper === true ? "helper" : null,
      })),
    })),
  };
}

/** Scenarios whose dumps tell different things from one CPython to the next, and what. */
const different = new Map([
  ["fatal_no_gil", "the message: 3.6 and 3.7 say more than the truth of later ones keeps"],
  ["in_gc_weakref_cb", "the collector's mark: printed from 3.10 on"],
  ["in_init_specialized", "the callers: 3.14 gives up below a specialised constructor"],
  ["init_bad_pythonhome", "the message: start-up was rewritten twice"],
  ["subinterpreter", "the frames: 3.11 and older print the main interpreter's"],
]);

describe.skipIf(corpus === null)("one scenario under seven versions of CPython", () => {
  const folder = join(root, "python/dumps");
  const keys = new Map<string, Set<string>>();
  const versions =
    corpus === null ? [] : readdirSync(folder).filter((name) => /^3\.\d+$/.test(name));
  for (const version of versions) {
    const names = readdirSync(join(folder, version)).filter((name) => name.endsWith(".json"));
    for (const name of names) {
      const text = readFileSync(join(folder, version, name), "utf8");
      const { dumps } = JSON.parse(text) as { dumps: readonly TruthOfDump[] };
      const dump = dumps.findLast(({ sameCrashAsPrevious }) => sameCrashAsPrevious !== true);
      if (dump === undefined) continue;
      const scenario = name.slice(0, -".json".length);
      const known = keys.get(scenario) ?? new Set();
      keys.set(scenario, known.add(groupReport(reportOf(dump)).group));
    }
  }

  test("is one group", () => {
    const split = [...keys].filter(([, groups]) => groups.size > 1).map(([scenario]) => scenario);
    process.stdout.write(
      `CPython scenarios: ${keys.size - split.length} of ${keys.size} are one group\n`,
    );
    expect(split.toSorted()).toEqual([...different.keys()]);
  });
});
