/** Strings by content, each stored once; offset 0 is the empty string and means "unknown". */
import { ByteSink } from "./byte-sink.ts";

export class StringTable {
  private readonly sink = new ByteSink();
  private readonly offsets = new Map<string, number>();

  constructor() {
    this.add("");
  }

  add(text: string): number {
    const known = this.offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.sink.length;
    const bytes = Buffer.from(text, "utf8");
    this.sink.uleb(bytes.length);
    this.sink.append(bytes);
    this.offsets.set(text, offset);
    return offset;
  }

  bytes(): Uint8Array {
    return this.sink.view();
  }
}
