/**
 * Micro-batches: calls that arrive while one round trip is under way share the next one.
 *
 * An idle batcher acts at once, so a lone call pays no delay; under load the batch grows to what
 * arrived meanwhile, up to `most`.
 */
export interface Batcher<Item, Result> {
  /** Resolves with the item's own result, or rejects with the batch's error. */
  add(item: Item): Promise<Result>;
  /** Items that wait or are under way. */
  readonly depth: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * `act` gets a batch and answers with one result an item, in order. `lanes` batches may be under way at
 * once. With `weigh`, a batch ends before it would be heavier than `heaviest`; a heavier item goes alone.
 */
export function createBatcher<Item, Result>(options: {
  readonly most: number;
  readonly lanes: number;
  readonly weigh?: (item: Item) => number;
  readonly heaviest?: number;
  readonly act: (items: readonly Item[]) => Promise<readonly Result[]>;
}): Batcher<Item, Result> {
  const { most, weigh = () => 0, heaviest = Number.POSITIVE_INFINITY } = options;
  const waiting: Waiting<Item, Result>[] = [];
  let busy = 0;
  let running = 0;

  async function run(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await options.act(batch.map((entry) => entry.item));
      batch.forEach((entry, at) => entry.resolve(results[at] as Result)); // one result an item, by contract
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    }
    busy -= 1;
    running -= batch.length;
    pump();
  }

  function pump(): void {
    while (waiting.length > 0 && busy < options.lanes) {
      const batch = waiting.splice(0, nextLength());
      busy += 1;
      running += batch.length;
      void run(batch);
    }
  }

  function nextLength(): number {
    let weight = 0;
    for (let at = 0; at < Math.min(most, waiting.length); at++) {
      weight += weigh((waiting[at] as Waiting<Item, Result>).item);
      if (weight > heaviest && at > 0) return at;
    }
    return most;
  }

  return {
    add(item) {
      const promise = new Promise<Result>((resolve, reject) =>
        waiting.push({ item, resolve, reject }),
      );
      // everything that arrives in this turn of the event loop goes into one batch
      if (waiting.length === 1) setImmediate(pump);
      return promise;
    },
    get depth() {
      return waiting.length + running;
    },
  };
}
