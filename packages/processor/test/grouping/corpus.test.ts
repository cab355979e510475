/** Labelled stacks of the corpus, read in place. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../../test/corpus.ts";
import { attachAll, groupCrash, groupReport } from "../../src/grouping/index.ts";
import { bCubed, overall, shown } from "./b-cubed.ts";
import {
  casrClusters,
  casrPairs,
  cpythonScenarios,
  type Labelled,
  syntheticSet,
} from "./labelled.ts";

if (corpus === null) process.stdout.write(`grouping corpus: skipped, ${corpusSkipReason}\n`);
const root = corpus ?? "";

const filed = (crashes: readonly Labelled[]) => {
  const keys = attachAll(crashes.map(({ input }) => ({ ...groupCrash(input), times: 1 })));
  return crashes.map((crash, index) => ({ ...crash, key: keys[index] ?? "" }));
};
const print = (what: string, figure: string): void => {
  process.stdout.write(`${what.padEnd(30)}${figure}\n`);
};

describe.skipIf(corpus === null)("labelled stacks", () => {
  test("synthetic set: bugs stay whole and apart", () => {
    const crashes = filed(syntheticSet());
    const score = overall(crashes);
    print("synthetic", shown(score));
    for (const by of ["bugClass", "capture"] as const) {
      for (const [label, part] of bCubed(crashes, (crash) => crash[by])) {
        print(`  ${label}`, shown(part));
      }
    }
    expect(score.precision).toBeGreaterThanOrEqual(0.972);
    expect(score.f1).toBeGreaterThanOrEqual(0.975);
  });

  test("a report that holds nothing but kind, message and one thread is grouped the same", () => {
    const [whole, bare] = [syntheticSet(), syntheticSet(true)].map((set) =>
      set.slice(0, 1000).map(({ input }) => groupReport(input).mid),
    );
    expect(bare).toEqual(whole);
  });

  test("CASR: one input, seen by gdb and by AddressSanitizer", () => {
    const pairs = casrPairs();
    const same = pairs.filter(([gdb, asan]) => groupReport(gdb).mid === groupReport(asan).mid);
    print("CASR, one key", `${same.length} of ${pairs.length} inputs`);
    expect(pairs).toHaveLength(376);
    expect(same.length).toBeGreaterThanOrEqual(370);
  });

  test.each(["gdb", "san", "python"] as const)(
    "CASR's clusters under %s: the line that crashed names the bug",
    (set) => {
      const score = overall(filed(casrClusters(set)));
      print(`CASR, ${set}`, shown(score));
      expect(score.f1).toBeGreaterThanOrEqual(0.99);
    },
  );

  test("CPython: one scenario is one key, whatever the version", () => {
    const keys = [...cpythonScenarios()].map(([scenario, inputs]) => {
      const mids = new Set(inputs.map((input) => groupReport(input).mid));
      return [scenario, mids.size] as const;
    });
    const one = keys.filter(([, count]) => count === 1);
    print("CPython, native stacks", `${one.length} of ${keys.length} scenarios`);
    expect(keys).toHaveLength(24);
    expect(keys.filter(([, count]) => count !== 1)).toEqual([]);
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
