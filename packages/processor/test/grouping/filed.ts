/** Labelled crashes as grouping files them, and the rows of figures that tests and the bench print. */
import { attachAll, groupCrash } from "../../src/grouping/index.ts";
import { bCubed, type Filed, overall, shown } from "./b-cubed.ts";
import type { Labelled } from "./labelled.ts";

export interface FiledCrash extends Filed {
  /** The key that the crash has by itself, with no other one beside it. */
  readonly alone: string;
  readonly bugClass: string;
  readonly capture: string;
}

/** One run; `name` keeps its bugs and its groups apart from those of other runs. */
export function filed(name: string, crashes: readonly Labelled[]): readonly FiledCrash[] {
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

/** The same crashes, grouped by nothing but their own keys. */
export const alone = (crashes: readonly FiledCrash[]): readonly Filed[] =>
  crashes.map((crash) => ({ bug: crash.bug, key: crash.alone }));

type Row = readonly [what: string, figure: string];

export const summaryOf = (title: string, crashes: readonly FiledCrash[]): readonly Row[] => [
  [title, shown(overall(crashes))],
  ["  each crash by itself", shown(overall(alone(crashes)))],
];

/** The summary, then every class and every capture. */
export const rowsOf = (title: string, crashes: readonly FiledCrash[]): readonly Row[] => [
  ...summaryOf(title, crashes),
  ...(["bugClass", "capture"] as const).flatMap((by) =>
    [...bCubed(crashes, (crash) => crash[by])]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([label, score]): Row => [`    ${label}`, shown(score)]),
  ),
];
