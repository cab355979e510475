/** LEB128 numbers of up to 32 bits, which is all that an entry holds. */
export class LebReader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  uleb(): number {
    let byte = this.bytes[this.at++] ?? 0;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = this.bytes[this.at++] ?? 0;
      value |= (byte & 0x7f) << shift;
    }
    return value >>> 0;
  }

  sleb(): number {
    let byte = this.bytes[this.at++] ?? 0;
    let value = byte & 0x7f;
    let shift = 7;
    for (; byte >= 0x80; shift += 7) {
      byte = this.bytes[this.at++] ?? 0;
      value |= (byte & 0x7f) << shift;
    }
    return shift < 32 && (byte & 0x40) !== 0 ? value | (-1 << shift) : value;
  }
}
