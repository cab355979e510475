/** Strings of a pyc map while it is written: each object's text once, as UTF-8. */
import { NULL } from "../marshal/objects.ts";
import { NumberList } from "../number-list.ts";
import type { PycFile } from "../pyc-file.ts";
import { encodeText } from "../text.ts";

export class MapStrings {
  /** Texts one after the other; `starts[n]` is where string n begins. */
  text = new Uint8Array(4096);
  textBytes = 0;
  readonly starts = new NumberList();
  readonly #file: PycFile;
  /** String number by object id; 0: not added yet. */
  readonly #numbers: Int32Array;

  constructor(file: PycFile) {
    this.#file = file;
    this.#numbers = new Int32Array(file.objects.count);
    this.starts.push(0);
    this.starts.push(0);
  }

  /** Strings so far; the first is the empty one. */
  get count(): number {
    return this.starts.length - 1;
  }

  /** Number of the string that is str object `id`; 0 for NULL. */
  ofObject(id: number): number {
    if (id === NULL) return 0;
    const known = this.#numbers[id]!;
    if (known !== 0) return known;
    const { objects, bytes } = this.#file;
    const start = objects.start(id);
    const end = start + objects.size(id);
    this.#check(id, start, end);
    const number = this.#add(bytes, start, end);
    this.#numbers[id] = number;
    return number;
  }

  ofText(text: string): number {
    const bytes = encodeText(text);
    return this.#add(bytes, 0, bytes.length);
  }

  #add(bytes: Uint8Array, start: number, end: number): number {
    const size = end - start;
    if (this.textBytes + size > this.text.length) this.#grow(size);
    let to = this.textBytes;
    if (size > 32) {
      this.text.set(bytes.subarray(start, end), to);
      to += size;
    } else {
      for (let at = start; at < end; at++) this.text[to++] = bytes[at]!;
    }
    this.textBytes = to;
    this.starts.push(to);
    return this.starts.length - 2;
  }

  /** The bytes are what the object's type says: ASCII, or UTF-8 that decodes. */
  #check(id: number, start: number, end: number): void {
    const { bytes } = this.#file;
    for (let at = start; at < end; at++) {
      if (bytes[at]! < 0x80) continue;
      this.#file.text(id);
      return;
    }
  }

  #grow(size: number): void {
    const grown = new Uint8Array(Math.max(this.text.length * 2, this.textBytes + size));
    grown.set(this.text);
    this.text = grown;
  }
}
