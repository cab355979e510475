/** Memory of a process that is made up: structures are placed one after the other, and written into. */

export interface Segment {
  readonly start: bigint;
  readonly bytes: Uint8Array;
}

export class Heap {
  readonly start: bigint;
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #used = 0;

  constructor(start: bigint, size: number) {
    this.start = start;
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Address of `size` bytes of zeros, 16-aligned as malloc gives them. */
  place(size: number): bigint {
    const at = this.#used;
    this.#used += (size + 15) & ~15;
    if (this.#used > this.bytes.length) throw new RangeError("the heap is full");
    return this.start + BigInt(at);
  }

  word(address: bigint, value: bigint | number): void {
    this.#view.setBigUint64(Number(address - this.start), BigInt.asUintN(64, BigInt(value)), true);
  }

  int(address: bigint, value: number): void {
    this.#view.setInt32(Number(address - this.start), value, true);
  }

  byte(address: bigint, value: number): void {
    this.bytes[Number(address - this.start)] = value;
  }

  write(address: bigint, bytes: Uint8Array): void {
    this.bytes.set(bytes, Number(address - this.start));
  }
}
