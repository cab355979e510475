/** The file as it grows: bytes are placed one after the other, and known by where they lie. */
import { ByteWriter, type Endian } from "./byte-writer.ts";

export interface Place {
  readonly dataSize: number;
  readonly rva: number;
}

export class Placer {
  readonly endian: Endian;
  readonly #out: ByteWriter;
  readonly #start: number;

  /** `start`: where in the file the first byte will lie. */
  constructor(endian: Endian, start: number) {
    this.endian = endian;
    this.#out = new ByteWriter(endian);
    this.#start = start;
  }

  writer(): ByteWriter {
    return new ByteWriter(this.endian);
  }

  place(bytes: Uint8Array): Place {
    const rva = this.#start + this.#out.length;
    this.#out.bytes(bytes);
    return { dataSize: bytes.length, rva };
  }

  /** MINIDUMP_STRING */
  utf16(text: string): number {
    return this.place(
      this.writer()
        .u32(text.length * 2)
        .utf16(text)
        .u16(0)
        .finish(),
    ).rva;
  }

  /** MinidumpUTF8String, which Crashpad's byte array begins like. */
  utf8(text: string): number {
    return this.counted(new TextEncoder().encode(text), [0]);
  }

  /** Bytes behind their length. */
  counted(bytes: Uint8Array, end: readonly number[] = []): number {
    return this.place(this.writer().u32(bytes.length).bytes(bytes).bytes(end).finish()).rva;
  }

  finish(): Uint8Array {
    return this.#out.finish();
  }
}

export const location = (out: ByteWriter, { dataSize, rva }: Place): ByteWriter =>
  out.u32(dataSize, rva);
