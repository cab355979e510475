/**
 * Queues and workers of BullMQ on Postgres, through a Postgres that is away when they begin.
 *
 * A backend whose first connection fails remembers the failure and answers everything with it from then on
 * (bullmq 6.7, PostgresConnection.waitUntilReady; met when Postgres restarted while a symbolicator
 * started). Later outages it outlives. So one that does not get ready is thrown away and made anew.
 */
interface Connecting {
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

export interface Reopening<T> {
  /** The living one, ready. Rejects when it cannot be reached now; the next call makes another. */
  ready(): Promise<T>;
  close(): Promise<void>;
}

export function reopening<T extends Connecting>(make: () => T): Reopening<T> {
  let current: T | null = null;
  return {
    async ready() {
      const mine = (current ??= make());
      try {
        await mine.waitUntilReady();
        return mine;
      } catch (error) {
        if (current === mine) {
          current = null;
          void mine.close().catch(() => undefined); // it is given up; nobody waits for its end
        }
        throw error;
      }
    },
    close: async () => await current?.close(),
  };
}

const RETRY_MS = 1_000;

/** Makes `of` ready however often it takes, until `close`. `onError` is told of every failure. */
export function keepTrying<T extends Connecting>(
  of: Reopening<T>,
  onError: (error: Error) => void,
): { close(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  async function attempt(): Promise<void> {
    try {
      await of.ready();
    } catch (error) {
      if (closed) return;
      onError(error as Error);
      timer = setTimeout(() => void attempt(), RETRY_MS);
    }
  }
  void attempt();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await of.close();
    },
  };
}
