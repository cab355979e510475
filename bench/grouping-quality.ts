/** What grouping is worth: B-cubed figures on labelled sets, by class and by capture. */
import { attachAll, groupCrash } from "@faultline/processor";
import { bCubed, type Filed, overall, shown } from "../packages/processor/test/grouping/b-cubed.ts";
import { fleet } from "../packages/processor/test/grouping/fleet.ts";
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

interface FiledCrash extends Filed {
  readonly alone: string;
  readonly bugClass: string;
  readonly capture: string;
}

/** One run: each crash with the key of its own, and the one that the run filed it under. */
function run(name: string, crashes: readonly Labelled[]): readonly FiledCrash[] {
  const sightings = crashes.map(({ input }) => ({ ...groupCrash(input), times: 1 }));
  const groups = attachAll(sightings);
  return crashes.map(({ bug, bugClass, capture }, index) => ({
    bug: `${name} ${bug}`,
    alone: `${name} ${sightings[index]?.sighting.mid}`,
    key: `${name} ${groups[index]}`,
    bugClass,
    capture,
  }));
}

function report(title: string, crashes: readonly FiledCrash[], labels: boolean): void {
  print(title, shown(overall(crashes)));
  print(
    "  each crash by itself",
    shown(overall(crashes.map(({ bug, alone }) => ({ bug, key: alone })))),
  );
  if (!labels) return;
  for (const by of ["bugClass", "capture"] as const) {
    const scores = [...bCubed(crashes, (crash) => crash[by])].toSorted(([a], [b]) =>
      a < b ? -1 : 1,
    );
    for (const [label, score] of scores) print(`    ${label}`, shown(score));
  }
}

export function benchQuality(): void {
  report(
    `fleets of three captures, seeds ${HELD_OUT.join(" ")}`,
    HELD_OUT.flatMap((seed) => run(`${seed}`, world(seed, BUGS, CRASHES))),
    true,
  );
  const texts = [11, 12, 13, 14].flatMap((seed) => {
    const crashes = fleet(seed, BUGS, CRASHES);
    return run(
      `${seed}`,
      crashes.map((crash) => ({ ...crash, capture: "text only" })),
    );
  });
  report("fleets of text alone, seeds 11 to 14", texts, false);
  if (corpus === null) {
    print("labelled sets of the corpus", `skipped: ${corpusSkipReason}`);
    return;
  }
  report("synthetic set of the corpus", run("synthetic", syntheticSet()), true);
  for (const set of ["gdb", "san", "python"] as const) {
    report(`CASR, ${set}`, run(set, casrClusters(set)), false);
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
