/** Index of the last of the first `count` numbers, ascending, that is not above `target`; -1 when all are. */
export function lastAtOrBelow(sorted: Uint32Array, count: number, target: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= target) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
