/** Values by key, the least recently used dropped once they weigh more than `limit` together. */
export interface Cache<Value> {
  get(key: string): Value | undefined;
  /** A value that alone is above the limit is not kept. */
  set(key: string, value: Value, bytes: number): void;
  readonly bytes: number;
}

/** What an entry costs beside its bytes: key, map slot, objects. */
const ENTRY_BYTES = 200;

export function createCache<Value>(limit: number): Cache<Value> {
  const entries = new Map<string, { readonly value: Value; readonly bytes: number }>(); // oldest use first
  let total = 0;
  const drop = (key: string): void => {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, size) {
      const bytes = size + ENTRY_BYTES;
      drop(key);
      if (bytes > limit) return;
      entries.set(key, { value, bytes });
      total += bytes;
      for (const oldest of entries.keys()) {
        if (total <= limit) break;
        drop(oldest);
      }
    },
    get bytes() {
      return total;
    },
  };
}
