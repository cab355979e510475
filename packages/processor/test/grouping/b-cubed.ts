/** B-cubed precision and recall of a grouping (Bagga and Baldwin 1998): the average over crashes. */
export interface Filed {
  readonly bug: string;
  readonly key: string;
}

export interface Score {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly crashes: number;
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

/**
 * The score of all crashes, and of each label's: precision and recall of a crash are always among
 * all crashes, whatever their label.
 */
export function bCubed<T extends Filed>(
  crashes: readonly T[],
  labelOf: (crash: T) => string = () => "all",
): ReadonlyMap<string, Score> {
  const ofKey = countBy(crashes, ({ key }) => key);
  const ofBug = countBy(crashes, ({ bug }) => bug);
  const ofBoth = countBy(crashes, ({ bug, key }) => JSON.stringify([bug, key]));
  const sums = new Map<string, { precision: number; recall: number; crashes: number }>();
  for (const crash of crashes) {
    const { bug, key } = crash;
    const shared = ofBoth.get(JSON.stringify([bug, key])) ?? 0;
    const sum = sums.get(labelOf(crash)) ?? { precision: 0, recall: 0, crashes: 0 };
    sum.precision += shared / (ofKey.get(key) ?? 1);
    sum.recall += shared / (ofBug.get(bug) ?? 1);
    sum.crashes++;
    sums.set(labelOf(crash), sum);
  }
  return new Map([...sums].map(([label, sum]) => [label, scoreOf(sum)]));
}

function scoreOf(sum: { precision: number; recall: number; crashes: number }): Score {
  const precision = sum.precision / sum.crashes;
  const recall = sum.recall / sum.crashes;
  return {
    precision,
    recall,
    f1: (2 * precision * recall) / (precision + recall),
    crashes: sum.crashes,
  };
}

/** The score of all crashes. */
export const overall = (crashes: readonly Filed[]): Score =>
  bCubed(crashes).get("all") ?? { precision: 1, recall: 1, f1: 1, crashes: 0 };

export const shown = ({ precision, recall, f1, crashes }: Score): string =>
  `P ${precision.toFixed(3)}  R ${recall.toFixed(3)}  F1 ${f1.toFixed(3)}  of ${crashes}`;
