/**
 * MessagePack, as sentry-native writes events (https://github.com/msgpack/msgpack/blob/master/spec.md).
 * Left out: extension types, which stand for null; integers beyond 2^53 lose their last digits.
 */
import { MAX_METADATA_DEPTH } from "../limits.ts";

/** Says what was read, where, what was wanted and found. */
export class MessagePackError extends Error {
  override readonly name = "MessagePackError";
}

/** The first value of `bytes`; maps are objects whose keys are text. Throws MessagePackError where they are no MessagePack. */
export function readMessagePack(bytes: Buffer): unknown {
  return new Reader(bytes).value(0);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(depth: number): unknown {
    if (depth > MAX_METADATA_DEPTH) {
      throw this.#error(`depth of at most ${MAX_METADATA_DEPTH} (MAX_METADATA_DEPTH)`, `${depth}`);
    }
    const type = this.#uint(1);
    if (type < 0x80) return type;
    if (type < 0x90) return this.#map(type & 0x0f, depth);
    if (type < 0xa0) return this.#array(type & 0x0f, depth);
    if (type < 0xc0) return this.#text(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    return this.#named(type, depth);
  }

  #named(type: number, depth: number): unknown {
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return type === 0xc3;
      case 0xca:
        return this.#take(4).readFloatBE();
      case 0xcb:
        return this.#take(8).readDoubleBE();
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#skip(this.#uint(1 << (type - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#skip(this.#uint(1 << (type - 0xc7)) + 1);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#uint(1 << (type - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#uint(2 << (type - 0xdc)), depth);
      case 0xde:
      case 0xdf:
        return this.#map(this.#uint(2 << (type - 0xde)), depth);
      default:
        return this.#number(type);
    }
  }

  #number(type: number): unknown {
    if (type >= 0xcc && type <= 0xcf) return this.#uint(1 << (type - 0xcc));
    if (type === 0xd3) return Number(this.#take(8).readBigInt64BE());
    if (type >= 0xd0 && type <= 0xd2) {
      const size = 1 << (type - 0xd0);
      return this.#take(size).readIntBE(0, size);
    }
    if (type >= 0xd4 && type <= 0xd8) return this.#skip((1 << (type - 0xd4)) + 1);
    throw this.#error("a type of MessagePack", `0x${type.toString(16)}`);
  }

  #map(count: number, depth: number): Readonly<Record<string, unknown>> {
    const entries: [string, unknown][] = [];
    for (let index = 0; index < count; index++) {
      const key = this.value(depth + 1);
      if (typeof key !== "string") throw this.#error("a key that is text", typeof key);
      entries.push([key, this.value(depth + 1)]);
    }
    return Object.fromEntries(entries);
  }

  #array(count: number, depth: number): readonly unknown[] {
    const values: unknown[] = [];
    for (let index = 0; index < count; index++) values.push(this.value(depth + 1));
    return values;
  }

  #text(length: number): string {
    return this.#take(length).toString("utf8");
  }

  #uint(size: number): number {
    const bytes = this.#take(size);
    return size === 8 ? Number(bytes.readBigUInt64BE()) : bytes.readUIntBE(0, size);
  }

  #skip(length: number): null {
    this.#take(length);
    return null;
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    if (taken.length < length) throw this.#error(`${length} bytes`, `${taken.length}`);
    this.#at += length;
    return taken;
  }

  #error(wanted: string, found: string): MessagePackError {
    return new MessagePackError(
      `MessagePack at byte ${this.#at}: wanted ${wanted}, found ${found}`,
    );
  }
}
