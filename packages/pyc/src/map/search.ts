/** First index in [start, end) whose value is `wanted` or more; `end` when there is none. Values ascend; those that are missing are 0. */
export function lowerBound(
  values: ArrayLike<number>,
  start: number,
  end: number,
  wanted: number,
): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
