/** What is known of the process's mappings: protection by address. */
export interface Mapping {
  readonly start: bigint;
  /** First address behind it. */
  readonly end: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  /** "[stack]", a path; null where there is none. */
  readonly name: string | null;
}

/** Mappings found by address; empty when the dump tells of none. */
export class MemoryMaps {
  readonly #sorted: readonly Mapping[];

  constructor(mappings: readonly Mapping[]) {
    this.#sorted = mappings
      .filter(({ start, end }) => end > start)
      .toSorted((one, other) => (one.start < other.start ? -1 : one.start > other.start ? 1 : 0));
  }

  get known(): boolean {
    return this.#sorted.length > 0;
  }

  at(address: bigint): Mapping | null {
    const found = this.#sorted[this.#indexOf(address)];
    return found !== undefined && address < found.end ? found : null;
  }

  /** The mapping that begins where `mapping` ends, or ends where it begins. */
  neighbours(mapping: Mapping): readonly Mapping[] {
    const index = this.#indexOf(mapping.start);
    const below = this.#sorted[index - 1];
    const above = this.#sorted[index + 1];
    return [below, above].filter(
      (other) => other?.end === mapping.start || other?.start === mapping.end,
    ) as Mapping[];
  }

  /** Index of the last mapping that begins at or below `address`; -1 when none does. */
  #indexOf(address: bigint): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
