/** What grouping is worth: B-cubed figures on labelled sets, by class and by capture. */
import { groupCrash } from "@faultline/processor";
import {
  filed,
  type FiledCrash,
  rowsOf,
  summaryOf,
} from "../packages/processor/test/grouping/filed.ts";
import { fleet } from "../packages/processor/test/grouping/fleet.ts";
import { harbor } from "../packages/processor/test/grouping/harbor/harbor.ts";
import {
  casrClusters,
  casrPairs,
  cpythonScenarios,
  type Labelled,
  syntheticSet,
} from "../packages/processor/test/grouping/labelled.ts";
import { world } from "../packages/processor/test/grouping/world/world.ts";
import { corpus, corpusSkipReason } from "../test/corpus.ts";

/** Fleets that nobody looked at while the rules were written. */
const HELD_OUT = [101, 102, 103, 104, 105, 106, 107, 108];
const BUGS = 200;
const CRASHES = 4000;

function report(title: string, crashes: readonly FiledCrash[], labels: boolean): void {
  for (const [what, figure] of labels ? rowsOf(title, crashes) : summaryOf(title, crashes))
    print(what, figure);
}

export function benchQuality(): void {
  report(
    `fleets of three captures, seeds ${HELD_OUT[0]} to ${HELD_OUT.at(-1)}`,
    HELD_OUT.flatMap((seed) => filed(`${seed}`, world(seed, BUGS, CRASHES))),
    true,
  );
  report(
    "fleet written blind, seeds 1 to 4",
    [1, 2, 3, 4].flatMap((seed) => filed(`${seed}`, harbor(seed, BUGS, CRASHES))),
    true,
  );
  const texts = [11, 12, 13, 14].flatMap((seed) => {
    const crashes = fleet(seed, BUGS, CRASHES);
    return filed(
      `${seed}`,
      crashes.map((crash) => ({ ...crash, capture: "text only" })),
    );
  });
  report("fleets of text alone, seeds 11 to 14", texts, false);
  if (corpus === null) {
    print("labelled sets of the corpus", `skipped: ${corpusSkipReason}`);
    return;
  }
  report("synthetic set of the corpus", filed("synthetic", syntheticSet()), true);
  for (const set of ["gdb", "san", "python"] as const) {
    report(`CASR, ${set}`, filed(set, casrClusters(set)), false);
  }
  const key = (input: Labelled["input"]) => groupCrash(input).grouping.mid;
  const pairs = casrPairs();
  const same = pairs.filter(([gdb, asan]) => key(gdb) === key(asan)).length;
  print("CASR, gdb and ASan of one input", `${same} of ${pairs.length} have one key`);
  const scenarios = [...cpythonScenarios().values()];
  const one = scenarios.filter((inputs) => new Set(inputs.map(key)).size === 1).length;
  print("CPython, one scenario", `${one} of ${scenarios.length} have one key over six versions`);
}

const print = (what: string, figure: string): void => {
  process.stdout.write(`  ${what.padEnd(60)}${figure}\n`);
};
