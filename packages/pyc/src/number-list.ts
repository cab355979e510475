/** A list of 32-bit numbers that grows. */
export class NumberList {
  /** The first `length` are the list's. */
  values: Int32Array<ArrayBuffer>;
  length = 0;

  constructor(expected = 256) {
    this.values = new Int32Array(Math.max(16, expected));
  }

  push(value: number): void {
    if (this.length === this.values.length) this.reserve(1);
    this.values[this.length++] = value;
  }

  /** Makes room for `more` numbers. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.values.length) return;
    const grown = new Int32Array(Math.max(this.values.length * 2, needed));
    grown.set(this.values);
    this.values = grown;
  }

  /** The list's numbers, unsigned; a view of `values`. */
  toUnsigned(): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.values.buffer, 0, this.length);
  }
}
