/** B-cubed precision and recall of a grouping (Bagga and Baldwin 1998): the average over crashes. */
export interface Labelled {
  readonly bug: string;
  readonly key: string;
}

export interface Score {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly groups: number;
  readonly bugs: number;
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

export function bCubed(crashes: readonly Labelled[]): Score {
  const ofKey = countBy(crashes, ({ key }) => key);
  const ofBug = countBy(crashes, ({ bug }) => bug);
  const ofBoth = countBy(crashes, ({ bug, key }) => JSON.stringify([bug, key]));
  let precision = 0;
  let recall = 0;
  for (const { bug, key } of crashes) {
    const shared = ofBoth.get(JSON.stringify([bug, key])) ?? 0;
    precision += shared / (ofKey.get(key) ?? 1) / crashes.length;
    recall += shared / (ofBug.get(bug) ?? 1) / crashes.length;
  }
  const f1 = (2 * precision * recall) / (precision + recall);
  return { precision, recall, f1, groups: ofKey.size, bugs: ofBug.size };
}

export const shown = ({ precision, recall, f1, groups, bugs }: Score): string =>
  `P ${precision.toFixed(3)}  R ${recall.toFixed(3)}  F1 ${f1.toFixed(3)}  ${groups} groups of ${bugs} bugs`;
