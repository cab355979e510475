/** Lets work of a total weight of `limit` run at once; the rest waits in order. */
export interface Gate {
  /** Runs `work` when `weight` (at most the limit counts) is free. */
  run<Result>(weight: number, work: () => Promise<Result>): Promise<Result>;
}

export function createGate(limit: number): Gate {
  let free = limit;
  const waiting: { readonly weight: number; readonly start: () => void }[] = [];
  const release = (weight: number): void => {
    free += weight;
    for (let next = waiting[0]; next !== undefined && next.weight <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.weight;
      next.start();
    }
  };
  const enter = async (weight: number): Promise<void> => {
    if (waiting.length === 0 && weight <= free) free -= weight;
    else await new Promise<void>((start) => waiting.push({ weight, start }));
  };
  return {
    async run(wanted, work) {
      const weight = Math.min(wanted, limit);
      await enter(weight);
      try {
        return await work();
      } finally {
        release(weight);
      }
    },
  };
}
