/** Bytes written one behind the other into a buffer that grows. */
export class ByteSink {
  /** What is written, and room behind it; another one after it has grown. */
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 65_536) {
    this.bytes = new Uint8Array(capacity);
  }

  u8(value: number): void {
    if (this.length === this.bytes.length) this.grow(1);
    this.bytes[this.length++] = value;
  }

  uleb(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest = rest < 2 ** 31 ? rest >>> 7 : Math.floor(rest / 128);
    }
    this.u8(rest);
  }

  sleb(value: number): void {
    let rest = value;
    while (rest < -64 || rest > 63) {
      const low = rest & 0x7f;
      this.u8(low | 0x80);
      rest = (rest - low) / 128;
    }
    this.u8(rest & 0x7f);
  }

  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.bytes.length) this.grow(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private grow(more: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}
