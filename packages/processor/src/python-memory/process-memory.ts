/** Checked reads of the process's memory, all of them within one budget. */
import { MAX_PYTHON_MEMORY_BYTES } from "../limits.ts";

/** Memory as a dump holds it; DumpMemory fits. */
export interface MemorySource {
  read(address: bigint, size: 1 | 2 | 4 | 8): bigint | undefined;
  bytes(address: bigint, length: number): Uint8Array | undefined;
}

/** What cannot be read is null; so is everything once MAX_PYTHON_MEMORY_BYTES were spent. */
export class ProcessMemory {
  readonly #source: MemorySource;
  #left = MAX_PYTHON_MEMORY_BYTES;

  constructor(source: MemorySource) {
    this.#source = source;
  }

  get exhausted(): boolean {
    return this.#left < 0;
  }

  word(address: bigint): bigint | null {
    return this.#read(address, 8);
  }

  /** Signed, of 32 bits. */
  int(address: bigint): number | null {
    const value = this.#read(address, 4);
    return value === null ? null : Number(BigInt.asIntN(32, value));
  }

  byte(address: bigint): number | null {
    const value = this.#read(address, 1);
    return value === null ? null : Number(value);
  }

  bytes(address: bigint, length: number): Uint8Array | null {
    if (length === 0) return new Uint8Array(0);
    return this.spend(length) ? (this.#source.bytes(address, length) ?? null) : null;
  }

  /** Takes `bytes` of the budget for work on what was read; false when it is used up. */
  spend(bytes: number): boolean {
    if (this.#left >= 0) this.#left -= bytes;
    return this.#left >= 0;
  }

  #read(address: bigint, size: 1 | 4 | 8): bigint | null {
    return this.spend(8) ? (this.#source.read(address, size) ?? null) : null;
  }
}
