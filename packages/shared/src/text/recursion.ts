/** Stacks that repeat: the same few frames over and over. */

/** Longest block of frames that is looked for. */
export const MAX_PERIOD = 8;

/** `times` repetitions of the `period` frames from `start` on. */
export interface Cycle {
  readonly start: number;
  readonly period: number;
  readonly times: number;
}

/** The block that repeats from `start` on and covers most frames; null when none does three times. */
export function cycleAt(keys: readonly string[], start: number): Cycle | null {
  let best: Cycle | null = null;
  for (let period = 1; period <= MAX_PERIOD; period++) {
    let end = start + period;
    while (end < keys.length && keys[end] === keys[end - period]) end++;
    const times = Math.floor((end - start) / period);
    if (times >= 3 && (best === null || times * period > best.times * best.period)) {
      best = { start, period, times };
    }
  }
  return best;
}
